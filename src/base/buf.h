/* SPDX-License-Identifier: ISC */
/*
 * buf: bytes that grow, up to a maximum its creator must state.
 *
 * 1. Never longer than max.  The first put that would pass it changes nothing, sets `failed`
 *    and answers false, and so does every later one until buf_reset: test once at the end.
 * 2. The bytes move when the buffer grows: slices into it die with the next put.
 * 3. An empty buffer owns no memory; buf_done gives back what it has.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap, max;
	bool failed;
};

static inline void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_done(struct buf *b);

/* Empty it, keep the memory, forget a failure. */
static inline void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

/* Make room for n more; the slow half of buf_reserve. */
bool buf_grow(struct buf *b, size_t n);

/* Room for n bytes behind the end, to be filled and then declared with buf_add; NULL past max. */
static inline char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->failed || (n > b->cap - b->n && !buf_grow(b, n)))
		return NULL;
	return b->p == NULL ? NULL : b->p + b->n;	/* n 0 of an empty one: nothing to fill */
}

/* The n bytes behind the end were written. */
static inline void
buf_add(struct buf *b, size_t n)
{
	b->n += n;
}

static inline bool
buf_put(struct buf *b, struct str s)
{
	char *to = buf_reserve(b, s.n);

	if (!to)
		return s.n == 0 && !b->failed;
	if (s.n)
		memcpy(to, s.p, s.n);
	b->n += s.n;
	return true;
}

static inline bool
buf_putc(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (!to)
		return false;
	*to = c;
	b->n++;
	return true;
}

#define buf_puts(b, lit) buf_put((b), STR(lit))

bool buf_putu(struct buf *b, uint64_t v);
bool buf_puti(struct buf *b, int64_t v);

/* Slow path only. */
__attribute__((format(printf, 2, 3))) bool buf_putf(struct buf *b, const char *fmt, ...);

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

/* Forget the first n bytes, move the rest to the front. */
void buf_shift(struct buf *b, size_t n);

#endif
