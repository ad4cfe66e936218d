/* SPDX-License-Identifier: ISC */
/*
 * carry: moves the few messages that still wait in an old segment into the queue's own series, so
 * that 64 MiB are not kept for one deferred message.
 *
 * A segment is worth it when it has been closed for a while and less than a quarter of its
 * messages live.  The copy keeps its id.  It is committed first; when intake reads it the entry is
 * pointed to it and the journal is told: old place done, new place known.  A crash in between
 * leaves two records of one id: intake takes the first it reads and passes over the other.
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { OLD_MS = 10 * 60'000, LOOK_MS = 60'000, BLOCK = 128 * 1024 };

static bool
worth_it(const struct seg *s)
{
	return s->scanned && !s->finished && s->live > 0 && s->live * 4 <= s->total &&
	    now_ms() >= s->closed_ms + OLD_MS;
}

static struct seg *
pick(struct queue *q)
{
	LIST_EACH(l, &q->segs) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (worth_it(s))
			return s;
	}
	return NULL;
}

/* Whoever is in flight is being read where it lies. */
static bool
movable(const struct entry *e)
{
	for (const struct unit *u = e->unit; u; u = u->next)
		if (u->state == UNIT_FLIGHT || u->state == UNIT_REPORT)
			return false;
	return true;
}

static enum spool
copy_content(struct queue *q, struct spool_draft *d, const struct spool_msg *m)
{
	uint64_t len = content_len(&m->ref);
	char *p = malloc(BLOCK);
	enum spool r = SPOOL_OK;

	if (!p)
		abort();
	for (uint64_t at = 0; at < len && r == SPOOL_OK;) {
		size_t n = (size_t)MIN(len - at, (uint64_t)BLOCK);

		if (sr_content(q->reader, &m->ref, at, (struct sr_bytes){ p, n }) != SR_OK)
			r = SPOOL_IO;
		else
			r = sd_write(d, str_from(p, n));
		at += n;
	}
	free(p);
	return r;
}

bool
carry_arrived(struct queue *q, struct entry *e, struct seg *s, const struct content_ref *to)
{
	struct seg *old = e->seg;

	if (!(e->flags & ENTRY_CARRIED) || !movable(e))
		return false;
	e->flags &= (uint16_t)~(ENTRY_CARRIED | ENTRY_BIG);
	state_done(q, old, e->off, e->id);
	if (e->extra && e->extra->big_gen)
		finish_big(q, e->extra->big_n, e->extra->big_gen);
	if (e->extra)
		e->extra->big_n = e->extra->big_gen = 0;
	if (to->big_len > 0 && e->extra) {
		e->extra->big_n = to->big_n;
		e->extra->big_gen = to->big_gen;
		e->flags |= ENTRY_BIG;
	}
	e->seg = s;
	e->off = (uint32_t)to->offset;
	s->live++;
	old->live--;
	state_dirty(q, e);
	log_begin(LOG_INFO, "carried");
	log_id("id", e->id);
	log_u("from_segment", old->n);
	log_u("to_segment", s->n);
	log_end();
	seg_check(q, old);
	return true;
}

static bool
carry_one(struct queue *q, struct seg *from, uint64_t id, struct arena *a)
{
	struct entry *e = entry_find(&q->ix, id);
	struct spool_draft *d;
	struct spool_msg m;
	enum spool r;

	if (!e || e->seg != from || !movable(e) || !record_read(q, e, a, &m))
		return true;
	d = sd_begin_as(q->writer, id, &r);
	if (!d)
		return false;
	r = copy_content(q, d, &m);
	/* Told before: intake may read the copy as soon as it is committed. */
	e = entry_find(&q->ix, id);
	if (r == SPOOL_OK && e && e->seg == from) {
		e->flags |= ENTRY_CARRIED;
		r = sd_commit(d, &m.env, (struct str){}, NULL);
		if (r == SPOOL_OK)
			return true;
	}
	sd_drop(d);
	if ((e = entry_find(&q->ix, id)))
		e->flags &= (uint16_t)~ENTRY_CARRIED;
	return r == SPOOL_OK;
}

static void
carry_segment(struct queue *q, struct seg *from, struct arena *a)
{
	uint64_t *ids = malloc((from->live + 1) * sizeof *ids), id;
	size_t n = 0, at = 0;
	uint32_t room = from->live;
	bool ok = true;
	void *p;

	if (!ids)
		abort();
	while (n < room && idmap_next(&q->ix.by_id, &at, &id, &p))
		if (((struct entry *)p)->seg == from)
			ids[n++] = id;
	from->reading = true;
	for (size_t i = 0; i < n && ok && !q->stopping; i++) {
		ok = carry_one(q, from, ids[i], a);
		arena_reset(a);
	}
	from->reading = false;
	from->closed_ms = now_ms() - OLD_MS + LOOK_MS;	/* what could not be moved: later */
	seg_check(q, from);
	free(ids);
}

void
carry_run(void *arg)
{
	struct queue *q = arg;
	struct arena a;

	arena_init(&a, 4 << 20);
	while (!q->stopping) {
		struct seg *s = q->recovered ? pick(q) : NULL;

		if (s)
			carry_segment(q, s, &a);
		else if (!task_wait(q, &q->carry, LOOK_MS))
			break;
	}
	arena_done(&a);
}
