/* SPDX-License-Identifier: ISC */
/*
 * work: threads for calls that block (fdatasync, getpwnam, crypt).
 *
 * 1. Threads are made by work_init, before the sandbox; never later.
 * 2. fn runs on a worker thread: it may touch only what its argument owns; no log, no co, no
 *    loop, no arena that others use.  disk.h may be called.
 * 3. Completion comes back through the loop; done runs on the loop's stack.
 * 4. In a simulated world fn runs as a step of the scheduler, in an order drawn from the seed.
 *
 * Without threads (work_init(0) or none) fn runs in place.
 */
#ifndef RT_WORK_H
#define RT_WORK_H

#include <stddef.h>

struct work_item {			/* the caller's, untouched from submit to done */
	void (*fn)(void *arg);
	void (*done)(void *arg);	/* may be NULL */
	void *arg;
	struct work_item *next;
};

/* loop_init comes first.  Aborts when threads cannot be made. */
void work_init(unsigned nthreads);

/* suspends until fn(arg) has run on a worker.  Not broken off by cancelling: arg may be on the
 * caller's stack. */
void work_call(void (*fn)(void *arg), void *arg);

/* Queues the item; its done is called on the loop's stack. */
void work_submit(struct work_item *item);

/* Items submitted and not done. */
size_t work_pending(void);

/* Joins the threads; nothing may be pending. */
void work_done(void);

#endif
