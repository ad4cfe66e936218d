/* SPDX-License-Identifier: ISC */
/*
 * route: from a message's recipients to units; for queue/ alone.
 *
 * A recipient that is delivered as it stands keeps its number in the record; what expansion made
 * gets a number of its own and is written into the journal before anything is delivered, so that a
 * restart does not expand differently.
 */
#ifndef QUEUE_ROUTE_H
#define QUEUE_ROUTE_H

#include "queue/parts.h"

struct seal_ctx {
	struct queue *q;
	struct seg *s;
};

/* A seal in ctx->s (a struct seal_ctx). */
void seal_seen(void *ctx, const struct spool_seal *seal);

/* A committed message that stands in s.  suspends in look-ups */
void intake_message(struct queue *q, struct seg *s, const struct spool_msg *m, struct arena *a);

/* Units whose tables were down, and redirected ones.  suspends */
void reroute_waiting(struct queue *q, struct arena *a);

#endif
