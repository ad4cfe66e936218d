/* SPDX-License-Identifier: ISC */
/*
 * house_ledger: what was promised, and the rules about it.
 *
 * acknowledged                    delivered at least once; live exactly once until it is done
 * whole, but no answer left   live at most once (RFC 1047) refused                            not
 * live in this life, nor later once its writer acknowledged another never whole
 * never live done, and that was synced    never live again
 */
#include <stdlib.h>

#include "spool/house.h"

void
house_bad(struct house *h, const char *what, uint64_t id)
{
	if (h->bad)
		return;
	h->bad = what;
	h->bad_id = id;
}

uint64_t
house_draw(struct house *h, uint64_t n)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (h->random >> 11) % n;
}

struct note *
note_find(struct house *h, uint64_t id)
{
	for (size_t i = 0; i < h->nnote; i++)
		if (h->note[i].id == id)
			return &h->note[i];
	return NULL;
}

void
note_content(const struct note *n, char *out)
{
	uint64_t x = n->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (uint32_t i = 0; i < n->len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (char)(x >> 24);
	}
}

void
notes_new_life(struct house *h)
{
	for (size_t i = 0; i < h->nnote; i++)
		h->note[i].seen = 0;
	h->life++;
	h->last_id_before = h->last_id;
}

void
note_seen(struct house *h, uint64_t id)
{
	struct note *n = note_find(h, id);

	if (!n) {
		house_bad(h, "a message nobody sent", id);
		return;
	}
	if (n->fate == FATE_BEGUN)
		house_bad(h, "a message that was never whole", id);
	if (n->fate == FATE_REFUSED && (n->life == h->life || n->sealed))
		house_bad(h, "a refused message came back", id);
	if (n->durable)
		house_bad(h, "a message came back that was done", id);
	if (n->seen++ > 0)
		house_bad(h, "a message stands in the spool twice", id);
	n->done = false;
}

void
notes_recovered(struct house *h)
{
	for (size_t i = 0; i < h->nnote; i++) {
		const struct note *n = &h->note[i];

		if (n->life < h->life && n->fate == FATE_ACKED && !n->done && n->seen == 0)
			house_bad(h, "an acknowledged message is lost", n->id);
	}
}

void
notes_final(struct house *h)
{
	for (size_t i = 0; i < h->nnote; i++) {
		const struct note *n = &h->note[i];

		if (n->fate == FATE_ACKED && n->delivered == 0)
			house_bad(h, "an acknowledged message was not delivered", n->id);
	}
}

void
house_init(struct house *h, uint64_t seed)
{
	*h = (struct house){ .random = (seed + 1) * UINT64_C(0xbf58476d1ce4e5b9) | 1 };
}

void
house_done(struct house *h)
{
	simdisk_free(h->disk);
	free(h->note);
	free(h->taken);
	*h = (struct house){};
}
