/* SPDX-License-Identifier: ISC */
/*
 * tags: tag lists, RFC 6376 3.2: what signatures, keys and seals are written in.
 *
 * Pure; slices point into the text, the list lies in the arena.
 */
#ifndef TRUST_TAGS_H
#define TRUST_TAGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

struct tag {
	struct str name;
	struct str value;		/* without white space at its ends; may hold folding */
	struct str raw;			/* all between '=' and ';' */
};

struct tags {
	struct tag *tag;
	size_t n;
};

enum { TAGS_MAX = 128 };

/* False: not a tag list (bad name, no '=', a name twice, too many, no memory). */
bool tags_parse(struct str text, struct arena *a, struct tags *out);
/* NULL: it is not there.  Names are compared as they are (3.2: case matters). */
const struct tag *tags_find(const struct tags *t, const char *name);
/* All white space removed, CR LF too; the value itself when there was none. */
struct str tags_squeeze(struct str value, struct arena *a);
/* base64 with white space anywhere (2.4, 2.10).  False: it is none, or empty. */
bool tags_base64(struct str value, struct arena *a, struct str *out);
/* "word" is one of the names between colons. */
bool tags_list_has(struct str list, struct str word);

#endif
