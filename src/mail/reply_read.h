/* SPDX-License-Identifier: ISC */
/*
 * reply_read: what an SMTP server said, read line by line by the client.  RFC 5321 4.2.
 *
 * Everything is bounded: 128 lines of 2 kB; a hostile server can waste no more than that.
 * A text is kept as octets; it must go through text_sanitise before a log, a bounce or a person.
 */
#ifndef MAIL_REPLY_READ_H
#define MAIL_REPLY_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLY_READ_LINES = 128, REPLY_READ_LINE_MAX = 2048 };

struct reply_in {
	unsigned code;			/* 200-599 */
	unsigned c, s, d;		/* without the codes; in the arena */
	struct str *line;		/* texts without the codes, in the arena */
	size_t nline;
	size_t cap;
};

enum reply_more { REPLY_MORE, REPLY_DONE, REPLY_BROKEN };

/*
 * Takes one line (no line end); start with r all zero.  REPLY_BROKEN: not SMTP, changing codes, or
 * over a limit; the connection must be closed.  Copies into the arena.
 */
enum reply_more reply_read_line(struct reply_in *r, struct str line, struct arena *a);

/* All lines joined by sep, sanitised to printable text, at most max octets: for logs, bounces. */
struct str reply_read_text(const struct reply_in *r, struct arena *a, size_t max);

/* Printable UTF-8 (or ASCII without utf8), controls to spaces or '?', white space squeezed. */
struct str text_sanitise(struct str in, bool utf8, struct arena *a, size_t max);

/* The keywords of an EHLO reply. */
struct ehlo {
	struct str name;		/* what the server calls itself */
	unsigned ext;			/* enum smtp_ext */
	uint64_t size;			/* 0: no limit told */
	uint64_t rcpt_max;		/* LIMITS RCPTMAX (RFC 9422), 0: none */
	uint64_t mail_max, rcptdomain_max;
	struct str auth;		/* mechanisms separated by spaces */
	struct str xclient;		/* attributes */
};

void ehlo_parse(const struct reply_in *r, struct ehlo *out);

#endif
