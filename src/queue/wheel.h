/* SPDX-License-Identifier: ISC */
/*
 * wheel: things that are due at a second, a million of them, O(1) to add and to remove.
 *
 * Time here is struct queue's: whole seconds since 2020 (queue_sec).  A thing is given out at or
 * after its second, never before, in the order of seconds.  Links are the caller's.
 */
#ifndef QUEUE_WHEEL_H
#define QUEUE_WHEEL_H

#include <stdint.h>

#include "base/list.h"

struct due {
	struct link link;		/* free for other lists while not on the wheel */
	uint32_t at;
};

enum { WHEEL_SLOTS = 256 };

struct wheel {
	uint32_t now;			/* everything at or before it has been given out */
	size_t n;
	struct link near[WHEEL_SLOTS];	/* seconds within now's block of 256 */
	struct link far[WHEEL_SLOTS];	/* blocks of 256 seconds: 18 hours */
	struct link beyond;
	struct link ready;		/* was due when added */
};

void wheel_init(struct wheel *w, uint32_t now);
/* d->at says when; its link is in no list. */
void wheel_add(struct wheel *w, struct due *d);
void wheel_del(struct wheel *w, struct due *d);
/* One thing that is due at `now`, removed; NULL when there is none (then w->now == now). */
struct due *wheel_take(struct wheel *w, uint32_t now);

#endif
