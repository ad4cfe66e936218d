/* SPDX-License-Identifier: ISC */
/*
 * group: children that never outlive the call that started them.
 *
 * 1. Every child has ended when group_wait returns, so they may point into the parent's stack.
 * 2. Cancelling goes down: when the parent is cancelled while it waits, so are the children.
 * 3. A group may stay open for long (an accept loop): children that ended are reaped at once.
 */
#ifndef RT_GROUP_H
#define RT_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt/co.h"

struct group;

/* The deadline is when group_wait begins to cancel; FOREVER: never. */
struct group *group_open(int64_t deadline_ms);

/* Starts fn(arg) as a child.  False: no stack; nothing was started.  The name is kept. */
bool group_go(struct group *g, const char *name, void (*fn)(void *arg), void *arg);

/* How many children live. */
size_t group_count(const struct group *g);

/* suspends until fewer than max children live, or the deadline. */
[[nodiscard]] enum wake group_room(struct group *g, size_t max, int64_t deadline_ms);

/* Cancels all children that live; later ones are started cancelled. */
void group_cancel(struct group *g);

/* suspends until all have ended; past the deadline cancels them first, also when the caller is
 * cancelled.  Frees *g and sets it NULL.  WAKE_OK: none was cancelled here. */
enum wake group_wait(struct group **g);

#endif
