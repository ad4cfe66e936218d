/* SPDX-License-Identifier: ISC */
/*
 * cur: a cursor over a slice; the hand of every parser.
 *
 * take_* functions either consume what they name and answer true, or consume nothing and answer
 * false.  A cursor and what was taken point into the slice it was made from.
 */
#ifndef BASE_CUR_H
#define BASE_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cur {
	const char *p, *end, *start;
};

/* What went wrong in a text: a constant sentence, where, and the SMTP code family (0: none). */
struct perr {
	const char *what;
	size_t at;
	unsigned code;
};

static inline struct cur
cur_of(struct str s)
{
	return (struct cur){ s.p, s.n ? s.p + s.n : s.p, s.p };
}

static inline struct cur
cur_z(const char *z)
{
	return cur_of(str_of(z));
}

static inline size_t
cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

static inline size_t
cur_at(const struct cur *c)
{
	return (size_t)(c->p - c->start);
}

/* What is not consumed yet. */
static inline struct str
cur_rest(const struct cur *c)
{
	return (struct str){ c->p, cur_left(c) };
}

/* From `from` (a former c->p) to here. */
static inline struct str
cur_since(const struct cur *c, const char *from)
{
	return (struct str){ from, (size_t)(c->p - from) };
}

/* The next byte as 0..255, or -1 at the end; consumes nothing. */
static inline int
cur_peek(const struct cur *c)
{
	return c->p < c->end ? (unsigned char)*c->p : -1;
}

static inline bool
take_ch(struct cur *c, char ch)
{
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* US-ASCII case does not matter. */
static inline bool
take_lit(struct cur *c, struct str lit)
{
	if (!str_istarts(cur_rest(c), lit))
		return false;
	c->p += lit.n;
	return true;
}

/* Any number of SP and HTAB; false when there was none. */
static inline bool
take_wsp(struct cur *c)
{
	const char *from = c->p;

	while (c->p < c->end && ascii_iswsp(*c->p))
		c->p++;
	return c->p > from;
}

/* One or more bytes for which is() holds. */
bool take_while(struct cur *c, bool (*is)(char), struct str *out);

/* A decimal number of at most max_digits digits that fits *out. */
bool take_u32(struct cur *c, unsigned max_digits, uint32_t *out);

/* Note the first mistake (later ones do not overwrite it) and answer false. */
bool perr_set(struct perr *err, const struct cur *c, const char *what);
bool perr_code(struct perr *err, const struct cur *c, unsigned code, const char *what);

#endif
