/* SPDX-License-Identifier: ISC */
/*
 * state: what the journal is told, and how it is written.
 *
 * Records (numbers are LEB128 unless a width is given, little-endian; strings are length, bytes):
 *
 *	J_SEG		n gen indexed total flags (1 closed, 2 scanned, 4 to the end)
 *	J_ENTRIES	any number of messages, each its whole state; replaces what was known of it:
 *			id:8 n gen offset flags sender:4 nunit unit... nt target... [big_n big_gen]
 *		unit	state transport name attempts class due:4 hasreason [status mta reply]
 *			nidx idx...
 *		target	idx rcpt made_by addr sender
 *	J_DONE		n gen (offset:4 id:8)...: finished messages
 *	J_SEGFIN	n gen: the life is over
 *
 * A fresh message whose recipients are delivered as they stand is not written at all: reading the
 * log again makes the same entry.  Changed entries are gathered and written once a turn.
 * doc/format/queue-journal.md says the same for people.
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "base/num.h"
#include "queue/codec.h"

enum { BATCH = 60'000, DONE_BATCH = 12 * 4096, STATE_MAX = 64 << 20 };

void
state_dirty(struct queue *q, struct entry *e)
{
	if (e->flags & ENTRY_DIRTY)
		return;
	e->flags |= ENTRY_DIRTY;
	if (q->ndirty == q->capdirty) {
		q->capdirty = q->capdirty ? q->capdirty * 2 : 256;
		q->dirty = realloc(q->dirty, q->capdirty * sizeof *q->dirty);
		if (!q->dirty)
			abort();
	}
	q->dirty[q->ndirty++] = e->id;
}

static void
append(struct queue *q, uint16_t sub, const struct buf *b)
{
	const struct journal_entry e = { .sub = sub, .payload = buf_str(b) };

	jr_append(q->journal, &e);
}

static void
done_flush(struct queue *q)
{
	if (q->done.n == 0)
		return;
	if (q->journal)
		append(q, J_DONE, &q->done);
	buf_reset(&q->done);
	q->done_seg = NULL;
}

void
state_done(struct queue *q, struct seg *s, uint32_t off, uint64_t id)
{
	char *p;

	if (q->done_seg != s || q->done.n > DONE_BATCH) {
		done_flush(q);
		put_var(&q->done, s->n);
		put_var(&q->done, s->gen);
		q->done_seg = s;
	}
	p = buf_reserve(&q->done, 12);
	if (!p)
		abort();
	put_le32(p, off);
	put_le64(p + 4, id);
	buf_add(&q->done, 12);
}

void
state_segfin(struct queue *q, const struct seg *s)
{
	struct buf b;

	buf_init(&b, 64);
	put_var(&b, s->n);
	put_var(&b, s->gen);
	append(q, J_SEGFIN, &b);
	buf_done(&b);
}

static void
put_unit(struct queue *q, const struct unit *u, struct buf *b)
{
	const struct reason *r = reason_of(&q->reasons, u->reason);
	const uint32_t *idx = unit_idx(u);

	put_var(b, u->state);
	put_var(b, u->dest ? u->dest->transport : TRANSPORTS);
	put_string(b, u->dest ? dest_name(u->dest) : (struct str){});
	put_var(b, u->attempts);
	put_var(b, u->class);
	put_u32(b, u->due.at);
	put_var(b, u->reason != 0);
	if (u->reason != 0) {
		put_string(b, r->status);
		put_string(b, r->mta);
		put_string(b, r->reply);
	}
	put_var(b, u->nidx);
	for (uint32_t i = 0; i < u->nidx; i++)
		put_var(b, idx[i]);
}

bool
state_encode(struct queue *q, const struct entry *e, struct buf *b)
{
	uint32_t nunit = 0;

	for (const struct unit *u = e->unit; u; u = u->next)
		nunit++;
	put_u64(b, e->id);
	put_var(b, e->seg->n);
	put_var(b, e->seg->gen);
	put_var(b, e->off);
	put_var(b, e->flags & ENTRY_LASTING);
	put_u32(b, e->sender);
	put_var(b, nunit);
	for (const struct unit *u = e->unit; u; u = u->next)
		put_unit(q, u, b);
	put_var(b, e->extra ? e->extra->nt : 0);
	for (uint32_t i = 0; e->extra && i < e->extra->nt; i++) {
		const struct made_rcpt *t = &e->extra->t[i];

		put_var(b, t->idx);
		put_var(b, t->rcpt);
		put_var(b, t->made_by);
		put_string(b, t->addr);
		put_string(b, t->sender);
	}
	if (e->flags & ENTRY_BIG) {
		put_var(b, e->extra->big_n);
		put_var(b, e->extra->big_gen);
	}
	return !b->failed;
}

static void
dirty_flush(struct queue *q)
{
	struct buf b;

	if (q->ndirty == 0)
		return;
	buf_init(&b, STATE_MAX);
	for (size_t i = 0; i < q->ndirty; i++) {
		struct entry *e = entry_find(&q->ix, q->dirty[i]);

		if (!e || !(e->flags & ENTRY_DIRTY))
			continue;
		e->flags &= (uint16_t)~ENTRY_DIRTY;
		if (!state_encode(q, e, &b))
			abort();
		if (b.n > BATCH) {
			append(q, J_ENTRIES, &b);
			buf_reset(&b);
		}
	}
	if (b.n > 0)
		append(q, J_ENTRIES, &b);
	buf_done(&b);
	q->ndirty = 0;
}

void
state_flush(void *arg)
{
	struct queue *q = arg;

	if (!q->journal || !q->replayed)
		return;
	dirty_flush(q);
	done_flush(q);
}

static void
put_seg(struct buf *b, const struct seg *s)
{
	put_var(b, s->n);
	put_var(b, s->gen);
	put_var(b, s->indexed);
	put_var(b, s->total);
	put_var(b, (s->closed ? 1U : 0) | (s->scanned ? 2U : 0));
}

static bool
snap(struct journal *j, uint16_t sub, struct buf *b)
{
	const struct journal_entry e = { .sub = sub, .payload = buf_str(b) };
	bool ok = jr_snap(j, &e);

	buf_reset(b);
	return ok;
}

/* What a snapshot takes in one go, before anything can suspend: segments, the places in them that
 * are done and will be passed when they are read again, finished lives, ids.  An entry that comes
 * later lies behind what its segment says is indexed, and will be read again. */
