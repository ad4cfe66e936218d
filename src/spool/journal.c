/* SPDX-License-Identifier: ISC */
/*
 * journal: see journal.h.
 *
 * One coroutine writes: lazily gathered records, urgent ones at once, and the snapshot when the
 * file has grown.  While the snapshot streams (through jr_snap, on the same coroutine) it stops
 * every block to sync the old file for those who wait; the switch is a few assignments.  Reading
 * is in replay.c; both share journal_int.h.
 */
#include "spool/journal_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/work.h"
#include "spool/break.h"

enum { RETRY_MS = 1000 };

struct journal *
jr_new(int spool_dirfd, const struct journal_ops *ops, const struct journal_conf *conf, void *ctx)
{
	struct journal *j = calloc(1, sizeof *j);

	if (!j)
		abort();
	j->ops = *ops;
	j->ctx = ctx;
	if (conf)
		j->conf = *conf;
	if (!j->conf.lazy_ms)
		j->conf.lazy_ms = 200;
	if (!j->conf.snap_block)
		j->conf.snap_block = 1 << 20;
	if (!j->conf.rotate_bytes)
		j->conf.rotate_bytes = 32 << 20;
	link_init(&j->waiting);
	j->sr = sr_new(spool_dirfd, 4);
	if (j->sr)
		return j;
	free(j);
	return NULL;
}

static void
put(struct batch *b, const struct journal_entry *e)
{
	char *p = batch_add(b, &(struct spool_rec){
		.type = REC_ENTRY, .version = SPOOL_FORMAT, .sub = e->sub, .id = e->id,
		.meta.n = e->payload.n });

	if (e->payload.n)
		memcpy(p + SPOOL_HEAD, e->payload.p, e->payload.n);
}

static void
put_checkpoint(struct batch *b, enum checkpoint which, uint64_t seq)
{
	char *p = batch_add(b, &(struct spool_rec){
		.type = REC_CHECKPOINT, .version = SPOOL_FORMAT, .sub = (uint16_t)which,
		.meta.n = 8 });

	put_le64(p + SPOOL_HEAD, seq);
}

static void
answer(struct link *waiting, enum spool res)
{
	for (struct link *l; (l = list_pop(waiting)) != NULL; ) {
		struct jr_waiter *w = CONTAINER_OF(l, struct jr_waiter, link);

		w->result = res;
		w->answered = true;
		co_wake(w->co);
	}
}

/* Write what fills, and sync it.  suspends */
static int
side_flush(struct journal *j, struct journal_side *s, struct batch_io io)
{
	struct batch flying = s->filling;

	s->filling = s->spare;
	s->spare = (struct batch){};
	batch_finish(&flying, (struct rec_place){ s->file.n, s->file.gen, s->off });
	io.fd = s->file.fd;
	io.at = s->off;
	io.second = &flying;
	work_call(batch_io_run, &io);
	if (io.err == 0)
		s->off += flying.n;
	if (!io.no_sync)
		j->stats.syncs++;
	batch_clear(&flying);
	s->spare = flying;
	return io.err;
}

/* The present file, for those who wait.  suspends */
static void
flush(struct journal *j)
{
	struct link waiting;
	int err;

	if (j->now.filling.n == 0 || j->broken)
		return;
	link_init(&waiting);
	while (!list_empty(&j->waiting))
		list_push(&waiting, list_pop(&j->waiting));
	j->urgent = false;
	j->due_ms = FOREVER;
	j->flying = true;
	err = side_flush(j, &j->now, (struct batch_io){
		.no_write = BROKEN(BREAK_JOURNAL_WRITE), .no_sync = BROKEN(BREAK_JOURNAL_SYNC) });
	j->flying = false;
	if (err) {
		j->broken = true;
		j->stats.failed++;
	}
	answer(&waiting, spool_of_errno(err));
	if (j->now.filling.n == 0 || err)	/* who came meanwhile asked for the same records */
		answer(&j->waiting, spool_of_errno(err));
}

bool
jr_snap(struct journal *j, const struct journal_entry *e)
{
	if (j->stopping || j->snap_failed)
		return false;
	put(&j->next.filling, e);
	if (j->next.filling.n < j->conf.snap_block)
		return true;
	if (side_flush(j, &j->next, (struct batch_io){ .no_sync = true }) != 0)
		j->snap_failed = true;
	if (j->urgent)
		flush(j);
	return !j->snap_failed;
}

static void
side_done(struct journal_side *s)
{
	batch_done(&s->filling);
	batch_done(&s->spare);
	*s = (struct journal_side){};
}

