/* SPDX-License-Identifier: ISC */
/*
 * accounts: as whom a local user's mail is written: asked of lookup, remembered for a short while.
 *
 * Virtual users without ids of their own need no question.  Unknown and "could not ask" are
 * different answers: only the first is the sender's business.
 */
#ifndef LOCAL_ACCOUNTS_H
#define LOCAL_ACCOUNTS_H

#include "local/mailbox.h"
#include "queue/transport.h"

enum account_answer {
	ACCOUNT_VIRTUAL,		/* the domain's mail ids */
	ACCOUNT_OWN,			/* *out is filled in */
	ACCOUNT_UNKNOWN,
	ACCOUNT_LATER,
};

struct accounts;

struct accounts *accounts_new(const struct config *cfg);	/* NULL: no memory */
void accounts_free(struct accounts *as);

/* A (new) channel to lookup; takes the descriptor. */
void accounts_peer(struct accounts *as, int fd, const char *name);

/* suspends when lookup must be asked; home is in the arena. */
enum account_answer accounts_find(struct accounts *as, const struct domain *d, struct str user,
    struct arena *a, struct account *out);

/* True if no recipient of the job needs a question. */
bool accounts_at_hand(struct accounts *as, const struct config *cfg, const struct job *job);

#endif
