/* SPDX-License-Identifier: ISC */
/*
 * secret: bytes that must not reach a log, a reply or a core of text.
 *
 * A type of its own, so that the logger refuses it at compile time and nobody prints it by
 * mistake.  Owns nothing; who holds the bytes wipes them with secret_wipe.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

struct secret {
	const char *p;
	size_t n;
};

static inline struct secret
secret_of(struct str s)
{
	return (struct secret){ s.p, s.n };
}

/* For the verifier that must read it; the name is there to be looked for in reviews. */
static inline struct str
secret_reveal(struct secret s)
{
	return (struct str){ s.p, s.n };
}

/* In a time that depends on the lengths only. */
static inline bool
secret_eq(struct secret a, struct secret b)
{
	unsigned char d = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		d = (unsigned char)(d | (a.p[i] ^ b.p[i]));
	return d == 0;
}

static inline void
secret_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

#endif
