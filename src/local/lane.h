/* SPDX-License-Identifier: ISC */
/*
 * lane: deliveries for one user id into mailboxes below one base directory, through one child.
 *
 * Deliveries that arrive while a batch is on its way make the next one: the busier, the larger,
 * and each batch pays two syncs of the file system (child.h).  A lane is a coroutine in the role's
 * group; it ends its child when it has been idle for a while, and starts one when needed.
 *
 * Memory: a delivery belongs to the caller from lane_put until on_done is called with it.
 */
#ifndef LOCAL_LANE_H
#define LOCAL_LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "queue/transport.h"
#include "rt/group.h"
#include "spool/reader.h"

struct delivery {
	struct link link;
	const struct job *job;
	const struct job_rcpt *rcpt;
	const char *rel, *folder;	/* below the lane's base */
	void *owner;			/* the caller's */
	struct outcome out;		/* before on_done; its texts are static or in text */
	char text[128];
};

struct lane_conf {
	struct group *group;		/* where its coroutine lives */
	struct spool_reader *reader;
	struct str hostname;
	void (*on_done)(void *ctx, struct delivery **d, size_t n);
	void *ctx;
};

struct lane;

/* NULL: no memory or no coroutine.  base is copied.  Lives until lane_close. */
struct lane *lane_open(const struct lane_conf *conf, uid_t uid, gid_t gid, const char *base);
bool lane_is(const struct lane *l, uid_t uid, gid_t gid, const char *base);
void lane_put(struct lane *l, struct delivery *d);

/* No more lane_put; the coroutine ends when all is done and frees the lane. */
void lane_close(struct lane *l);

#endif
