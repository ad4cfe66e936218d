/* SPDX-License-Identifier: ISC */
/*
 * journal_int: what journal.c (writing) and replay.c (reading) share.  For these two files alone.
 */
#ifndef SPOOL_JOURNAL_INT_H
#define SPOOL_JOURNAL_INT_H

#include "base/list.h"
#include "rt/group.h"
#include "spool/batch.h"
#include "spool/journal.h"
#include "spool/reader.h"

enum checkpoint { CHECKPOINT_BEGIN = 0, CHECKPOINT_END = 1, CHECKPOINT_VOID = 2 };

struct jr_waiter {
	struct link link;
	struct co *co;
	enum spool result;
	bool answered;
};

struct journal_side {			/* a file and what goes to it next */
	struct spool_file file;
	uint64_t off;
	struct batch filling, spare;
};

struct journal {
	struct journal_ops ops;
	struct journal_conf conf;
	void *ctx;
	struct spool_reader *sr;
	struct group *group;
	struct co *co;
	struct journal_side now, next;
	uint64_t seq, rotate_at;
	struct link waiting;		/* jr_waiter of now.filling */
	int64_t due_ms;
	bool open, rotating, flying, urgent, broken, stopping, snap_failed;
	struct spool_head *former;	/* files that were there at replay */
	size_t nformer;
	struct jr_stats stats;
};

/* The former files are not needed any more. */
void jr_drop_former(struct journal *j);

#endif
