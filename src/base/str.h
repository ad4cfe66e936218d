/* SPDX-License-Identifier: ISC */
/*
 * str: a slice of somebody else's bytes: pointer and length, passed by value.
 *
 * 1. Not NUL-terminated; may hold any byte.
 * 2. { NULL, 0 } is the empty string and a valid value everywhere.
 * 3. A slice owns nothing: it lives as long as the arena, buffer or literal it points into.
 * Case-insensitive comparison is of US-ASCII only.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

#include "base/ascii.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(lit) ((struct str){ ("" lit), sizeof(lit) - 1 })
#define STR_INIT(lit) { ("" lit), sizeof(lit) - 1 }	/* for static initialisers */

/* printf("name=" STR_F, STR_A(name)) */
#define STR_F "%.*s"
#define STR_A(s) (int)(s).n, (s).p

static inline struct str
str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline struct str
str_from(const void *p, size_t n)
{
	return (struct str){ p, n };
}

static inline bool
str_empty(struct str s)
{
	return s.n == 0;
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Order of bytes, the shorter first; < 0, 0, > 0. */
int str_cmp(struct str a, struct str b);
int str_icmp(struct str a, struct str b);

bool str_ieq(struct str a, struct str b);

/* From `from`, at most n bytes; both are cut to what is there. */
static inline struct str
str_sub(struct str s, size_t from, size_t n)
{
	if (from >= s.n)
		return (struct str){ s.n ? s.p + s.n : s.p, 0 };
	if (n > s.n - from)
		n = s.n - from;
	return (struct str){ s.p + from, n };
}

static inline struct str
str_skip(struct str s, size_t n)
{
	return str_sub(s, n, s.n);
}

static inline bool
str_starts(struct str s, struct str head)
{
	return s.n >= head.n && str_eq(str_sub(s, 0, head.n), head);
}

static inline bool
str_istarts(struct str s, struct str head)
{
	return s.n >= head.n && str_ieq(str_sub(s, 0, head.n), head);
}

static inline bool
str_ends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_eq(str_skip(s, s.n - tail.n), tail);
}

static inline bool
str_iends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_ieq(str_skip(s, s.n - tail.n), tail);
}

/* Index of the first / last c, or -1. */
static inline ssize_t
str_chr(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

static inline ssize_t
str_rchr(struct str s, char c)
{
	const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

/* Index of the first occurrence of what in s, or -1; an empty what is at 0. */
ssize_t str_find(struct str s, struct str what);

/* Without SP and HTAB at both ends. */
struct str str_trim(struct str s);

/* Cut *rest at the first c: answers what stands before it and moves *rest behind it; without a c
 * answers all and leaves *rest empty. */
struct str str_split(struct str *rest, char c);

#endif
