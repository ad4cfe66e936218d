/* SPDX-License-Identifier: ISC */
/*
 * segs: the lives of segment files the queue knows of, from the pool, from writers' notices and
 * from the journal.
 *
 * A segment is finished when it is closed, read to its end, holds no unfinished message, and the
 * segment whose seal it holds is finished too: then finish.c says so in the journal, and only
 * after that is synced to the pool.
 */
#include "queue/parts.h"

#include <assert.h>
#include <stdlib.h>

#include "rt/clock.h"
#include "rt/log.h"

struct seg *
seg_find(const struct queue *q, uint64_t n, uint64_t gen)
{
	struct seg *s = idmap_get(&q->seg_by_n, n);

	return s && s->gen == gen ? s : NULL;
}

struct seg *
seg_get(struct queue *q, uint64_t n, uint64_t gen)
{
	struct seg *s = idmap_get(&q->seg_by_n, n);

	if (s && s->gen == gen)
		return s;
	if (s)
		seg_forget(q, s);
	s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->n = n;
	s->gen = gen;
	list_push(&q->segs, &s->link);
	(void)idmap_put(&q->seg_by_n, n, s);
	q->seg_news = true;
	return s;
}

void
seg_forget(struct queue *q, struct seg *s)
{
	if (q->done_seg == s)
		state_flush(q);
	if (idmap_get(&q->seg_by_n, s->n) == s)
		(void)idmap_del(&q->seg_by_n, s->n);
	if (s->live > 0 || s->reading) {
		/* Mail in a file that has begun another life: cannot be, unless the disk was
		 * changed behind us.  Its entries stay, and fail when they are read. */
		log_begin(LOG_ERROR, "segment_lost");
		log_u("segment", s->n);
		log_u("generation", s->gen);
		log_u("messages", s->live);
		log_end();
		return;
	}
	list_remove(&s->link);
	free(s->done);
	free(s);
}

void
segs_free(struct queue *q)
{
	LIST_EACH(l, &q->segs) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		free(s->done);
		free(s);
	}
	idmap_done(&q->seg_by_n);
}

void
seg_note_done(struct seg *s, uint32_t off)
{
	if (s->ndone == s->capdone) {
		s->capdone = s->capdone ? s->capdone * 2 : 64;
		s->done = realloc(s->done, s->capdone * sizeof *s->done);
		if (!s->done)
			abort();
	}
	s->done[s->ndone++] = off;
}

void
seg_note_sorted(struct seg *s, uint32_t off)
{
	size_t i;

	seg_note_done(s, off);
	for (i = s->ndone - 1; i > 0 && s->done[i - 1] > off; i--)
		s->done[i] = s->done[i - 1];
	s->done[i] = off;
}

void
seg_done_free(struct seg *s)
{
	free(s->done);
	s->done = NULL;
	s->ndone = s->capdone = 0;
}

int
seg_by_offset(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool
seg_was_done(struct seg *s, uint32_t off)
{
	return s->ndone > 0 && bsearch(&off, s->done, s->ndone, sizeof off, seg_by_offset) != NULL;
}

void
seg_check(struct queue *q, struct seg *s)
{
	if (s->scanned && s->live == 0 && !s->finished)
		task_wake(&q->finisher);
}

static void
seg_open_end(struct queue *q, struct seg *s)
{
	if (s->closed)
		return;
	/* Its writer is gone: there is no more notice to come, so read what is whole. */
	s->held = false;
	s->committed = UINT64_MAX;
	s->closed = true;
	s->closed_ms = now_ms();
	task_wake(&q->intake);
}

void
queue_on_file(struct queue *q, enum spool_kind kind, const struct spool_head *h, bool held)
{
	struct seg *s;

	if (kind != SPOOL_SEGMENT)
		return;
	s = seg_get(q, h->n, h->gen);
	s->known = true;
	if (s->finished) {
		/* The pool did not hear of it, or did not get to recycling it. */
		q->ops.finished(q->ctx, SPOOL_SEGMENT, s->n, s->gen);
		return;
	}
	if (held)
		s->held = true;
	else
		seg_open_end(q, s);
}

void
queue_on_files_end(struct queue *q)
{
	LIST_EACH(l, &q->segs) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (s->known)
			continue;
		/* The journal remembers it and the pool does not: recycled meanwhile. */
		if (s->live == 0 && !s->held && !s->reading)
			seg_forget(q, s);
	}
	q->files_known = true;
	task_wake(&q->intake);
	task_wake(&q->finisher);
}

void
queue_on_closed(struct queue *q, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct seg *s;

	if (kind != SPOOL_SEGMENT)
		return;
	s = seg_get(q, n, gen);
	s->known = true;
	if (!s->finished)
		seg_open_end(q, s);
}

void
queue_on_recycled(struct queue *q, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct seg *s = kind == SPOOL_SEGMENT ? seg_find(q, n, gen) : NULL;

	if (s && s->finished)
		seg_forget(q, s);
}

void
queue_on_notice(struct queue *q, const struct sw_notice *notice)
{
	struct seg *s = seg_get(q, notice->segno, notice->gen);

	if (s->finished || s->committed == UINT64_MAX)
		return;
	s->known = true;
	if (notice->committed > s->committed)
		s->committed = notice->committed;
	if (notice->closed && !s->closed) {
		s->closed = true;
		s->held = false;
		s->closed_ms = now_ms();
	} else if (!notice->closed) {
		s->held = true;
	}
	task_wake(&q->intake);
}
