/* SPDX-License-Identifier: ISC */
/*
 * house_int: one life of a house: house.c (pool, writers, sessions) and house_queue.c (consumer).
 */
#ifndef SPOOL_HOUSE_INT_H
#define SPOOL_HOUSE_INT_H

#include "base/list.h"
#include "rt/group.h"
#include "rt/sim.h"
#include "spool/house.h"
#include "spool/journal.h"
#include "spool/pool.h"
#include "spool/reader.h"
#include "spool/writer.h"

struct queue;

struct life {
	struct house *h;
	struct house_plan plan;
	struct world *w;
	struct group *group;		/* the pool's */
	int dirfd;
	struct pool *pool;
	struct spool_writer *sw[HOUSE_WRITERS];
	struct queue *q;
	bool dead;			/* the power is off: nothing said from now on counts */
	bool ended;
};

/* The consumer.  queue_start: journal replayed and begun, old segments read.  suspends */
bool queue_start(struct life *l);
void queue_notice(struct queue *q, const struct sw_notice *n);
void queue_closed(struct queue *q, uint64_t n, uint64_t gen);
void queue_recycled(struct queue *q, uint64_t n, uint64_t gen);
/* Nothing left to deliver or to finish. */
bool queue_idle(const struct queue *q);
void queue_free(struct queue *q);		/* suspends */

void life_taken(struct life *l, const struct spool_file *f);

#endif
