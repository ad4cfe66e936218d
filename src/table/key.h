/* SPDX-License-Identifier: ISC */
/*
 * key: how an entry of a table is named in the image: kind, which file, key in lower case.
 *
 * The file is named by a fixed hash of its path, so that two domains may share one file.  Keys too
 * long for any table are not representable: key_make answers false, and such a thing is not there.
 */
#ifndef TABLE_KEY_H
#define TABLE_KEY_H

#include "base/map.h"
#include "base/num.h"
#include "base/str.h"
#include "table/tables.h"

enum { KEY_HEAD = 9, KEY_MAX = KEY_HEAD + 512, TABLE_MARK = 'F' };

struct key { size_t n; char p[KEY_MAX]; };

static inline void
key_begin(struct key *k, int kind, struct str file)
{
	static const uint64_t fixed[2] = { 1, 2 };

	k->p[0] = (char)kind;
	put_le64(k->p + 1, siphash13(fixed, file));
	k->n = KEY_HEAD;
}

static inline bool
key_put(struct key *k, struct str s)
{
	if (s.n > sizeof k->p - k->n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		k->p[k->n++] = ascii_lower(s.p[i]);
	return true;
}

static inline struct str
key_str(const struct key *k)
{
	return (struct str){ k->p, k->n };
}

#endif
