/* SPDX-License-Identifier: ISC */
/*
 * edit: changes of a header section that a filter asks for.
 *
 * Pure.  The text is the whole header section without the empty line.  Nothing a filter names can
 * end the header section early or make a second field: names are checked, and every line end in a
 * value is followed by white space.  False: refused, and the text is as it was.
 */
#ifndef SMTPD_EDIT_H
#define SMTPD_EDIT_H

#include "base/buf.h"
#include "base/str.h"

struct edit {
	struct str name, value;
	bool leading_space;		/* value brings its own blank behind the colon */
};

/* Behind all others. */
bool edit_add(struct buf *head, const struct edit *e);
/* As the n-th field, from 0; behind the last when there are fewer. */
bool edit_insert(struct buf *head, uint32_t n, const struct edit *e);
/* The n-th field of that name, from 1: another value, or none when it is empty.  When there is no
 * such field it is added. */
bool edit_change(struct buf *head, uint32_t n, const struct edit *e);

#endif
