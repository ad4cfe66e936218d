/* SPDX-License-Identifier: ISC */
/*
 * writer_int: what writer.c (commits) and draft.c (messages before their commit) share.
 *
 * One coroutine, the committer, owns `flying` and the segment; everybody else only appends to
 * `filling` and waits.  For these two files alone.
 */
#ifndef SPOOL_WRITER_INT_H
#define SPOOL_WRITER_INT_H

#include "base/list.h"
#include "rt/group.h"
#include "spool/batch.h"
#include "spool/writer.h"

enum { WRITER_SEALS = 16, WRITER_SPARE_DRAFTS = 64, WRITER_SPARE_BIG = 2 };

struct sw_waiter {			/* on the stack of the coroutine that commits */
	struct link link;
	struct co *co;
	enum spool result;
	bool answered;
};

struct spool_writer {
	struct spool_writer_ops ops;
	struct sw_conf conf;
	void *ctx;
	struct group *group;
	struct co *committer;
	bool stopping, full, clock_set, seg_open;

	struct spool_file seg;
	uint64_t off;			/* committed; the next batch goes here */
	struct batch filling, flying;
	struct link waiting;		/* sw_waiter of the filling batch */
	struct link no_room;		/* sw_waiter until the filling batch takes off */
	struct spool_seal seal[WRITER_SEALS];	/* not durable yet */
	unsigned nseal;
	unsigned ndrafts;		/* begun, neither committed nor dropped */
	int64_t sync_us;		/* what a commit takes, on the average */
	int64_t slow_until;		/* now_ms(); the disk let us wait */

	unsigned writer;
	uint32_t seq;
	int64_t last_ms, limit_ms;

	size_t memory;
	struct link spare_draft;
	unsigned nspare_draft, nspare_big;
	struct spool_file spare_big[WRITER_SPARE_BIG];
	struct sw_stats stats;
};

uint64_t sw_mint(struct spool_writer *sw);
void drafts_free(struct spool_writer *sw);

#endif
