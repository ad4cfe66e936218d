/* SPDX-License-Identifier: ISC */
/*
 * arena: memory for one lifetime, given back as a whole.
 *
 * 1. An arena never hands out more than its limit (counted in bytes asked for, rounded to 8);
 *    past it the answer is NULL, which a session turns into 452 4.3.1.  The machine's own end of
 *    memory aborts.
 * 2. Everything is 8-aligned, and lives until arena_reset or arena_done.
 * 3. Empty arenas own no memory.  Chunks come from a small free list, so that
 *    reset and the next alloc cost a few instructions.  The list is each thread's own; an arena
 *    belongs to one thread.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk;	/* newest first */
	char *at, *end;			/* room left in the newest standard chunk */
	size_t used, limit;
};

static inline void
arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

void *arena_more(struct arena *a, size_t n);	/* the slow half of arena_alloc */

/* Not zeroed.  NULL only at the limit. */
static inline void *
arena_alloc(struct arena *a, size_t n)
{
	size_t want = (n + 7) & ~(size_t)7;
	char *p = a->at;

	if (__builtin_expect(want < n || want > (size_t)(a->end - a->at) || p == NULL ||
	    want > a->limit - a->used, 0))
		return arena_more(a, n);
	a->at += want;
	a->used += want;
	return p;
}

static inline void *
arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

/* All memory goes back; the arena is empty and usable. */
void arena_reset(struct arena *a);
/* The same, when it will not be used again. */
void arena_done(struct arena *a);

/* Give all pooled chunks back to the system (tests look for leaks). */
void arena_trim(void);

/* Copies.  At the limit: str_dup answers an empty slice with p NULL, str_z NULL. */
struct str str_dup(struct arena *a, struct str s);
char *str_z(struct arena *a, struct str s);
struct str str_lower(struct arena *a, struct str s);

/* str_cat(a, x, y, z): the slices one after the other. */
struct str str_cat_n(struct arena *a, const struct str *s, size_t n);
#define str_cat(a, ...) str_cat_n((a), (const struct str[]){ __VA_ARGS__ }, \
	sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))

/* printf into the arena; slow path only. */
__attribute__((format(printf, 2, 3))) struct str str_fmt(struct arena *a, const char *fmt, ...);

#endif
