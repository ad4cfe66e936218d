/* SPDX-License-Identifier: ISC */
/*
 * index: entries, units and their lists of recipients.
 *
 * A unit with one recipient holds its number in place; more are an array of its own that grows in
 * powers of two (capacity follows from the count).
 */
#include "queue/index.h"
#include "base/num.h"

#include <assert.h>
#include <stdlib.h>

static void *
must(void *p)
{
	if (!p)
		abort();
	return p;
}

void
index_init(struct index *ix)
{
	*ix = (struct index){};
	slab_init(&ix->entries, num_round_up(sizeof(struct entry), 8));
	slab_init(&ix->units, num_round_up(sizeof(struct unit), 8));
}

struct entry *
entry_find(const struct index *ix, uint64_t id)
{
	return idmap_get(&ix->by_id, id);
}

struct entry *
entry_new(struct index *ix, uint64_t id, struct seg *seg, uint32_t off)
{
	struct entry *e = slab_get(&ix->entries);

	e->id = id;
	e->seg = seg;
	e->off = off;
	seg->live++;
	(void)idmap_put(&ix->by_id, id, e);
	return e;
}

static void
extra_free(struct extra *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < x->nt; i++)
		free((char *)(uintptr_t)x->t[i].addr.p);
	free(x->t);
	free(x);
}

static void
unit_drop(struct index *ix, struct unit *u)
{
	if (u->nidx > 1)
		free(u->idx.many);
	slab_put(&ix->units, u);
}

void
entry_free(struct index *ix, struct entry *e)
{
	while (e->unit) {
		struct unit *u = e->unit;

		e->unit = u->next;
		unit_drop(ix, u);
	}
	extra_free(e->extra);
	e->seg->live--;
	(void)idmap_del(&ix->by_id, e->id);
	slab_put(&ix->entries, e);
}

void
index_done(struct index *ix)
{
	size_t at = 0;
	uint64_t id;
	void *p;

	while (idmap_next(&ix->by_id, &at, &id, &p)) {
		struct entry *e = p;

		for (struct unit *u = e->unit; u; u = u->next)
			if (u->nidx > 1)
				free(u->idx.many);
		extra_free(e->extra);
	}
	idmap_done(&ix->by_id);
	slab_done(&ix->entries);
	slab_done(&ix->units);
}

struct made_rcpt *
entry_add_target(struct entry *e, const struct made_rcpt *t)
{
	struct extra *x = e->extra;
	char *p = must(malloc(t->addr.n + t->sender.n + 1));

	if (!x)
		x = e->extra = must(calloc(1, sizeof *x));
	if ((x->nt & (x->nt - 1)) == 0)
		x->t = must(realloc(x->t, MAX(4U, x->nt * 2) * sizeof *x->t));
	if (t->addr.n)
		memcpy(p, t->addr.p, t->addr.n);
	if (t->sender.n)
		memcpy(p + t->addr.n, t->sender.p, t->sender.n);
	x->t[x->nt] = *t;
	x->t[x->nt].addr.p = p;
	x->t[x->nt].sender.p = p + t->addr.n;
	if (t->idx >= x->next_idx)
		x->next_idx = t->idx + 1;
	return &x->t[x->nt++];
}

const struct made_rcpt *
entry_target(const struct entry *e, uint32_t idx)
{
	for (uint32_t i = 0; e->extra && i < e->extra->nt; i++)
		if (e->extra->t[i].idx == idx)
			return &e->extra->t[i];
	return NULL;
}

struct unit *
unit_new(struct index *ix, struct entry *e, struct dest *d)
{
	struct unit *u = slab_get(&ix->units);

	link_init(&u->due.link);
	u->entry = e;
	u->dest = d;
	u->next = e->unit;
	e->unit = u;
	return u;
}

void
unit_free(struct index *ix, struct unit *u)
{
	struct unit **at = &u->entry->unit;

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	unit_drop(ix, u);
}

void
unit_add_idx(struct unit *u, uint32_t idx)
{
	if (u->nidx == 0) {
		u->idx.one = idx;
	} else if (u->nidx == 1) {
		uint32_t *many = must(malloc(4 * sizeof *many));

		many[0] = u->idx.one;
		many[1] = idx;
		u->idx.many = many;
	} else {
		if (u->nidx >= 4 && (u->nidx & (u->nidx - 1)) == 0)
			u->idx.many = must(realloc(u->idx.many,
			    2 * u->nidx * sizeof *u->idx.many));
		u->idx.many[u->nidx] = idx;
	}
	u->nidx++;
}

bool
unit_del_idx(struct unit *u, uint32_t idx)
{
	uint32_t *many = u->idx.many, left;

	if (u->nidx <= 1) {
		if (u->nidx == 0 || u->idx.one != idx)
			return false;
		u->nidx = 0;
		return true;
	}
	for (uint32_t i = 0; i < u->nidx; i++) {
		if (many[i] != idx)
			continue;
		many[i] = many[--u->nidx];
		if (u->nidx > 1) {
			/* Keep the rule of capacity: double from each power of two up. */
			if ((u->nidx & (u->nidx - 1)) == 0 && u->nidx >= 4)
				u->idx.many = must(realloc(many, u->nidx * sizeof *many));
			return true;
		}
		left = many[0];
		free(many);
		u->idx.one = left;
		return true;
	}
	return false;
}

size_t
index_bytes(const struct index *ix)
{
	return (ix->entries.nchunk + ix->units.nchunk) * 65536 +
	    ix->by_id.cap * sizeof(struct idmap_slot);
}
