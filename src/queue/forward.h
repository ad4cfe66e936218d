/* SPDX-License-Identifier: ISC */
/*
 * forward: one target of an expansion, made ready to leave: policy's verdict applied.
 *
 * Targets that stay here pass untouched; senders of ours get their tag, whoever named the target.
 */
#ifndef QUEUE_FORWARD_H
#define QUEUE_FORWARD_H

#include "queue/queue.h"
#include "queue/vault.h"
#include "route/expand.h"

struct forward_share { uint64_t max; uint32_t now_s; };

/* What each forward of a user has passed on in this hour. */
struct forward_rates;
struct forward_rates *forward_rates_new(void);
void forward_rates_free(struct forward_rates *r);
/* One message more; false: that forward has had its share of this hour. */
bool forward_rate_take(struct forward_rates *r, struct str user, struct str target,
    struct forward_share share);

struct forwarding {
	const struct spool_env *env;
	const struct goal *goal;
	struct str at;			/* the recipient of ours that it was sent to */
	const struct config *cfg;
	struct queue_vault *vault;
	struct forward_rates *rates;
	uint32_t now_s;
};

/* WRAPPED: t->sender is for a new message that carries this one. */
enum forwarded { FORWARDED, FORWARD_WRAPPED, FORWARD_LATER, FORWARD_NEVER };

/* May set t->sender.  suspends in vault */
enum forwarded forward_target(const struct forwarding *f, struct arena *a, struct queue_target *t);

#endif
