/* SPDX-License-Identifier: ISC */
/*
 * lookup_role: the process that reads the tables.
 *
 * 1. Reads every table the configuration names, at start and whenever a file changes, and sends
 *    one image of all of them to smtpd and queue.
 * 2. A table that turns bad keeps its last good state and raises an alarm; one that never was good
 *    is left out of the image, so that its domain's mail is asked to come later.
 * 3. Answers what accounts are (files and system), on worker threads where a library blocks.
 */
#ifndef TABLE_LOOKUP_ROLE_H
#define TABLE_LOOKUP_ROLE_H

#include <stdbool.h>

#include "ipc/ipc.h"

struct buf;
struct role_env;
struct tables;

/* Questions that a higher floor answers in this process: passwords (sasl/lookup_side.h).  Set
 * before the role runs.  All run on the role's loop; on_msg may suspend and keeps nothing of m. */
struct lookup_extra {
	void (*start)(void *ctx, struct role_env *env);
	/* A new table of passwords; takes the descriptor. */
	void (*on_passwords)(void *ctx, int fd);
	/* False: not its message. */
	bool (*on_msg)(void *ctx, struct ipc *ch, enum msg_type type, uint64_t call,
	    const union msg *m);
	void (*end)(void *ctx);
	void *ctx;
};
void lookup_role_extend(const struct lookup_extra *extra);

/* What an access map must pass besides its grammar (sources.judge); on a worker thread.  Set before
 * the role runs. */
void lookup_role_judge(bool (*judge)(void *ctx, const struct tables *candidate, struct buf *why));

/* Before the sandbox: the addresses of this host. */
bool lookup_role_setup(struct role_env *env);
void lookup_role_run(struct role_env *env);

#endif
