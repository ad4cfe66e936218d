/* SPDX-License-Identifier: ISC */
/*
 * lines: the logical lines of the classic table files.
 *
 * Comments ('#' in the first column, or behind blanks alone) and empty lines are skipped; a line
 * that begins with a blank continues the one before.  A logical line is one slice of the text, so
 * it may hold line ends, which count as blanks.
 */
#ifndef TABLE_LINES_H
#define TABLE_LINES_H

#include <stdbool.h>

#include "base/str.h"

struct lines {
	struct str rest;
	unsigned next;			/* number of the line at the head of rest */
	bool whole;			/* no continuation: each line stands alone */
};

static inline struct lines
lines_of(struct str text)
{
	return (struct lines){ .rest = text, .next = 1 };
}

/* False at the end.  line is the number of its first line. */
bool lines_next(struct lines *l, struct str *out, unsigned *line);

/* Blanks and line ends at both ends taken off. */
struct str lines_trim(struct str s);

/* The first word (quotes taken as part of it) and what follows. */
struct str lines_word(struct str *rest);

#endif
