/* SPDX-License-Identifier: ISC */
/*
 * queue: what goes where next.  The role's state, its doors, and what its files share.
 *
 * 1. The log is the truth: mail exists because its record is committed, and ends only because a
 *    journal record says so.  Start, running and recovery are the same code: files are read up to
 *    where they are committed, and what the journal knows of is passed over.
 * 2. Nothing here waits for a deliverer or a destination; all that is bounded is refused or left
 *    where it lies (in the log).
 * 3. At least once: a journal record lost with the power repeats a delivery, never drops one.
 *
 * The doors to pool, tables and deliverers are functions in queue_ops, given by the role's glue (or
 * by a test).  Tasks are coroutines of one group; they share this struct between suspensions.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/buf.h"
#include "conf/config.h"
#include "queue/dest.h"
#include "queue/reason.h"
#include "rt/group.h"
#include "rt/timer.h"
#include "spool/journal.h"
#include "spool/reader.h"
#include "spool/writer.h"

/* What one recipient becomes. */
struct queue_target {
	enum transport transport;
	struct str nexthop;		/* as struct job's */
	struct str addr;
	struct str sender;		/* an owner- address, or empty */
	uint8_t made_by;
};

enum becomes {
	BECOMES_OK,			/* no target at all: it ends in the void */
	BECOMES_LATER,			/* tables cannot be asked now */
	BECOMES_NEVER,			/* status and text say why */
};

struct becoming {
	struct queue_target *t;		/* in the arena */
	size_t n;
	struct str status, text;
};

struct queue_ops {
	/* suspends */
	enum spool (*get_file)(void *ctx, enum spool_kind kind, struct spool_file *out);
	void (*drop_file)(void *ctx, enum spool_kind kind, const struct spool_file *f, bool broken);
	/* Our own writer has closed it. */
	void (*release)(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen);
	void (*finished)(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen);
	void (*big_live)(void *ctx, uint64_t n, uint64_t gen);
	void (*big_live_end)(void *ctx);
	/* May suspend.  Everything in *out lives in the arena. */
	enum becomes (*expand)(void *ctx, const struct spool_msg *m, struct str addr,
	    struct arena *a, struct becoming *out);
	/* See sign.h.  NULL: nothing is signed. */
	struct str (*sign)(void *ctx, struct str header, struct str body_hash, struct arena *a);
};

struct task {
	struct co *co;
	bool more;
};
struct queue_stats {
	uint64_t taken, finished, delivered, relayed, deferred, bounced, expired, undelivered,
	    attempts, notices;
};

enum { CARRIERS = 64 };

struct queue {
	const struct config *cfg;
	const struct limits *lim;
	struct queue_ops ops;
	void *ctx;
	int dirfd;

	struct index ix;
	struct dests dests;
	struct wheel wheel;		/* units that wait */
	struct reasons reasons;
	struct link segs;
	struct idmap seg_by_n;		/* the newest life of each number */

	struct spool_reader *reader;
	struct spool_writer *writer;
	struct journal *journal;

	struct group *group;
	struct task intake, dispatch, reporter, finisher, carry;
	struct timer tick;
	bool files_known, replayed, recovered, stopping, seg_news, drop_stuck;
	int64_t started_ms, wall0_ms, mono0_ms;	/* started_ms: now_ms */
	uint32_t swept;			/* queue_sec of the last undelivered_sweep */
	uint64_t random;

	struct buf done;		/* J_DONE of done_seg, not appended yet */
	struct seg *done_seg;
	uint64_t *dirty;		/* ids whose state is to be written */
	size_t ndirty, capdirty;
	uint64_t *bigs;			/* n, gen pairs of big files to finish */
	size_t nbigs, capbigs;
	struct link reroute;		/* units to be routed again */
	struct carrier *carrier[CARRIERS];
	struct slab flights;
	struct idmap flight_by_job;
	uint32_t jobno;
	struct link reports;
	size_t nreports;
	struct queue_stats stats;
};

struct queue_conf {
	const struct config *cfg;
	int spool_dirfd;
	struct queue_ops ops;
	void *ctx;
};

struct queue *queue_new(const struct queue_conf *conf);
/* The journal, read back; before anything else is told to it.  suspends */
[[nodiscard]] enum spool queue_load(struct queue *q);
/* A fresh journal (of the pool), then the tasks run.  suspends */
[[nodiscard]] enum spool queue_start(struct queue *q);
/* suspends */
void queue_free(struct queue *q);

/* From the pool: a file is there; all were named; its writer let go; its life is over. */
void queue_on_file(struct queue *q, enum spool_kind kind, const struct spool_head *h, bool held);
void queue_on_files_end(struct queue *q);
void queue_on_closed(struct queue *q, enum spool_kind kind, uint64_t n, uint64_t gen);
void queue_on_recycled(struct queue *q, enum spool_kind kind, uint64_t n, uint64_t gen);
/* From a writer. */
void queue_on_notice(struct queue *q, const struct sw_notice *notice);

/* Seconds since 2020, and Unix milliseconds: never stepping back while the process lives. */
uint32_t queue_sec(const struct queue *q);
int64_t queue_wall_ms(const struct queue *q);
uint32_t queue_random(struct queue *q);

void task_wake(struct task *t);
/* suspends until woken or that long; false: the queue stops. */
bool task_wait(struct queue *q, struct task *t, int64_t ms);

#endif
