/* SPDX-License-Identifier: ISC */
/*
 * child: the delivery child, one for each user id, and what it and the local role say.
 *
 * The role lays a batch out in memory that both map (the child read-only): items, strings, content.
 * Then, over a SOCK_SEQPACKET pair:
 *
 *	role: WRITE n		child: an answer; every item is in tmp/ or has an errno
 *	role: (syncs the file system through the descriptor that came with the answer)
 *	role: PUBLISH		child: an answer; the good items are in new/
 *	role: (syncs again), tells the outcomes
 *
 * A child that dies ends its batch: what was not told as delivered is delivered again later, under
 * the same name.  A child trusts its role; the role takes nothing from a child but the verdict on
 * that child's own batch.  The child has no right but its user's and no network.
 */
#ifndef LOCAL_CHILD_H
#define LOCAL_CHILD_H

#include <stdint.h>

#include "local/filesafe.h"

enum {
	CHILD_ITEMS_MAX = 512,
	CHILD_DIRS_MAX = 64,		/* mailboxes of one batch; each has four open directories */
	CHILD_ARENA = 1 << 30,		/* address space; pages are touched as needed */
	CHILD_WHAT = 60,
};

enum child_op { CHILD_WRITE = 1, CHILD_PUBLISH = 2 };

/* All offsets from the start of the shared memory. */
struct child_item {
	uint64_t msgid;
	int64_t sec;			/* for the file's name */
	uint64_t content_at, content_len;
	uint32_t rcpt;
	uint32_t base_at, rel_at, folder_at;	/* NUL-terminated */
	uint32_t head_at, head_len;	/* Return-Path, Delivered-To */
};

struct child_ask {
	uint32_t op;			/* enum child_op */
	uint32_t count;
	uint32_t sync_each;		/* WRITE: sync the item itself (a batch of one) */
	uint32_t host_at, host_len;
};

struct child_verdict {
	int32_t err;			/* 0 or errno */
	char what[CHILD_WHAT];		/* for the log: the rule and the path component */
};

struct child_answer {
	uint32_t op, count;
	struct child_verdict item[CHILD_ITEMS_MAX];
};

/* Body of the child: serves asks on fd until it is closed.  Never returns. */
_Noreturn void child_run(int fd, const char *shared);

#endif
