/* SPDX-License-Identifier: ISC */
/*
 * replay: the journal's records, read back into the index.
 *
 * Nothing is scheduled while it runs: units get their state, and units_settle puts them where they
 * wait afterwards.  A record that does not parse ends the process: its checksum was right, so this
 * program cannot read it, and guessing would lose mail.
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "queue/codec.h"
#include "rt/log.h"

static void
forget(struct queue *q, struct entry *e)
{
	for (struct unit *u = e->unit; u; u = u->next) {
		reason_put(&q->reasons, u->reason);
		if (u->dest)
			dest_unref(&q->dests, u->dest);
	}
	entry_free(&q->ix, e);
}

static void
replay_seg(struct queue *q, struct taker *t)
{
	uint64_t n = take_var(t), gen = take_var(t), indexed = take_var(t), total = take_var(t);
	uint64_t flags = take_var(t);
	struct seg *s;

	if (t->bad)
		return;
	s = seg_get(q, n, gen);
	s->indexed = indexed;
	s->total = (uint32_t)total;
	/* Closed by its writer and read to its end: it need not be read again. */
	if ((flags & 3) == 3)
		s->closed = s->scanned = true;
}

static void
replay_unit(struct queue *q, struct entry *e, struct taker *t)
{
	uint64_t state = take_var(t), transport = take_var(t);
	struct str name = take_string(t);
	struct unit *u;
	uint64_t nidx;

	if (t->bad || transport > TRANSPORTS || state > UNIT_REPORT) {
		t->bad = true;
		return;
	}
	u = unit_new(&q->ix, e, NULL);
	if (transport < TRANSPORTS) {
		u->dest = dest_get(&q->dests, (enum transport)transport, name);
		dest_ref(&q->dests, u->dest);
	}
	u->state = (uint8_t)state;
	u->attempts = (uint8_t)take_var(t);
	u->class = (uint8_t)(take_var(t) % CLASSES);
	u->due.at = take_le32(t);
	if (take_var(t)) {
		struct str status = take_string(t), mta = take_string(t), reply = take_string(t);

		u->reason = reason_get(&q->reasons, (enum out_class)u->class, status, mta, reply);
	}
	nidx = take_var(t);
	if (nidx > t->rest.n)
		t->bad = true;
	for (uint64_t i = 0; i < nidx && !t->bad; i++)
		unit_add_idx(u, (uint32_t)take_var(t));
}

static void
replay_target(struct entry *e, struct taker *t)
{
	struct made_rcpt x = {
		.idx = (uint32_t)take_var(t), .rcpt = (uint32_t)take_var(t),
		.made_by = (uint8_t)take_var(t),
	};

	x.addr = take_string(t);
	x.sender = take_string(t);
	if (!t->bad)
		(void)entry_add_target(e, &x);
}

static void
replay_one(struct queue *q, struct taker *t)
{
	uint64_t id = take_le64(t), n = take_var(t), gen = take_var(t), off = take_var(t);
	uint64_t flags = take_var(t), count;
	uint32_t sender = take_le32(t);
	struct entry *e = entry_find(&q->ix, id);

	if (t->bad)
		return;
	if (e)
		forget(q, e);
	e = entry_new(&q->ix, id, seg_get(q, n, gen), (uint32_t)off);
	e->flags = (uint16_t)(flags & ENTRY_LASTING);
	e->sender = sender;
	count = take_var(t);
	for (uint64_t i = 0; i < count && !t->bad; i++)
		replay_unit(q, e, t);
	/* Units were pushed at the front: keep the order they were written in. */
	struct unit *u = e->unit, *turned = NULL;

	while (u) {
		struct unit *next = u->next;

		u->next = turned;
		turned = u;
		u = next;
	}
	e->unit = turned;
	count = take_var(t);
	for (uint64_t i = 0; i < count && !t->bad; i++)
		replay_target(e, t);
	if (flags & ENTRY_BIG) {
		if (!e->extra && !(e->extra = calloc(1, sizeof *e->extra)))
			abort();
		e->extra->big_n = take_var(t);
		e->extra->big_gen = take_var(t);
	}
}

/* Is a later life of that file known?  Then nobody will read this one again. */
static bool
older_life(const struct queue *q, uint64_t n, uint64_t gen)
{
	const struct seg *s = idmap_get(&q->seg_by_n, n);

	return s && s->gen > gen;
}

static void
replay_done(struct queue *q, struct taker *t)
{
	uint64_t n = take_var(t), gen = take_var(t);
	struct seg *s;

	if (t->bad)
		return;
	if (older_life(q, n, gen)) {
		t->rest.n = 0;
		return;
	}
	s = seg_get(q, n, gen);
	while (t->rest.n > 0 && !t->bad) {
		uint32_t off = take_le32(t);
		uint64_t id = take_le64(t);
		struct entry *e = entry_find(&q->ix, id);

		if (e && e->seg == s && e->off == off)
			forget(q, e);
		if (off >= s->indexed)
			seg_note_done(s, off);
	}
}

static void
replay_segfin(struct queue *q, struct taker *t)
{
	uint64_t n = take_var(t), gen = take_var(t);
	struct seg *s;

	if (t->bad || older_life(q, n, gen))
		return;
	s = seg_get(q, n, gen);
	s->finished = s->closed = s->scanned = true;
	seg_done_free(s);
}

bool
replay_parse(struct queue *q, const struct journal_entry *je)
{
	struct taker t = { .rest = je->payload };

	while (t.rest.n > 0 && !t.bad) {
		switch (je->sub) {
		case J_ENTRIES:	replay_one(q, &t); break;
		case J_DONE:	replay_done(q, &t); break;
		case J_SEG:	replay_seg(q, &t); break;
		case J_SEGFIN:	replay_segfin(q, &t); break;
		default:	t.bad = true; break;
		}
	}
	return !t.bad;
}

void
replay_entry(void *arg, const struct journal_entry *je)
{
	if (replay_parse(arg, je))
		return;
	log_begin(LOG_ERROR, "journal_unreadable");
	log_u("type", je->sub);
	log_u("bytes", je->payload.n);
	log_end();
	log_drain(1000);
	abort();
}
