/* SPDX-License-Identifier: ISC */
/*
 * sched: what the loop, groups and the simulated world need of the scheduler; nobody else
 * includes this.  Owner: co.c.
 */
#ifndef RT_SCHED_H
#define RT_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "rt/co.h"

/* Runs each coroutine that is ready now, once; those made ready meanwhile wait for the next
 * call.  On the loop's stack only. */
void sched_turn(void);

/* Is a coroutine ready to run? */
bool sched_ready(void);

/* Does a coroutine wait whose pages sched_trim has not given back? */
bool sched_parked(void);

/* Simulated worlds: run ready coroutines in an order drawn from this state (NULL: in turn),
 * one per sched_turn. */
void sched_shuffle(uint64_t *random);

/* Gives pages below the stack pointer of long waiters back; the loop's timer calls it.  Returns
 * how many coroutines were trimmed. */
size_t sched_trim(int64_t parked_before_ms, size_t at_most);

/* While halted sched_turn runs nobody; also ends the turn that runs now.  (A power failure.) */
void sched_halt(bool on);

/* Cancels every coroutine that lives. */
void sched_cancel_all(void);

/* Frees the pooled stacks; no coroutine may live. */
void sched_done(void);

/* Starts fn(arg) as a member of g, whose owner is told by group_left when it ends. */
struct co *co_spawn_in(struct group *g, const char *name, void (*fn)(void *), void *arg);

/* The next and the first member of a group's ring of children. */
struct link *co_sibling(struct co *co);
struct co *co_of_sibling(struct link *l);

/* Implemented by group.c: a member has ended; called on its stack as its last deed. */
void group_left(struct group *g, struct co *co);

#endif
