/* SPDX-License-Identifier: ISC */
/*
 * writer: one coroutine that commits batch after batch to the present segment.
 *
 * While a batch is being synced the next one fills: no timer, no tuning, at most two syncs of
 * delay. What the segment did not take in full is refused, and the refusal is made durable (SEAL)
 * before the next segment's first message counts.  Drafts are in draft.c; both share
 * writer_int.h.
 */
#include "spool/writer_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/msgid.h"
#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/work.h"
#include "spool/break.h"

enum { SLOW_US = 5000, SLOW_MS = 1000 };

static void
notice(struct spool_writer *sw, bool closed)
{
	sw->ops.committed(sw->ctx, &(struct sw_notice){
		.segno = sw->seg.n, .gen = sw->seg.gen, .committed = sw->off, .closed = closed });
}

static void
segment_close(struct spool_writer *sw)
{
	if (!sw->seg_open)
		return;
	(void)disk_close(sw->seg.fd);
	sw->seg_open = false;
	notice(sw, true);
}

static bool
fits(const struct spool_writer *sw)
{
	uint64_t need = batch_padded(sw->filling.n) + (sw->nseal ? SPOOL_BLOCK : 0);

	return sw->seg_open && need <= sw->seg.size - sw->off;
}

/* A segment with room for the batch that fills.  suspends */
static enum spool
segment_ready(struct spool_writer *sw)
{
	enum spool res;

	if (fits(sw))
		return SPOOL_OK;
	segment_close(sw);
	if (sw->nseal == WRITER_SEALS)
		return SPOOL_IO;		/* one broken segment after the other: give up */
	res = sw->ops.get_segment(sw->ctx, &sw->seg);
	if (res != SPOOL_OK)
		return res;
	sw->seg_open = true;
	sw->off = SPOOL_BLOCK;
	return fits(sw) ? SPOOL_OK : SPOOL_IO;
}

static void
seals_put(struct spool_writer *sw, struct batch *b)
{
	for (unsigned i = 0; i < sw->nseal; i++) {
		char *p = batch_add(b, &(struct spool_rec){
			.type = REC_SEAL, .version = 1, .meta = { NULL, 24 } });

		seal_encode(&sw->seal[i], p + SPOOL_HEAD);
	}
}

/* The only message under way, on a disk that answers at once: two changes of thread would cost
 * about as much as the sync itself, and nobody is there whom the loop's absence could keep waiting
 * longer than a turn of it.  A disk that was slow once is not trusted for a while. */
static bool
alone(const struct spool_writer *sw)
{
	return sw->flying.records == 1 && sw->ndrafts == 1 && sw->sync_us > 0 &&
	    sw->sync_us < sw->conf.quick_us && now_ms() >= sw->slow_until;
}

/* suspends, or not for long */
static void
write_out(struct spool_writer *sw, struct batch_io *io)
{
	int64_t began = clock_us(), took;

	if (alone(sw))
		batch_io_run(io);
	else
		work_call(batch_io_run, io);
	took = clock_us() - began;
	sw->sync_us = sw->sync_us > 0 ? (sw->sync_us * 7 + took) / 8 : took;
	if (took > SLOW_US)
		sw->slow_until = now_ms() + SLOW_MS;
}

/* Write and sync the flying batch.  suspends */
static enum spool
flush(struct spool_writer *sw)
{
	struct batch seals = {};
	struct rec_place at = { sw->seg.n, sw->seg.gen, sw->off };
	struct batch_io io = {
		.fd = sw->seg.fd, .at = sw->off, .first = &seals, .second = &sw->flying,
		.no_sync = BROKEN(BREAK_COMMIT_SYNC),
	};

	if (sw->nseal && !BROKEN(BREAK_SEAL_WRITE)) {
		seals_put(sw, &seals);
		batch_finish(&seals, at);
		at.offset += seals.n;
	}
	batch_finish(&sw->flying, at);
	write_out(sw, &io);
	if (io.err == 0) {
		sw->off = at.offset + sw->flying.n;
		sw->nseal = 0;
		sw->stats.commits++;
		sw->stats.messages += sw->flying.records;
		sw->stats.bytes += sw->flying.n + seals.n;
	} else {
		/* Never again: the kernel may have dropped the pages and called them clean. */
		sw->seal[sw->nseal++] = (struct spool_seal){ sw->seg.n, sw->seg.gen, sw->off };
		sw->stats.failed++;
	}
	batch_done(&seals);
	return spool_of_errno(io.err);
}

static void
answer(struct link *waiting, enum spool res)
{
	for (struct link *l; (l = list_pop(waiting)) != NULL; ) {
		struct sw_waiter *w = CONTAINER_OF(l, struct sw_waiter, link);

		w->result = res;
		w->answered = true;
		co_wake(w->co);
	}
}