/* The next file has it all: from now on it is the journal. */
static void
switch_over(struct journal *j)
{
	struct spool_file old = j->now.file;
	bool had = j->open;

	side_done(&j->now);
	j->now = j->next;
	j->next = (struct journal_side){};
	j->rotating = false;
	j->open = true;
	j->broken = false;
	j->seq++;
	j->rotate_at = j->now.off + j->conf.rotate_bytes;
	j->stats.rotations++;
	if (had) {
		(void)disk_close(old.fd);
		j->ops.drop_file(j->ctx, old.n, old.gen);
	}
	jr_drop_former(j);
	if (list_empty(&j->waiting))
		return;
	if (j->now.filling.n == 0)		/* all of it went with the snapshot */
		answer(&j->waiting, SPOOL_OK);
	else
		j->urgent = true;
}

/* The next file did not come to be.  If its END reached the disk after all, VOID says in the
 * present file, before anything that comes later, that it is not to be believed. */
static void
give_up_next(struct journal *j)
{
	(void)disk_close(j->next.file.fd);
	j->ops.drop_file(j->ctx, j->next.file.n, j->next.file.gen);
	side_done(&j->next);
	j->rotating = false;
	j->seq++;
	if (j->open && !j->broken)
		put_checkpoint(&j->now.filling, CHECKPOINT_VOID, j->seq);
}

/* A fresh file with the owner's whole state.  suspends */
static enum spool
rotate(struct journal *j)
{
	enum spool res = j->ops.get_file(j->ctx, &j->next.file);

	if (res != SPOOL_OK)
		return res;
	j->next.off = SPOOL_BLOCK;
	j->snap_failed = false;
	put_checkpoint(&j->next.filling, CHECKPOINT_BEGIN, j->seq + 1);
	j->rotating = true;
	if (!j->ops.snapshot(j->ctx, j) || j->snap_failed) {
		give_up_next(j);
		return SPOOL_IO;
	}
	if (!BROKEN(BREAK_CHECKPOINT_WRITE))
		put_checkpoint(&j->next.filling, CHECKPOINT_END, j->seq + 1);
	res = spool_of_errno(side_flush(j, &j->next, (struct batch_io){
		.no_sync = BROKEN(BREAK_CHECKPOINT_SYNC) }));
	if (res == SPOOL_OK)
		switch_over(j);
	else
		give_up_next(j);
	return res;
}

static void
journal_run(void *arg)
{
	struct journal *j = arg;
	int64_t retry = 0;

	j->co = co_self();
	while (!j->stopping || (j->now.filling.n && !j->broken)) {
		bool grown = j->broken || j->now.off >= j->rotate_at;

		if (co_cancelled())
			j->stopping = true;
		if (j->now.filling.n && !j->broken &&
		    (j->urgent || j->stopping || now_ms() >= j->due_ms)) {
			flush(j);
			continue;
		}
		if (grown && now_ms() >= retry && !j->stopping) {
			if (rotate(j) != SPOOL_OK) {
				retry = now_ms() + RETRY_MS;
				if (j->broken)
					answer(&j->waiting, SPOOL_IO);
			}
			continue;
		}
		(void)co_park(deadline_min(j->now.filling.n && !j->broken ? j->due_ms : FOREVER,
		    grown ? retry : FOREVER));
	}
	answer(&j->waiting, SPOOL_IO);
	j->co = NULL;
}

enum spool
jr_start(struct journal *j)
{
	enum spool res = rotate(j);

	if (res != SPOOL_OK)
		return res;
	j->due_ms = deadline_in(j->conf.lazy_ms);
	j->group = group_open(FOREVER);
	return group_go(j->group, "journal", journal_run, j) ? SPOOL_OK : SPOOL_IO;
}

void
jr_free(struct journal *j)
{
	if (!j)
		return;
	j->stopping = true;
	if (j->co)
		co_wake(j->co);
	if (j->group)
		(void)group_wait(&j->group);
	if (j->open)
		(void)disk_close(j->now.file.fd);
	side_done(&j->now);
	side_done(&j->next);
	free(j->former);
	sr_free(j->sr);
	free(j);
}

void
jr_append(struct journal *j, const struct journal_entry *e)
{
	bool first = j->now.filling.n == 0;

	put(&j->now.filling, e);
	if (j->rotating)
		put(&j->next.filling, e);
	j->stats.appended++;
	if (first) {
		j->due_ms = deadline_in(j->conf.lazy_ms);
		if (j->co)
			co_wake(j->co);
	}
}

enum spool
jr_sync(struct journal *j)
{
	struct jr_waiter w = { .co = co_self() };

	if (!j->co || j->stopping)
		return SPOOL_IO;
	if (j->now.filling.n == 0 && !j->flying && !j->broken)
		return SPOOL_OK;
	list_push(&j->waiting, &w.link);
	j->urgent = true;
	co_wake(j->co);
	while (!w.answered)
		co_park_hard();
	return w.result;
}

struct jr_stats
jr_stats_get(const struct journal *j)
{
	struct jr_stats s = j->stats;

	s.file_n = j->now.file.n;
	s.file_gen = j->now.file.gen;
	s.bytes = j->now.off;
	return s;
}
