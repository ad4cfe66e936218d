/* SPDX-License-Identifier: ISC */
/*
 * retry: when to try again, and when to give up.  Pure.
 *
 * The schedule is limits.retry_ms, its last wait repeating, with +-retry_jitter percent.  What kind
 * of trouble it was bends it:
 *
 *	own		a minute, and the attempt does not count: it was not the message's fault
 *	quota, auth	the schedule, but not under half an hour: nothing changes sooner
 *	all others	the schedule
 */
#ifndef QUEUE_RETRY_H
#define QUEUE_RETRY_H

#include "conf/limits.h"
#include "queue/transport.h"

/* Wait after the nth attempt (from 1) failed so; random is any 32 bits. */
int64_t retry_wait_ms(const struct limits *lim, enum out_class class, unsigned attempts,
    uint32_t random);

/* Did this attempt count? */
static inline bool
retry_counts(enum out_class class)
{
	return class != CLASS_OWN;
}

/* How long a message is tried at all. */
static inline int64_t
retry_life_ms(const struct limits *lim, bool null_sender)
{
	return null_sender ? lim->give_up_bounce_ms : lim->give_up_ms;
}

#endif
