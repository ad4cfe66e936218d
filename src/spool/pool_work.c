/* SPDX-License-Identifier: ISC */
/*
 * pool_work: the pool's coroutine: one thing at a time, the most wanted first.
 *
 *	a file is waited for, or fewer than `ahead` are FREE: recycle a DIRTY one, else create one
 *	a file is DIRTY: recycle it (its head alone)
 *	nobody asked for idle_ms: zero a FREE file that was used before
 *	the clock nears its mark: raise the mark
 *
 * Zeroing goes in pieces and gives way as soon as a file is wanted.
 */
#include <errno.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "spool/batch.h"
#include "spool/files.h"
#include "spool/pool_int.h"

enum { ZERO_PIECE = 8 << 20, TICK_MS = 1000, ORPHAN_MS = 20, BIG_LATE_MS = 10'000 };

void
pool_space(struct pool *p)
{
	int64_t left = disk_free_bytes(p->dirfd), total = disk_total_bytes(p->dirfd);
	uint64_t part = (uint64_t)MAX(total, 0) / 100 * p->conf.reserve_percent;
	uint64_t reserve = MIN(part, p->conf.reserve);
	bool full;

	full = left >= 0 && (uint64_t)left < reserve;
	if (full == p->full)
		return;
	p->full = full;
	p->ops.space(p->ctx, full);
}

static struct pool_file *
first(struct pool *p, enum spool_kind kind, enum pool_state state)
{
	struct link *l = list_first(&p->list[kind][state]);

	return l ? CONTAINER_OF(l, struct pool_file, link) : NULL;
}

static bool
wanted(const struct pool *p, enum spool_kind kind)
{
	if (pool_waiters(p, kind))
		return true;
	/* At start a big file may soon turn out to be free: no hurry to make more. */
	if (kind == SPOOL_BIG && !p->big_known && now_ms() - p->started_ms < BIG_LATE_MS)
		return false;
	return p->count[kind][POOL_FREE] < pool_ahead(p, kind);
}

static bool
any_wanted(const struct pool *p)
{
	return wanted(p, SPOOL_SEGMENT) || wanted(p, SPOOL_BIG) || wanted(p, SPOOL_JOURNAL);
}

static void
lost(struct pool *p, struct pool_file *f)
{
	char name[FILE_NAME_MAX];

	file_name(f->head.kind, f->head.n, name);
	pool_move(p, f, POOL_LOST);
	p->ops.strange(p->ctx, f->head.kind, name);
}

static struct spool_head
new_head(struct pool *p, const struct pool_file *f, bool clean)
{
	struct spool_head h = f->head;

	h.gen = pool_new_life(p);
	h.epoch_ms = p->mark_ms;
	h.clean = clean;
	return h;
}

/* The former life is over, the file is FREE in its next. */
static void
reborn(struct pool *p, struct pool_file *f, const struct spool_head *h)
{
	uint64_t old = f->head.gen;

	f->head = *h;
	f->pristine = f->at_start = false;
	pool_move(p, f, POOL_FREE);
	p->recycled++;
	p->ops.recycled(p->ctx, h->kind, h->n, old);
}

/* suspends */
static void
recycle(struct pool *p, struct pool_file *f)
{
	struct pool_job job = {
		.task = f->remove ? TASK_REMOVE : TASK_HEAD, .dir = p->dir[f->head.kind],
		.head = new_head(p, f, f->pristine),
	};
	uint64_t old = f->head.gen;

	pool_move(p, f, POOL_BUSY);
	if (pool_job(&job) != 0) {
		lost(p, f);
	} else if (f->remove) {
		p->ops.recycled(p->ctx, f->head.kind, f->head.n, old);
		pool_forget(p, f);
	} else {
		reborn(p, f, &job.head);
	}
}

/* suspends */
static enum spool
create(struct pool *p, enum spool_kind kind)
{
	struct pool_job job = {
		.task = TASK_CREATE, .dir = p->dir[kind],
		.head = { .kind = kind, .n = p->next_n[kind], .size = pool_size(p, kind),
			.epoch_ms = p->mark_ms, .clean = true },
	};
	int err;

	pool_space(p);
	if (p->full && kind != SPOOL_JOURNAL)
		return SPOOL_FULL;
	job.head.gen = pool_new_life(p);
	p->next_n[kind]++;
	err = pool_job(&job);
	if (err != 0)
		return spool_of_errno(err);
	(void)pool_add(p, &job.head, POOL_FREE);
	p->created++;
	return SPOOL_OK;
}

/* False: it could not be done now.  suspends */
static bool
prepare(struct pool *p, enum spool_kind kind)
{
	struct pool_file *f = first(p, kind, POOL_DIRTY);
	enum spool res = SPOOL_OK;

	if (f)
		recycle(p, f);
	else
		res = create(p, kind);
	pool_serve(p, kind, res);
	return res == SPOOL_OK;
}

/* Zero a FREE file piece by piece; not at once when somebody wants a file meanwhile.  suspends */
static void
clean(struct pool *p, struct pool_file *f)
{
	struct pool_job job = {
		.task = TASK_ZERO, .dir = p->dir[f->head.kind], .head = new_head(p, f, true),
		.to = SPOOL_BLOCK,
	};

	pool_move(p, f, POOL_BUSY);
	while (job.to < job.head.size) {
		if (!list_empty(&p->waiting) || co_cancelled()) {
			pool_move(p, f, POOL_FREE);
			pool_serve(p, f->head.kind, SPOOL_OK);
			return;
		}
		job.from = job.to;
		job.to = MIN(job.head.size, job.to + ZERO_PIECE);
		if (pool_job(&job) != 0) {
			lost(p, f);
			return;
		}
	}
	p->zeroed++;
	reborn(p, f, &job.head);
	pool_serve(p, f->head.kind, SPOOL_OK);
}

static struct pool_file *
to_clean(struct pool *p)
{
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		LIST_EACH(l, &p->list[k][POOL_FREE])
			if (!CONTAINER_OF(l, struct pool_file, link)->head.clean)
				return CONTAINER_OF(l, struct pool_file, link);
	return NULL;
}

/* After a burst: far more than will be used soon. */
static struct pool_file *
surplus(struct pool *p)
{
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		if (p->count[k][POOL_FREE] > 4 * pool_ahead(p, (enum spool_kind)k))
			return first(p, (enum spool_kind)k, POOL_FREE);
	return NULL;
}

/* Nobody wants anything: tidy one file.  False: nothing to tidy.  suspends */
static bool
tidy(struct pool *p)
{
	struct pool_file *f = surplus(p);

	if (f) {
		f->remove = true;
		recycle(p, f);
		return true;
	}
	f = to_clean(p);
	if (f)
		clean(p, f);
	return f != NULL;
}

/* One thing.  False: nothing to do before a moment has passed.  suspends */
static bool
step(struct pool *p)
{
	bool idle = now_ms() - p->last_take_ms >= p->conf.idle_ms;

	if (wall_ms() > p->mark_ms - pool_lead(p) / 2 &&
	    pool_clock_raise(p, wall_ms() + pool_lead(p)))
		p->ops.clock(p->ctx, p->mark_ms);
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		if (wanted(p, (enum spool_kind)k) && prepare(p, (enum spool_kind)k))
			return true;
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++) {
		struct pool_file *f = first(p, (enum spool_kind)k, POOL_DIRTY);

		if (f) {
			recycle(p, f);
			return true;
		}
	}
	return idle && !any_wanted(p) && tidy(p);
}

/* Files of holders that went: theirs when the lock is gone too.  True: some are still held. */
static bool
orphans(struct pool *p)
{
	bool left = false;

	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		LIST_EACH(l, &p->list[k][POOL_HELD]) {
			struct pool_file *f = CONTAINER_OF(l, struct pool_file, link);

			if (f->holder != 0)
				continue;
			if (pool_is_held(p, &f->head))
				left = true;
			else
				pool_release(p, f->head.kind, f->head.n, f->head.gen);
		}
	return left;
}

void
pool_run(void *arg)
{
	struct pool *p = arg;

	p->worker = co_self();
	while (!co_cancelled()) {
		bool soon = orphans(p);

		pool_space(p);
		if (step(p))
			continue;
		if (co_park(now_ms() + (soon ? ORPHAN_MS : TICK_MS)) == WAKE_CANCELLED)
			break;
	}
	p->worker = NULL;
	p->stopped = true;
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		pool_serve(p, (enum spool_kind)k, SPOOL_IO);
}
