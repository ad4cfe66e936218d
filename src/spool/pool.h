/* SPDX-License-Identifier: ISC */
/*
 * pool: keeps segments, big files and journal files prepared ahead of use, and recycles them.
 *
 *   (none) --create--> FREE --take--> HELD --release--> LIVE --finished--> DIRTY --recycle--> FREE
 *   at start: an empty segment is DIRTY, a file whose lock is held is HELD, any other LIVE
 *
 * 1. Only this module creates, renames or removes spool files.
 * 2. A FREE file is named, filled with zeros once, header, content and directory synced.
 * 3. A life ends only in pool_finished, which the queue calls when its journal record is synced.
 * 4. The clock mark on disk is never below a limit given to a writer; ids minted in different
 *    lives, or by writers of the same number, differ although the clock steps back.
 *
 * The body of the pool role; knows nothing of IPC: ops reach the world.  Needs rt/work (blocking
 * calls).
 */
#ifndef SPOOL_POOL_H
#define SPOOL_POOL_H

#include "spool/record.h"
#include "spool/writer.h"

struct pool;

enum { POOL_WRITERS = 64 };	/* six bits of a message id */

struct pool_conf {
	uint64_t segment_size, big_size, journal_size;	/* 0: 64 MiB, 16 MiB, 64 MiB */
	unsigned segments_ahead, big_ahead, journals_ahead;	/* 0: 4, 8, 1 */
	/* left free on the disk: bytes or percent, the smaller; 0: 1 GiB, 5 */
	uint64_t reserve;
	unsigned reserve_percent;
	int64_t clock_lead_ms;		/* 0: 60 s */
	/* drained files are zeroed when nobody asked for so long; 0: 1 s */
	unsigned idle_ms;
};

struct pool_ops {
	/* A held file's writer has let go (or died): the queue may read it to its end. */
	void (*closed)(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen);
	/* This life is over, durably: the queue may forget that it was finished. */
	void (*recycled)(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen);
	/* The clock mark has moved: tell every writer (sw_clock). */
	void (*clock)(void *ctx, int64_t limit_ms);
	void (*space)(void *ctx, bool full);
	/* Is the file of this descriptor still held by a live writer?  lock: mark a descriptor
	 * about to be handed out.  The role uses OFD locks. */
	bool (*held)(void *ctx, int fd);
	void (*lock)(void *ctx, int fd);
	uint32_t (*random)(void *ctx);
	/* A damaged or foreign file was found; it is left alone. */
	void (*strange)(void *ctx, enum spool_kind kind, const char *name);
};

/* Zeros in conf are defaults. */
struct pool *pool_new(int spool_dirfd, const struct pool_ops *ops, const struct pool_conf *conf,
    void *ctx);
/* Makes log/, big/, journal/, drop/ where missing, reads them, sweeps unfinished files, moves the
 * clock mark.  SPOOL_BUSY: another pool is alive here.  suspends */
[[nodiscard]] enum spool pool_start(struct pool *p);
/* What went wrong in pool_start, for the log. */
int pool_errno(const struct pool *p);
/* Prepares ahead, recycles, zeroes, until cancelled.  A coroutine body.  suspends */
void pool_run(void *pool);
void pool_free(struct pool *p);

/* One prepared file for `holder` (any number the glue chooses, not 0): its write-only
 * descriptor is the caller's.  SPOOL_FULL: below the reserve.  suspends until one is prepared */
[[nodiscard]] enum spool pool_take(struct pool *p, enum spool_kind kind, uint64_t holder,
    struct spool_file *out);
/* The writer is done with it.  A big file that no record names (dropped): straight to DIRTY. */
void pool_release(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen);
void pool_drop(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen, bool broken);
/* A holder died or left: everything it held is released, as soon as the lock says that its process
 * has really let go. */
void pool_gone(struct pool *p, uint64_t holder);
/* A writer that outlived a former pool names what it holds. */
void pool_adopt(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen, uint64_t holder);
/* The queue: the journal says this life is finished, and that is synced.  False: not LIVE in
 * this life (big and journal files: nor HELD). */
bool pool_finished(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen);
/* After recovery the queue names the big files that messages still need, then says it is done:
 * the other LIVE ones that were there at start are DIRTY. */
void pool_big_live(struct pool *p, uint64_t n, uint64_t gen);
void pool_big_live_end(struct pool *p);

/* Files a starting queue must know: HELD (held true) and LIVE ones. */
struct pool_visit {
	void (*on_file)(void *ctx, const struct spool_head *h, bool held);
	void *ctx;
};
void pool_each(struct pool *p, const struct pool_visit *v);

/* A number among live writers with the range of ids it may use; -1: all 64 are taken, or the mark
 * cannot be written.  suspends */
int pool_writer_new(struct pool *p, int64_t *epoch_ms, int64_t *limit_ms);
void pool_writer_gone(struct pool *p, int writer);

struct pool_stats {
	unsigned free[4], held[4], live[4], dirty[4];	/* by enum spool_kind */
	uint64_t created, recycled, zeroed;
	bool full;
};
struct pool_stats pool_stats_get(const struct pool *p);

#endif
