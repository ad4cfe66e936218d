/* SPDX-License-Identifier: ISC */
/*
 * chan: the ring and the two queues of waiters.  See chan.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "rt/chan.h"
#include "rt/co.h"

struct chan {
	size_t cap, n, head;
	bool closed;
	struct link getters, putters;
	void *slot[];
};

struct waiter {				/* on the stack of who waits */
	struct link link;
	struct co *co;
};

struct chan *
chan_new(size_t cap)
{
	struct chan *ch;

	assert(cap > 0);
	ch = calloc(1, sizeof *ch + cap * sizeof ch->slot[0]);
	if (ch == NULL)
		abort();
	ch->cap = cap;
	link_init(&ch->getters);
	link_init(&ch->putters);
	return ch;
}

void
chan_free(struct chan *ch)
{
	if (ch == NULL)
		return;
	assert(list_empty(&ch->getters) && list_empty(&ch->putters));
	free(ch);
}

static void
wake_first(struct link *waiters)
{
	struct link *l = list_first(waiters);

	if (l != NULL)
		co_wake(CONTAINER_OF(l, struct waiter, link)->co);
}

bool
chan_try_put(struct chan *ch, void *p)
{
	if (ch->closed || ch->n == ch->cap)
		return false;
	ch->slot[(ch->head + ch->n++) % ch->cap] = p;
	wake_first(&ch->getters);
	return true;
}

bool
chan_try_get(struct chan *ch, void **p)
{
	if (ch->n == 0)
		return false;
	*p = ch->slot[ch->head];
	ch->head = (ch->head + 1) % ch->cap;
	ch->n--;
	wake_first(&ch->putters);
	return true;
}

/* Waits in that queue; leaves it whatever the answer. */
static enum io
chan_wait(struct link *waiters, int64_t deadline_ms)
{
	struct waiter w = { .co = co_self() };
	enum wake wake;

	list_push(waiters, &w.link);
	wake = co_park(deadline_ms);
	list_remove(&w.link);
	switch (wake) {
	case WAKE_OK:		return IO_OK;
	case WAKE_TIMEOUT:	break;
	case WAKE_CANCELLED:	return IO_CANCELLED;
	}
	return IO_TIMEOUT;
}

enum io
chan_put(struct chan *ch, void *p, int64_t deadline_ms)
{
	enum io io = IO_OK;

	while (io == IO_OK) {
		if (ch->closed)
			return IO_EOF;
		if (chan_try_put(ch, p)) {
			/* The next putter may find room as well. */
			if (ch->n < ch->cap)
				wake_first(&ch->putters);
			return IO_OK;
		}
		io = chan_wait(&ch->putters, deadline_ms);
	}
	wake_first(&ch->putters);		/* our wake must not be lost with us */
	return io;
}

enum io
chan_get(struct chan *ch, void **p, int64_t deadline_ms)
{
	enum io io = IO_OK;

	while (io == IO_OK) {
		if (chan_try_get(ch, p)) {
			if (ch->n > 0)
				wake_first(&ch->getters);
			return IO_OK;
		}
		if (ch->closed)
			return IO_EOF;
		io = chan_wait(&ch->getters, deadline_ms);
	}
	if (ch->n > 0)
		wake_first(&ch->getters);
	return io;
}

void
chan_close(struct chan *ch)
{
	ch->closed = true;
	LIST_EACH(l, &ch->getters)
		co_wake(CONTAINER_OF(l, struct waiter, link)->co);
	LIST_EACH(k, &ch->putters)
		co_wake(CONTAINER_OF(k, struct waiter, link)->co);
}

size_t
chan_count(const struct chan *ch)
{
	return ch->n;
}
