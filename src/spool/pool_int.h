/* SPDX-License-Identifier: ISC */
/*
 * pool_int: what the files of the pool share: pool.c (states, giving), pool_work.c (the coroutine
 * that prepares and recycles), pool_disk.c (blocking calls), pool_start.c, pool_clock.c.
 *
 * A file in a work thread's hands is in state POOL_BUSY: nobody else touches it.
 */
#ifndef SPOOL_POOL_INT_H
#define SPOOL_POOL_INT_H

#include "base/list.h"
#include "base/map.h"
#include "rt/co.h"
#include "spool/pool.h"

enum pool_state { POOL_FREE, POOL_HELD, POOL_LIVE, POOL_DIRTY, POOL_BUSY, POOL_LOST };

struct pool_file {
	struct link link;		/* in pool.list[kind][state] */
	struct spool_head head;
	enum pool_state state;
	uint64_t holder;
	bool at_start;			/* was there at start, not named by the queue yet */
	bool pristine;			/* at start: still zero, as its head says */
	bool remove;			/* not to be used again */
};

struct pool_waiter {
	struct link link;
	struct co *co;
	enum spool_kind kind;
	uint64_t holder;
	struct spool_file *out;
	enum spool result;
	bool answered;
};

struct pool_slot {			/* a writer number */
	bool used;
	int64_t gone_ms;		/* the mark when it was given back */
};

struct pool {
	struct pool_ops ops;
	struct pool_conf conf;
	void *ctx;
	int dirfd, dir[4], clock_fd;
	struct co *worker;
	struct idmap file[4];		/* kind, number -> pool_file */
	struct link list[4][POOL_LOST + 1];
	unsigned count[4][POOL_LOST + 1];
	struct link waiting;
	uint64_t next_n[4], next_life;
	bool big_known, held_at_start, full, stopped;
	int64_t last_take_ms, started_ms;

	int64_t heads_ms;		/* highest mark in a head, at start */
	int64_t epoch_ms, mark_ms;	/* mark: what stands on the disk */
	uint64_t clock_seq;
	struct pool_slot slot[POOL_WRITERS];
	unsigned next_slot;
	int err;			/* of pool_start */
	uint64_t created, recycled, zeroed;
};

uint64_t pool_size(const struct pool *p, enum spool_kind kind);
unsigned pool_ahead(const struct pool *p, enum spool_kind kind);
struct pool_file *pool_find(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen);
struct pool_file *pool_add(struct pool *p, const struct spool_head *h, enum pool_state state);
void pool_move(struct pool *p, struct pool_file *f, enum pool_state state);
void pool_forget(struct pool *p, struct pool_file *f);
void pool_wake(struct pool *p);
uint64_t pool_new_life(struct pool *p);
/* Give FREE files to who waits; answer the others of that kind when res is an error. */
void pool_serve(struct pool *p, enum spool_kind kind, enum spool res);
unsigned pool_waiters(const struct pool *p, enum spool_kind kind);

/* Blocking work on one file; run by pool_job. */
enum pool_task { TASK_CREATE, TASK_HEAD, TASK_ZERO, TASK_REMOVE };
struct pool_job {
	enum pool_task task;
	int dir;
	struct spool_head head;		/* to be written */
	/* TASK_ZERO: this part; head is written when to is the end */
	uint64_t from, to;
	int err;
};
void pool_job_run(void *job);
/* The same in a work thread.  suspends */
int pool_job(struct pool_job *job);
/* One block: head, then zeros.  Blocking. */
int pool_block_write(int fd, struct str head, uint64_t at);

void pool_space(struct pool *p);
/* Does a process hold its lock? */
bool pool_is_held(struct pool *p, const struct spool_head *h);

/* clock.c: read or make the clock file; -errno. */
int pool_clock_open(struct pool *p);
/* Mark on disk not below ms.  suspends */
bool pool_clock_raise(struct pool *p, int64_t ms);
int64_t pool_lead(const struct pool *p);

#endif
