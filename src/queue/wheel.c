/* SPDX-License-Identifier: ISC */
/*
 * wheel: two levels of 256 and a list for what is more than 18 hours away.
 *
 * When the clock enters a new block of 256 seconds that block's list is spread over `near`.
 */
#include "queue/wheel.h"

void
wheel_init(struct wheel *w, uint32_t now)
{
	*w = (struct wheel){ .now = now };
	for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
		link_init(&w->near[i]);
		link_init(&w->far[i]);
	}
	link_init(&w->beyond);
	link_init(&w->ready);
}

static void
place(struct wheel *w, struct due *d)
{
	uint32_t block = w->now / WHEEL_SLOTS, want = d->at / WHEEL_SLOTS;

	if (d->at <= w->now)
		list_push(&w->ready, &d->link);
	else if (want == block)
		list_push(&w->near[d->at % WHEEL_SLOTS], &d->link);
	else if (want - block < WHEEL_SLOTS)
		list_push(&w->far[want % WHEEL_SLOTS], &d->link);
	else
		list_push(&w->beyond, &d->link);
}

void
wheel_add(struct wheel *w, struct due *d)
{
	place(w, d);
	w->n++;
}

void
wheel_del(struct wheel *w, struct due *d)
{
	list_remove(&d->link);
	w->n--;
}

static void
spread(struct wheel *w, struct link *from)
{
	struct link all;
	struct link *l;

	link_init(&all);
	while ((l = list_pop(from)))
		list_push(&all, l);
	while ((l = list_pop(&all)))
		place(w, CONTAINER_OF(l, struct due, link));
}

/* The clock moves on by one second. */
static void
step(struct wheel *w)
{
	w->now++;
	if (w->now % WHEEL_SLOTS == 0) {
		uint32_t block = w->now / WHEEL_SLOTS;

		if (block % WHEEL_SLOTS == 0)
			spread(w, &w->beyond);
		spread(w, &w->far[block % WHEEL_SLOTS]);
	}
	spread(w, &w->near[w->now % WHEEL_SLOTS]);
}

struct due *
wheel_take(struct wheel *w, uint32_t now)
{
	struct link *l;

	for (;;) {
		if ((l = list_pop(&w->ready))) {
			w->n--;
			return CONTAINER_OF(l, struct due, link);
		}
		if (w->now >= now)
			return NULL;
		if (w->n == 0) {
			w->now = now;
			return NULL;
		}
		step(w);
	}
}
