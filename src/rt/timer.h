/* SPDX-License-Identifier: ISC */
/*
 * timer: calls at a time, from a hierarchical wheel: set and clear are O(1) and touch no heap.
 *
 * 1. A timer fires at or after its time, never before; equal times in no promised order.
 * 2. Callbacks run on the loop's stack, may set and clear any timer, and never suspend.
 * 3. The caller owns the struct; it must be cleared before it goes.
 *
 * Deadlines of waits (co_park) are such timers.
 */
#ifndef RT_TIMER_H
#define RT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct timer {				/* zero is a valid, unset timer */
	struct link link;
	int64_t at_ms;
	void (*fn)(void *arg);
	void *arg;
	uint8_t level, slot;
	bool set;
};

/* Calls fn(arg) once now_ms() has reached at_ms; a time that has passed means the next turn.  Sets
 * anew a timer that was set. */
void timer_set(struct timer *t, int64_t at_ms, void (*fn)(void *arg), void *arg);

/* No effect on a timer that is not set. */
void timer_clear(struct timer *t);

static inline bool
timer_is_set(const struct timer *t)
{
	return t->set;
}

/* For the loop and the simulated world: fires all that are due at now; returns how many. */
unsigned timers_expire(int64_t now);

/* A time not later than the next timer's (exact within the next 64 ms), or FOREVER. */
int64_t timers_next(void);

/* Forgets all timers and starts anew at that time: for the beginning and the end of a world. */
void timers_reset(int64_t now);

#endif
