/* SPDX-License-Identifier: ISC */
/*
 * co: coroutines, so that a session is a function that reads from top to bottom.
 *
 * 1. Between two suspensions code is atomic.  After each, whatever is shared may have changed.
 * 2. A wake is never lost: given to a coroutine that is not parked, it is remembered.  So wakes
 *    may be spurious, and every waiter loops on its own condition.
 * 3. Cancelling is sticky: each later wait answers WAKE_CANCELLED at once; stacks are never
 *    destroyed from outside.  A coroutine ends only by returning.
 * 4. A coroutine owns its stack, its arena and its deferred calls; all end with it.
 *
 * Stacks are 64 KiB (256 under sanitizers) over a guard page, pooled; pages that a long waiter
 * does not use go back to the system.  Detached coroutines only in main/: others use group.h.
 */
#ifndef RT_CO_H
#define RT_CO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "rt/clock.h"

struct co;
struct group;

enum wake { WAKE_OK, WAKE_TIMEOUT, WAKE_CANCELLED };

/* Makes a coroutine that will run fn(arg) on its own stack, from the next turn of the scheduler
 * on.  The name must outlive it.  NULL: no memory for a stack, nothing was started. */
struct co *co_spawn(const char *name, void (*fn)(void *arg), void *arg);

/* The running coroutine; NULL on the loop's own stack. */
struct co *co_self(void);

const char *co_name(const struct co *co);

/* How many coroutines live now. */
size_t co_count(void);

/* Suspends until co_wake, the deadline, or cancelling; a remembered wake answers at once. */
[[nodiscard]] enum wake co_park(int64_t deadline_ms);

/* Suspends until co_wake, whatever else happens; a cancel given meanwhile is kept for later.
 * Only for waits that must not be broken off because somebody writes to our stack. */
void co_park_hard(void);

/* Lets a parked coroutine go on; remembered if it is not parked.  Idempotent. */
void co_wake(struct co *co);

/* Every wait of that coroutine answers WAKE_CANCELLED from now on. */
void co_cancel(struct co *co);

/* Has the running coroutine been cancelled? */
bool co_cancelled(void);

/* Lets all others that are ready run first.  suspends */
enum wake co_yield(void);

/* suspends */
enum wake co_sleep(int64_t ms);

/* Counts n bytes of work and yields after each 256 KiB since the last suspension.  suspends */
void co_worked(size_t n);

/* Calls fn(arg) when the running coroutine ends; the last deferred is called first.  They run
 * on its stack, may suspend, and see it as cancelled if it was. */
void co_defer(void (*fn)(void *arg), void *arg);

/* The running coroutine's arena, given back when it ends. */
struct arena *co_arena(void);

/* Runs fn(arg) on the loop's stack, for libraries that need much stack.  fn must not suspend.
 * Does not let others run. */
void co_on_main(void (*fn)(void *arg), void *arg);

/* Usable stack of coroutines to come, in KiB; before the first co_spawn only. */
void co_set_stack_kb(unsigned kb);

/* Bytes of stack the running coroutine has left under its present frame. */
size_t co_stack_left(void);

#endif
