/* SPDX-License-Identifier: ISC */
/*
 * addr_read: the reader that addr.c and addr_spec.c share.
 *
 * A cursor with its leniency, the arena for results, and scratch space as long as the text, so
 * that nothing allocates per token.  take functions consume nothing when they say no.
 */
#ifndef MAIL_ADDR_READ_H
#define MAIL_ADDR_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cur.h"
#include "mail/addr.h"

struct addr_read {
	struct cur c;
	struct arena *a;
	char *scratch;			/* as long as the text, and one more */
	struct str comment;		/* the last comment passed, with its parentheses */
	unsigned unclosed;		/* comments without end so far, see addr_spec.c */
	bool comment_at;		/* some comment held an '@' */
	bool utf8;			/* octets over 127 are text */
	bool loose;			/* any CR and LF is white space */
};

/* False when the arena is full. */
bool addr_read_init(struct addr_read *r, struct str text, struct arena *a);
/* Passes comments and white space; what it passed as facts. */
unsigned addr_take_cfws(struct addr_read *r);
bool addr_take_quoted(struct addr_read *r, struct str *out);
bool addr_take_spec(struct addr_read *r, struct addr *out);
bool addr_is_atext(const struct addr_read *r, char ch);
/* Appends a quoted-string without quotes, backslashes and line ends. */
bool addr_put_unquoted(struct buf *b, struct str quoted);

#endif
