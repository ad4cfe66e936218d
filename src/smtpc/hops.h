/* SPDX-License-Identifier: ISC */
/*
 * hops: jobs by next hop, and the connections they flow over.
 *
 * 1. A next hop has a line of waiting jobs and at most as many workers as its newest
 *    job allows; a worker is one coroutine with at most one connection.
 * 2. A job ends with an outcome for each recipient, told once through done(); which is freed
 *    afterwards.  A job whose connection ended before its message was out goes to the front of the
 *    line, a bounded number of times.
 * 3. A connection is used for lim.client_messages messages, lim.client_total_ms, and kept idle for
 *    lim.client_idle_ms.  A next hop that cannot be reached answers for all its waiting jobs at
 *    once; no other next hop waits for it.
 *
 * Owned by the role body; everything happens on its loop.
 */
#ifndef SMTPC_HOPS_H
#define SMTPC_HOPS_H

#include "base/list.h"
#include "base/map.h"
#include "conf/config.h"
#include "rt/group.h"
#include "smtpc/otx.h"

enum { HOPS_WORKERS_MAX = 4000, JOB_TRIES_MAX = 3 };

struct hops;

struct hops_conf {
	const struct config *cfg;
	const struct dns_ops *dns;
	const struct self *self;
	/* Where the content of a job is; memory it needs comes from a. */
	void (*source)(void *ctx, const struct content_ref *ref, struct arena *a,
	    struct body_source *out);
	/* at->out is complete.  at lives until it returns. */
	void (*done)(void *ctx, const struct attempt *at);
	uint64_t (*random)(void *ctx, uint64_t below);
	void *ctx;
};

struct load {
	struct link in_line;		/* of its dest; unlinked while a worker has it */
	struct link all;		/* of hops */
	struct nexthop *dest;
	struct arena arena;
	struct attempt at;
	unsigned tries;			/* connections it was lost on */
	bool opened;
};

struct nexthop {
	struct str key;			/* transport and next hop */
	struct link line;		/* of works */
	struct link idle;		/* of workers, the latest first */
	struct link starved;		/* of hops: wants a worker, there are too many */
	struct hops *hops;
	size_t nworker, nopen;
	uint32_t parallel;
	int64_t hold_until_ms;		/* no further connections before, while others are open */
	bool no_chunking, lmtp;
	struct str nexthop;
	char bytes[];
};

struct hops {
	struct hops_conf conf;
	struct map dests;
	struct link works;
	struct link starved;
	struct group *workers;
	size_t nworker, nwork;
	uint64_t ndone;
	bool draining;
};

bool hops_init(struct hops *p, const struct hops_conf *conf);
/* Copies what it needs of j.  False: no memory; nothing was taken. */
bool hops_add(struct hops *p, const struct msg_job *m);
/* A waiting job ends with OUT_TEMP; one that is on its way goes on. */
void hops_cancel(struct hops *p, uint64_t msgid, uint32_t jobno);
/* Waiting jobs are forgotten without an outcome (queue gives them out again), running ones go on to
 * their end or until the deadline.  suspends */
void hops_drain(struct hops *p, int64_t deadline);
void hops_done(struct hops *p);		/* after hops_drain */

/* For worker.c. */
void nexthop_kick(struct nexthop *d);
/* Every waiting job of d gets this outcome. */
void nexthop_fail(struct nexthop *d, const struct trouble *t);
struct load *nexthop_take(struct nexthop *d);
void nexthop_give_back(struct nexthop *d, struct load *w);
/* All outcomes are there: tell, free. */
void load_finish(struct load *w);
void nexthop_worker_ended(struct nexthop *d);

void worker_run(void *arg);		/* a coroutine; arg: struct nexthop */
void worker_wake(struct link *idle);	/* taken from dest.idle */

#endif
