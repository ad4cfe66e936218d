/* SPDX-License-Identifier: ISC */
/*
 * admin: the questions `postern queue` asks, as JSON in and out.
 *
 *	queue.list queue.show		messages, page by page ("after" in, "next" out)
 *	queue.retry hold release bounce drop redirect	{"matched":N,"changed":N}
 *	queue.flush			everything now, dead destinations too
 *	queue.stats queue.destinations	numbers; next hops and their state
 *
 * args: id [..], sender, recipient, domain, reason, older_ms, younger_ms, dry_run, to, after,
 * limit.
 */
#ifndef QUEUE_ADMIN_H
#define QUEUE_ADMIN_H

#include "queue/queue.h"

/* False: *json has "why".  The text is the arena's.  suspends */
bool queue_admin(struct queue *q, struct str op, struct str args, struct arena *a,
    struct str *json);

/* change.c: what one operation does to the recipients idx of u (all of them: idx NULL). */
enum change {
	CHANGE_NONE, CHANGE_RETRY, CHANGE_HOLD, CHANGE_RELEASE, CHANGE_BOUNCE, CHANGE_DROP,
	CHANGE_REDIRECT,
};

struct filter;

struct change_ask {
	enum change change;
	bool dry_run;
	bool whole;			/* all recipients of the message at hand are meant */
	struct str to;			/* REDIRECT */
	uint64_t matched, changed;	/* messages */
};

/* Applies it to one message if the filter chooses it.  suspends */
void change_message(struct queue *q, const struct filter *f, uint64_t id, struct arena *a,
    struct change_ask *ask);

#endif
