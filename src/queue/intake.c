/* SPDX-License-Identifier: ISC */
/*
 * intake: reads segments up to where they are committed, and makes entries of their messages.
 *
 * Files of live writers come first, so that new mail never waits behind a backlog; the tails of
 * dead ones are read when every seal has been read, for a seal says where such a tail must end.
 * A slice is collected inside the scan (which must not suspend), then expanded message by message.
 */
#include "queue/parts.h"

#include <string.h>

#include "base/num.h"
#include "queue/route.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { SLICE_MSGS = 256, SLICE_BYTES = 256 * 1024, ARENA_MAX = 64 << 20, GRACE_MS = 300,
	GATHER_MS = 2 };

struct fresh {
	struct spool_msg m;
	uint64_t end;			/* where the next record begins */
};

struct slice {
	struct arena arena;		/* the messages */
	struct arena work;		/* what one of them becomes: lists can be long */
	struct fresh *f;
	size_t n;
	bool strange;
	struct seal_ctx seal;		/* where a seal belongs that is met on the way */
};

/* Copies what the message needs out of the block; false when the slice is full. */
static bool
collect(void *ctx, const struct spool_rec *rec)
{
	struct slice *sl = ctx;
	struct spool_rec mine = *rec;
	struct fresh *f = &sl->f[sl->n];
	struct spool_seal seal;

	/* Seals were read before, unless they were committed after the segment became known. */
	if (rec->type == REC_SEAL && seal_decode(rec, &seal))
		seal_seen(&sl->seal, &seal);
	if (rec->type != REC_MSG)
		return true;
	mine.meta = str_dup(&sl->arena, rec->meta);
	f->end = rec->offset + rec->len;
	if (!msg_decode(&mine, &sl->arena, &f->m)) {
		sl->strange = true;		/* of a version to come: it stays in the log */
		f->m = (struct spool_msg){};
	}
	sl->n++;
	return sl->n < SLICE_MSGS && sl->arena.used < SLICE_BYTES;
}

static void
read_seals(struct queue *q, struct seg *s)
{
	const struct spool_head h = { .kind = SPOOL_SEGMENT, .n = s->n, .gen = s->gen };

	s->seals_read = true;
	(void)sr_seals(q->reader, &h, seal_seen, &(struct seal_ctx){ q, s });
}

static bool
wants_reading(const struct queue *q, const struct seg *s, bool dead)
{
	if (s->scanned || s->finished || s->indexed >= s->committed)
		return false;
	if (s->committed != UINT64_MAX)
		return !dead;
	return dead && q->files_known && now_ms() >= s->closed_ms + GRACE_MS;
}

/* A closed segment that was read as far as it goes. */
static void
close_up(struct queue *q, struct seg *s)
{
	if (s->scanned || !s->closed || s->committed == UINT64_MAX || s->indexed < s->committed)
		return;
	s->scanned = true;
	s->closed_ms = now_ms();
	seg_done_free(s);
	seg_check(q, s);
	task_wake(&q->carry);
}

static struct seg *
pick(struct queue *q)
{
	for (int dead = 0; dead < 2; dead++)
		LIST_EACH(l, &q->segs) {
			struct seg *s = CONTAINER_OF(l, struct seg, link);

			close_up(q, s);
			if (wants_reading(q, s, dead))
				return s;
		}
	return NULL;
}

static void
intake_slice(struct queue *q, struct seg *s, struct slice *sl)
{
	for (size_t i = 0; i < sl->n && !q->stopping; i++) {
		struct fresh *f = &sl->f[i];

		if (f->m.id != 0)
			intake_message(q, s, &f->m, &sl->work);
		arena_reset(&sl->work);
		s->indexed = f->end;
	}
}

static void
damaged(struct queue *q, struct seg *s, uint64_t at)
{
	const struct spool_head h = { .kind = SPOOL_SEGMENT, .n = s->n, .gen = s->gen };
	uint64_t next = sr_resync(q->reader, &h, at);

	log_begin(LOG_ERROR, "spool_damaged");
	log_u("segment", s->n);
	log_u("generation", s->gen);
	log_u("offset", at);
	log_u("resumed_at", next);
	log_end();
	s->indexed = next && next < s->committed ? next : s->committed;
}

/* How far a scan of a dead writer's file may go. */
static uint64_t
tail_end(const struct seg *s)
{
	return s->committed == UINT64_MAX && s->sealed ? s->sealed : s->committed;
}