struct moment {
	struct buf segs;		/* one J_SEG payload */
	struct buf done;		/* length:4 and payload of each J_DONE */
	struct buf fin;			/* n:8 gen:8 of each J_SEGFIN */
	uint64_t *ids;
	size_t n;
};

static void
moment_done(struct moment *m, const struct seg *s)
{
	size_t at = m->done.n;

	if (s->ndone == 0)
		return;
	put_u32(&m->done, 0);
	put_var(&m->done, s->n);
	put_var(&m->done, s->gen);
	for (size_t i = 0; i < s->ndone; i++) {
		put_u32(&m->done, s->done[i]);
		put_u64(&m->done, 0);		/* whose it was does not matter any more */
	}
	put_le32(m->done.p + at, (uint32_t)(m->done.n - at - 4));
}

static void
moment_take(struct queue *q, struct moment *m)
{
	size_t at = 0;
	uint64_t id;
	void *p;

	*m = (struct moment){};
	buf_init(&m->segs, STATE_MAX);
	buf_init(&m->done, STATE_MAX);
	buf_init(&m->fin, STATE_MAX);
	LIST_EACH(l, &q->segs) {
		const struct seg *s = CONTAINER_OF(l, struct seg, link);

		put_seg(&m->segs, s);
		moment_done(m, s);
		if (s->finished) {
			put_u64(&m->fin, s->n);
			put_u64(&m->fin, s->gen);
		}
	}
	m->ids = malloc((q->ix.by_id.n + 1) * sizeof *m->ids);
	if (!m->ids || m->segs.failed || m->done.failed || m->fin.failed)
		abort();
	while (idmap_next(&q->ix.by_id, &at, &id, &p))
		m->ids[m->n++] = id;
}

static void
moment_free(struct moment *m)
{
	buf_done(&m->segs);
	buf_done(&m->done);
	buf_done(&m->fin);
	free(m->ids);
}

static bool
snap_done(struct journal *j, const struct moment *m)
{
	bool ok = true;

	for (size_t at = 0; ok && at < m->done.n;) {
		uint32_t n = get_le32(m->done.p + at);
		const struct journal_entry e = { .sub = J_DONE,
			.payload = str_from(m->done.p + at + 4, n) };

		ok = jr_snap(j, &e);
		at += 4 + n;
	}
	return ok;
}

static bool
snap_entries(struct queue *q, struct journal *j, const uint64_t *ids, size_t n)
{
	struct buf b;
	bool ok = true;

	buf_init(&b, STATE_MAX);
	for (size_t i = 0; ok && i < n; i++) {
		const struct entry *e = entry_find(&q->ix, ids[i]);

		if (e && !state_encode(q, e, &b))
			abort();
		if (b.n > BATCH)
			ok = snap(j, J_ENTRIES, &b);
	}
	if (ok && b.n > 0)
		ok = snap(j, J_ENTRIES, &b);
	buf_done(&b);
	return ok;
}

static bool
snap_finished(struct journal *j, const struct moment *m)
{
	struct buf b;
	bool ok = true;

	buf_init(&b, 64);
	for (size_t at = 0; ok && at + 16 <= m->fin.n; at += 16) {
		put_var(&b, get_le64(m->fin.p + at));
		put_var(&b, get_le64(m->fin.p + at + 8));
		ok = snap(j, J_SEGFIN, &b);
	}
	buf_done(&b);
	return ok;
}

bool
state_snapshot(void *arg, struct journal *j)
{
	struct queue *q = arg;
	struct moment m;
	bool ok = true;

	moment_take(q, &m);
	if (m.segs.n > 0)
		ok = snap(j, J_SEG, &m.segs);
	ok = ok && snap_done(j, &m) && snap_finished(j, &m) &&
	    snap_entries(q, j, m.ids, m.n);
	moment_free(&m);
	return ok;
}
