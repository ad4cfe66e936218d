/* SPDX-License-Identifier: ISC */
/*
 * dest: next hops, and whose turn it is.  Pure: told the time, knows no messages.
 *
 * 1. A destination gives out at most its share at a time: while nothing is known of it, window
 *    (5) units; once something arrived, window * JOB_DEPTH, the window growing to 20 by successes
 *    and halving with failures of the hop as a whole.
 * 2. Two such failures in a row without a success in between (one, for a probe), and it is dead: it
 *    gives out nothing until its back-off ends, then one probe.  Its units stay here; the
 *    others never see them.
 * 3. Turns: destinations with something to give stand in 32 rings by the sender of their next
 *    unit; rings, then destinations in a ring, then senders in a destination take turns.  So
 *    neither a sender with many destinations nor one with many messages starves another.
 * 4. A destination lives while a unit refers to it or its back-off runs; idle ones are kept
 *    for their window, a bounded number of them.
 *
 * The back-off is the retry schedule's.  Owner: struct queue.
 */
#ifndef QUEUE_DEST_H
#define QUEUE_DEST_H

#include "base/map.h"
#include "conf/limits.h"
#include "queue/index.h"

enum { DEST_RINGS = 32, DEST_LANES = 32, DEST_SINGLE = 8, DEST_IDLE_MAX = 1024 };

struct dest {
	struct due due;			/* on the queue's wheel of destinations while dead */
	struct link active;		/* in a ring, or by itself */
	struct link fifo;		/* ready units while there are few */
	struct link *lane;		/* DEST_LANES lists by sender when there are many */
	struct str key;			/* transport letter and name; in the same allocation */
	uint32_t nready, nflight, nunit;/* nunit: all units that refer to it */
	uint32_t delivered, failed;	/* counters for people */
	uint32_t swept;			/* second of the last look for expired units */
	uint16_t window, reason;	/* reason: why it is dead */
	uint8_t transport, next_lane;
	uint8_t bad;			/* failures of the hop since the last success */
	uint8_t rounds;			/* back-offs since the last success */
	bool proven, dead;
	struct link idle;		/* in dests.idle while nunit == 0 */
};

struct dests {
	struct map by_key;
	struct link ring[DEST_RINGS];
	unsigned next_ring;
	struct link idle;
	size_t nidle, nactive;
	struct wheel wheel;		/* dead ones */
	const struct limits *lim;
	uint32_t salt;
};

void dests_init(struct dests *ds, const struct limits *lim, uint32_t now, uint32_t salt);
void dests_done(struct dests *ds);

/* The one of that name, made if need be; it lives as long as units refer to it. */
struct dest *dest_get(struct dests *ds, enum transport t, struct str name);
struct dest *dest_find(const struct dests *ds, enum transport t, struct str name);
struct str dest_name(const struct dest *d);

/* A unit refers to it (again / no more). */
void dest_ref(struct dests *ds, struct dest *d);
void dest_unref(struct dests *ds, struct dest *d);

/* The unit waits for its turn; front: before all others of its sender. */
void dest_push(struct dests *ds, struct unit *u, bool front);
/* It does not any more. */
void dest_pull(struct dests *ds, struct unit *u);
/* Whose turn it is: removed from ready and counted in flight.  NULL: nobody's.  may(arg, d): can
 * this destination be served now (has its deliverer room)?  Others are left for later. */
struct unit *dest_next(struct dests *ds, bool (*may)(void *arg, const struct dest *d), void *arg);
/* Every ready unit, for sweeps; the body may dest_pull it. */
void dest_each(struct dest *d, void (*fn)(void *arg, struct unit *u), void *arg);

/* A unit of it has landed; host_failed: the hop as a whole failed (the window may shrink, or the
 * destination die: then true is returned, and its reason is the caller's to set). */
bool dest_landed(struct dests *ds, struct dest *d, bool host_failed, uint32_t now,
    uint32_t random);
/* Its units went back without having been tried. */
void dest_returned(struct dests *ds, struct dest *d);
/* Dead ones whose back-off has ended live again (for a probe); NULL: no more. */
struct dest *dest_revive(struct dests *ds, uint32_t now);
/* Now, by hand. */
void dest_wake(struct dests *ds, struct dest *d);

/* Units it may have in flight now. */
unsigned dest_cap(const struct dests *ds, const struct dest *d);

#endif
