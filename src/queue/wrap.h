/* SPDX-License-Identifier: ISC */
/*
 * wrap: a message that would not pass where it is forwarded to, sent whole inside one of ours.
 *
 * The new message is from postmaster of our main domain, names the old subject, holds the old
 * message untouched as message/rfc822, and repeats its Received fields, so that hops are counted
 * on.  It is committed to our own segment like a notice; at least once.
 */
#ifndef QUEUE_WRAP_H
#define QUEUE_WRAP_H

#include "queue/queue.h"

struct wrapping {
	const struct spool_msg *m;
	struct str at, to, sender;	/* recipient of ours; target; envelope sender */
};

/* suspends */
enum spool wrap_message(struct queue *q, const struct wrapping *w, struct arena *a);

#endif
