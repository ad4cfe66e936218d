/* SPDX-License-Identifier: ISC */
/*
 * queue: makes the state, starts and stops its tasks, keeps its time.
 *
 * Order at start: journal replayed, units put in their places, a fresh journal begun, then the
 * tasks.  Dispatching waits for deliverers to say what they still have in hand.
 */
#include "queue/queue.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/msgid.h"
#include "base/num.h"
#include "queue/carrier.h"
#include "queue/parts.h"
#include "rt/clock.h"
#include "rt/loop.h"
#include "rt/log.h"

enum { READER_FDS = 64, STOP_MS = 5000 };

uint32_t
queue_sec(const struct queue *q)
{
	return (uint32_t)((queue_wall_ms(q) - MSGID_EPOCH_MS) / 1000);
}

int64_t
queue_wall_ms(const struct queue *q)
{
	return q->wall0_ms + (now_ms() - q->mono0_ms);
}

uint32_t
queue_random(struct queue *q)
{
	/* xorshift64*, Vigna 2014 */
	q->random ^= q->random >> 12;
	q->random ^= q->random << 25;
	q->random ^= q->random >> 27;
	return (uint32_t)((q->random * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

void
task_wake(struct task *t)
{
	t->more = true;
	if (t->co)
		co_wake(t->co);
}

bool
task_wait(struct queue *q, struct task *t, int64_t ms)
{
	int64_t until = deadline_in(ms);

	t->co = co_self();
	while (!t->more && !q->stopping)
		if (co_park(until) != WAKE_OK)
			break;
	t->more = false;
	return !q->stopping && !co_cancelled();
}

static enum spool
journal_file(void *ctx, struct spool_file *out)
{
	struct queue *q = ctx;

	return q->ops.get_file(q->ctx, SPOOL_JOURNAL, out);
}

static void
journal_drop(void *ctx, uint64_t n, uint64_t gen)
{
	struct queue *q = ctx;

	q->ops.finished(q->ctx, SPOOL_JOURNAL, n, gen);
}

static enum spool
writer_segment(void *ctx, struct spool_file *out)
{
	struct queue *q = ctx;

	return q->ops.get_file(q->ctx, SPOOL_SEGMENT, out);
}

static enum spool
writer_big(void *ctx, struct spool_file *out)
{
	struct queue *q = ctx;

	return q->ops.get_file(q->ctx, SPOOL_BIG, out);
}

static void
writer_drop_big(void *ctx, uint64_t n, uint64_t gen, bool broken)
{
	struct queue *q = ctx;
	const struct spool_file f = { .fd = -1, .n = n, .gen = gen };

	q->ops.drop_file(q->ctx, SPOOL_BIG, &f, broken);
}

static void
writer_committed(void *ctx, const struct sw_notice *notice)
{
	struct queue *q = ctx;

	queue_on_notice(q, notice);
	if (notice->closed)
		q->ops.release(q->ctx, SPOOL_SEGMENT, notice->segno, notice->gen);
}

static void
queue_seed(struct queue *q)
{
	if (clock_is_simulated() ||
	    getrandom(&q->random, sizeof q->random, GRND_NONBLOCK) != sizeof q->random)
		q->random = (uint64_t)q->wall0_ms;
	q->random |= 1;
	/* Jobs of a former queue may still be reported: numbers must not meet. */
	q->jobno = queue_random(q);
}

struct queue *
queue_new(const struct queue_conf *conf)
{
	static const struct spool_writer_ops writer_ops = {
		writer_segment, writer_big, writer_drop_big, writer_committed,
	};
	static const struct journal_ops journal_ops = {
		journal_file, journal_drop, state_snapshot,
	};
	struct queue *q = calloc(1, sizeof *q);

	if (!q)
		abort();
	q->cfg = conf->cfg;
	q->lim = &conf->cfg->lim;
	q->ops = conf->ops;
	q->ctx = conf->ctx;
	q->dirfd = conf->spool_dirfd;
	q->wall0_ms = wall_ms();
	q->mono0_ms = q->started_ms = now_ms();
	queue_seed(q);
	index_init(&q->ix);
	dests_init(&q->dests, q->lim, queue_sec(q), queue_random(q));
	wheel_init(&q->wheel, queue_sec(q));
	reasons_init(&q->reasons);
	carriers_init(q);
	link_init(&q->segs);
	link_init(&q->reroute);
	link_init(&q->reports);
	buf_init(&q->done, 1 << 20);
	q->reader = sr_new(q->dirfd, READER_FDS);
	q->writer = sw_new(&writer_ops, NULL, q);
	q->journal = jr_new(q->dirfd, &journal_ops, NULL, q);
	if (q->reader && q->writer && q->journal)
		return q;
	queue_free(q);
	return NULL;
}

static void
log_loaded(struct queue *q, int64_t began_us)
{
	log_begin(LOG_INFO, "queue_loaded");
	log_u("messages", q->ix.by_id.n);
	log_u("bytes", index_bytes(&q->ix));
	log_i("ms", (clock_us() - began_us) / 1000);
	log_end();
}

enum spool
queue_load(struct queue *q)
{
	int64_t began_us = clock_us();
	enum spool r = jr_replay(q->journal, replay_entry, q);

	if (r != SPOOL_OK)
		return r;
	units_settle(q);
	log_loaded(q, began_us);
	return SPOOL_OK;
}

enum spool
queue_start(struct queue *q)
{
	enum spool r = jr_start(q->journal);

	if (r != SPOOL_OK)
		return r;
	q->replayed = true;
	q->group = group_open(FOREVER);
	loop_hook(state_flush, q);
	timer_set(&q->tick, now_ms() + 1000, queue_tick, q);
	if (group_go(q->group, "queue intake", intake_run, q) &&
	    group_go(q->group, "queue dispatch", dispatch_run, q) &&
	    group_go(q->group, "queue reports", report_run, q) &&
	    group_go(q->group, "queue finish", finish_run, q) &&
	    group_go(q->group, "queue carry", carry_run, q) &&
	    group_go(q->group, "queue drop", drop_run, q))
		return SPOOL_OK;
	return SPOOL_IO;
}

static void
tasks_stop(struct queue *q)
{
	struct task *const all[] = { &q->intake, &q->dispatch, &q->reporter, &q->finisher,
		&q->carry };

	q->stopping = true;
	for (size_t i = 0; i < COUNT(all); i++)
		task_wake(all[i]);
	if (!q->group)
		return;
	group_cancel(q->group);
	(void)group_wait(&q->group);
	for (size_t i = 0; i < COUNT(all); i++)
		all[i]->co = NULL;
}

void
queue_free(struct queue *q)
{
	tasks_stop(q);
	timer_clear(&q->tick);
	if (q->replayed)
		loop_unhook(state_flush, q);
	state_flush(q);
	if (q->journal)
		jr_free(q->journal);
	if (q->writer)
		sw_free(q->writer);
	if (q->reader)
		sr_free(q->reader);
	carriers_done(q);
	reports_free(q);
	index_done(&q->ix);
	dests_done(&q->dests);
	reasons_done(&q->reasons);
	segs_free(q);
	buf_done(&q->done);
	free(q->dirty);
	free(q->bigs);
	free(q);
}