static void
room_made(struct spool_writer *sw)
{
	for (struct link *l; (l = list_pop(&sw->no_room)) != NULL; ) {
		struct sw_waiter *w = CONTAINER_OF(l, struct sw_waiter, link);

		w->answered = true;
		co_wake(w->co);
	}
}

static void
take_off(struct spool_writer *sw, struct link *waiting)
{
	struct batch b = sw->flying;

	sw->flying = sw->filling;
	sw->filling = b;
	while (!list_empty(&sw->waiting))
		list_push(waiting, list_pop(&sw->waiting));
	room_made(sw);
}

static void
writer_run(void *arg)
{
	struct spool_writer *sw = arg;

	for (;;) {
		struct link waiting;
		enum spool res;

		while (sw->filling.n == 0 && !sw->stopping)
			co_park_hard();
		if (sw->filling.n == 0)
			break;
		link_init(&waiting);
		res = segment_ready(sw);
		take_off(sw, &waiting);
		if (res == SPOOL_OK) {
			res = flush(sw);
			if (res == SPOOL_OK)
				notice(sw, false);
			else
				segment_close(sw);
		}
		batch_clear(&sw->flying);
		answer(&waiting, res);
	}
	segment_close(sw);
}

static void
writer_start(void *arg)
{
	struct spool_writer *sw = arg;

	sw->committer = co_self();
	writer_run(sw);
	sw->committer = NULL;
}

struct spool_writer *
sw_new(const struct spool_writer_ops *ops, const struct sw_conf *conf, void *ctx)
{
	struct spool_writer *sw = calloc(1, sizeof *sw);

	if (!sw)
		abort();
	sw->ops = *ops;
	sw->ctx = ctx;
	if (conf)
		sw->conf = *conf;
	if (!sw->conf.budget)
		sw->conf.budget = 64 << 20;
	if (!sw->conf.inline_max)
		sw->conf.inline_max = 256 << 10;
	if (!sw->conf.batch_max)
		sw->conf.batch_max = 4 << 20;
	if (!sw->conf.big_block)
		sw->conf.big_block = 512 << 10;
	link_init(&sw->waiting);
	link_init(&sw->no_room);
	link_init(&sw->spare_draft);
	sw->group = group_open(FOREVER);
	if (!group_go(sw->group, "spool writer", writer_start, sw)) {
		(void)group_wait(&sw->group);
		free(sw);
		return NULL;
	}
	return sw;
}

void
sw_free(struct spool_writer *sw)
{
	if (!sw)
		return;
	sw->stopping = true;
	if (sw->committer)
		co_wake(sw->committer);
	(void)group_wait(&sw->group);
	drafts_free(sw);
	batch_done(&sw->filling);
	batch_done(&sw->flying);
	free(sw);
}

void
sw_clock(struct spool_writer *sw, unsigned writer, int64_t epoch_ms, int64_t limit_ms)
{
	sw->writer = writer;
	sw->clock_set = true;
	sw->limit_ms = MAX(sw->limit_ms, limit_ms);
	if (epoch_ms > sw->last_ms) {
		sw->last_ms = epoch_ms;
		sw->seq = 0;
	}
}

uint64_t
sw_mint(struct spool_writer *sw)
{
	int64_t ms = MIN(wall_ms(), sw->limit_ms);

	if (ms > sw->last_ms) {
		sw->last_ms = ms;
		sw->seq = 0;
	} else if (++sw->seq > 0xffff) {
		sw->last_ms++;			/* the pool leaves a second behind every limit */
		sw->seq = 0;
	}
	return msgid_make(sw->last_ms, sw->writer, sw->seq);
}

void
sw_set_full(struct spool_writer *sw, bool full)
{
	sw->full = full;
}

bool
sw_notice_get(const struct spool_writer *sw, struct sw_notice *out)
{
	if (!sw->seg_open)
		return false;
	*out = (struct sw_notice){
		.segno = sw->seg.n, .gen = sw->seg.gen, .committed = sw->off };
	return true;
}

enum spool
sw_state(const struct spool_writer *sw)
{
	if (sw->full)
		return SPOOL_FULL;
	if (!sw->clock_set || sw->stopping || sw->memory >= sw->conf.budget)
		return SPOOL_BUSY;
	return SPOOL_OK;
}

bool
sw_clock_known(const struct spool_writer *sw)
{
	return sw->clock_set;
}

struct sw_stats
sw_stats_get(const struct spool_writer *sw)
{
	struct sw_stats s = sw->stats;

	s.memory = sw->memory;
	return s;
}