static void
after_scan(struct queue *q, struct seg *s, enum sr r, const struct sr_scan *scan)
{
	switch (r) {
	case SR_STOPPED:
		return;
	case SR_OK:
		if (s->committed == UINT64_MAX)
			s->committed = s->indexed = scan->next;
		else
			s->indexed = MAX(s->indexed, MIN(scan->next, scan->to));
		return;
	case SR_DAMAGED:
		damaged(q, s, scan->next);
		return;
	case SR_GONE:
		log_begin(LOG_ERROR, "segment_gone");
		log_u("segment", s->n);
		log_u("generation", s->gen);
		log_end();
		s->committed = s->indexed;
		s->closed = true;
		return;
	case SR_IO:
		(void)co_sleep(1000);		/* the disk may come back */
		return;
	}
}

static void
scan(struct queue *q, struct seg *s, struct slice *sl)
{
	struct sr_scan scan = {
		.segno = s->n, .gen = s->gen, .from = s->indexed, .to = tail_end(s),
		.on_rec = collect, .ctx = sl,
	};
	enum sr r;

	sl->n = 0;
	sl->strange = false;
	sl->seal = (struct seal_ctx){ q, s };
	s->reading = true;
	r = sr_scan(q->reader, &scan);
	if (sl->strange) {
		log_begin(LOG_ERROR, "record_strange");
		log_u("segment", s->n);
		log_end();
	}
	intake_slice(q, s, sl);
	if (!q->stopping)
		after_scan(q, s, r, &scan);
	s->reading = false;
	arena_reset(&sl->arena);
}

/* All seals of all files, before any tail of a dead writer. */
static void
new_segments(struct queue *q)
{
	if (!q->seg_news)
		return;
	q->seg_news = false;
	LIST_EACH(l, &q->segs) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (!s->seals_read && !s->finished && (s->known || s->committed > 0)) {
			read_seals(q, s);
			q->seg_news = true;	/* it may have suspended: look again */
			return;
		}
	}
}

static void
big_files_known(struct queue *q)
{
	size_t at = 0;
	uint64_t id;
	void *p;

	while (idmap_next(&q->ix.by_id, &at, &id, &p)) {
		const struct entry *e = p;

		if (e->flags & ENTRY_BIG)
			q->ops.big_live(q->ctx, e->extra->big_n, e->extra->big_gen);
	}
	q->ops.big_live_end(q->ctx);
}

static bool
still_to_recover(const struct queue *q)
{
	LIST_EACH(l, &q->segs) {
		const struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (!s->scanned && !s->finished && (s->indexed < s->committed ||
		    (s->held && s->committed == 0)))
			return !s->held || now_ms() < q->started_ms + 10'000;
	}
	return false;
}

static void
recovery(struct queue *q)
{
	if (q->recovered || !q->files_known || still_to_recover(q))
		return;
	q->recovered = true;
	big_files_known(q);
	log_begin(LOG_INFO, "queue_recovered");
	log_u("messages", q->ix.by_id.n);
	log_i("ms", now_ms() - q->started_ms);
	log_end();
}

/* Until when there is nothing to do unless somebody wakes us. */
static int64_t
rest_ms(const struct queue *q)
{
	if (!q->recovered)
		return 200;
	LIST_EACH(l, &q->segs) {
		const struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (s->closed && !s->scanned && !s->finished)
			return GRACE_MS;
	}
	return 60'000;
}

void
intake_run(void *arg)
{
	struct queue *q = arg;
	struct slice sl = { .f = arena_alloc(co_arena(), SLICE_MSGS * sizeof *sl.f) };

	if (!sl.f)
		return;
	arena_init(&sl.arena, ARENA_MAX);
	arena_init(&sl.work, ARENA_MAX);
	while (!q->stopping) {
		struct seg *s;

		new_segments(q);
		reroute_waiting(q, &sl.work);
		arena_reset(&sl.work);
		if (!q->seg_news && (s = pick(q))) {
			scan(q, s, &sl);
			task_wake(&q->dispatch);
			if (co_yield() == WAKE_CANCELLED)
				break;
			continue;
		}
		recovery(q);
		if (q->seg_news || !list_empty(&q->reroute))
			continue;
		/* A moment for others to commit: one reading for many messages. */
		if (!task_wait(q, &q->intake, rest_ms(q)) || co_sleep(GATHER_MS) == WAKE_CANCELLED)
			break;
	}
	arena_done(&sl.arena);
	arena_done(&sl.work);
}
