/* SPDX-License-Identifier: ISC */
/*
 * forward: one target of an expansion, made ready to leave: policy's verdict applied.
 *
 * Targets that the client named itself, and those that stay here, pass untouched.
 */
#ifndef QUEUE_FORWARD_H
#define QUEUE_FORWARD_H

#include "queue/queue.h"
#include "queue/vault.h"
#include "route/expand.h"

struct forwarding {
	const struct spool_env *env;
	const struct goal *goal;
	struct str at;			/* the recipient of ours that it was sent to */
	const struct config *cfg;
	struct queue_vault *vault;
};

enum forwarded { FORWARDED, FORWARD_LATER, FORWARD_NEVER };

/* May set t->sender.  suspends in vault */
enum forwarded forward_target(const struct forwarding *f, struct arena *a, struct queue_target *t);

#endif
