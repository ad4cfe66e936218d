/* SPDX-License-Identifier: ISC */
/*
 * chan: a bounded first-in first-out of pointers between coroutines.
 *
 * Pointers belong to who put them until got.  A closed channel gives what is left, then IO_EOF.
 * Several may wait on either side.
 */
#ifndef RT_CHAN_H
#define RT_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt/stream.h"

struct chan;

struct chan *chan_new(size_t cap);

/* Nobody may wait on it; what is left inside is forgotten. */
void chan_free(struct chan *ch);

/* suspends while full.  IO_EOF: closed. */
[[nodiscard]] enum io chan_put(struct chan *ch, void *p, int64_t deadline_ms);

/* suspends while empty.  IO_EOF: closed and empty. */
[[nodiscard]] enum io chan_get(struct chan *ch, void **p, int64_t deadline_ms);

/* Never suspend; false: full or closed (empty).  May be called on the loop's stack. */
bool chan_try_put(struct chan *ch, void *p);
bool chan_try_get(struct chan *ch, void **p);

/* No more puts; wakes all. */
void chan_close(struct chan *ch);

size_t chan_count(const struct chan *ch);

#endif
