/* SPDX-License-Identifier: ISC */
/*
 * work: two queues under one lock, threads that move items from one to the other, an eventfd that
 * brings the loop.  The only locks of the program are here.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rt/co.h"
#include "rt/loop.h"
#include "rt/work.h"
#include "rt/work_sim.h"

enum { THREADS_MAX = 64, THREAD_STACK = 256 * 1024 };

struct queue {
	struct work_item *first, **last;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, done;
	bool stopping;
	bool told;			/* the eventfd is written, and the loop has not come */
	unsigned nthreads;
	pthread_t thread[THREADS_MAX];
	struct fd_watch watch;
	size_t pending;			/* the loop's own count, not under the lock */
	void (*simulate)(struct work_item *item);
} work;

static void
queue_put(struct queue *q, struct work_item *item)
{
	item->next = NULL;
	*q->last = item;
	q->last = &item->next;
}

static struct work_item *
queue_get(struct queue *q)
{
	struct work_item *item = q->first;

	if (item != NULL && (q->first = item->next) == NULL)
		q->last = &q->first;
	return item;
}

/* The watch is edge-triggered: each write is an event, and nobody need read it. */
static void
tell_loop(void)
{
	uint64_t one = 1;

	if (write(work.watch.fd, &one, sizeof one) == -1 && errno != EAGAIN)
		abort();
}

static void *
worker_run(void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&work.lock);
	for (;;) {
		struct work_item *item = queue_get(&work.todo);
		bool tell;

		if (item == NULL) {
			if (work.stopping)
				break;
			(void)pthread_cond_wait(&work.more, &work.lock);
			continue;
		}
		(void)pthread_mutex_unlock(&work.lock);
		item->fn(item->arg);
		(void)pthread_mutex_lock(&work.lock);
		queue_put(&work.done, item);
		tell = !work.told;
		work.told = true;
		if (!tell)
			continue;
		(void)pthread_mutex_unlock(&work.lock);
		tell_loop();
		(void)pthread_mutex_lock(&work.lock);
	}
	(void)pthread_mutex_unlock(&work.lock);
	return NULL;
}

static void
on_done(void *arg, unsigned ready)
{
	struct work_item *item;

	(void)arg;
	(void)ready;
	(void)pthread_mutex_lock(&work.lock);
	work.told = false;
	item = work.done.first;
	work.done = (struct queue){ NULL, &work.done.first };
	(void)pthread_mutex_unlock(&work.lock);
	while (item != NULL) {
		struct work_item *next = item->next;

		work.pending--;
		if (item->done != NULL)
			item->done(item->arg);
		item = next;
	}
}

void
work_init(unsigned nthreads)
{
	pthread_attr_t attr;
	sigset_t all, before;

	assert(work.nthreads == 0 && nthreads <= THREADS_MAX);
	work.todo = (struct queue){ NULL, &work.todo.first };
	work.done = (struct queue){ NULL, &work.done.first };
	work.stopping = work.told = false;
	if (nthreads == 0)
		return;
	if (pthread_mutex_init(&work.lock, NULL) != 0 || pthread_cond_init(&work.more, NULL) != 0)
		abort();
	work.watch = (struct fd_watch){ .what = FD_READ, .edge = true, .fn = on_done };
	work.watch.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (work.watch.fd == -1 || !fd_watch_set(&work.watch))
		abort();
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);	/* signals are the loop's */
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, THREAD_STACK);
	for (unsigned i = 0; i < nthreads; i++)
		if (pthread_create(&work.thread[i], &attr, worker_run, NULL) != 0)
			abort();
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	work.nthreads = nthreads;
}

void
work_submit(struct work_item *item)
{
	if (work.simulate != NULL) {
		work.pending++;
		work.simulate(item);
		return;
	}
	if (work.nthreads == 0) {
		item->fn(item->arg);
		if (item->done != NULL)
			item->done(item->arg);
		return;
	}
	work.pending++;
	(void)pthread_mutex_lock(&work.lock);
	queue_put(&work.todo, item);
	(void)pthread_mutex_unlock(&work.lock);
	/* After the unlock: who wakes must not find the lock taken. */
	(void)pthread_cond_signal(&work.more);
}

struct call {
	void (*fn)(void *arg);
	void *arg;
	struct co *co;
	bool done;
};

static void
call_fn(void *arg)
{
	struct call *c = arg;

	c->fn(c->arg);
}

static void
call_done(void *arg)
{
	struct call *c = arg;

	c->done = true;
	co_wake(c->co);
}

void
work_call(void (*fn)(void *arg), void *arg)
{
	struct call c = { .fn = fn, .arg = arg, .co = co_self() };
	struct work_item item = { .fn = call_fn, .done = call_done, .arg = &c };

	if (c.co == NULL || (work.nthreads == 0 && work.simulate == NULL)) {
		fn(arg);
		return;
	}
	work_submit(&item);
	while (!c.done)
		co_park_hard();
}

size_t
work_pending(void)
{
	return work.pending;
}

void
work_done(void)
{
	assert(work.pending == 0);
	if (work.nthreads == 0)
		return;
	(void)pthread_mutex_lock(&work.lock);
	work.stopping = true;
	(void)pthread_cond_broadcast(&work.more);
	(void)pthread_mutex_unlock(&work.lock);
	for (unsigned i = 0; i < work.nthreads; i++)
		(void)pthread_join(work.thread[i], NULL);
	work.nthreads = 0;
	fd_watch_clear(&work.watch);
	(void)close(work.watch.fd);
	(void)pthread_cond_destroy(&work.more);
	(void)pthread_mutex_destroy(&work.lock);
}

void
work_simulate(void (*take)(struct work_item *item))
{
	work.simulate = take;
	work.pending = 0;
}

void
work_simulated(struct work_item *item)
{
	work.pending--;
	if (item->done != NULL)
		item->done(item->arg);
}
