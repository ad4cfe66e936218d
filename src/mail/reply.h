/* SPDX-License-Identifier: ISC */
/*
 * reply: what an SMTP server answers, as a value, and its bytes on the wire.
 *
 * A reply is a code, an enhanced code (RFC 2034, 3463) and a text; the text may have several
 * lines separated by '\n'.  No enhanced code: c == 0.  The class c is the first digit of the code
 * when a caller leaves it to us, see REPLY.  Owns no memory: text lives with its maker.
 */
#ifndef MAIL_REPLY_H
#define MAIL_REPLY_H

#include "base/buf.h"
#include "base/cur.h"
#include "base/str.h"

#include <stdbool.h>

struct reply {
	unsigned code;			/* 0: no reply at all */
	unsigned c, s, d;		/* enhanced code, none when c is 0 */
	struct str text;		/* lines separated by \n */
	bool close;			/* the session ends after this reply */
};

#define REPLY(code_, c_, s_, d_, text_)                                                            \
	((struct reply){ .code = (code_), .c = (c_), .s = (s_), .d = (d_), .text = STR(text_) })
#define REPLY_BYE(code_, c_, s_, d_, text_)                                                        \
	((struct reply){ .code = (code_), .c = (c_), .s = (s_), .d = (d_), .text = STR(text_),     \
			 .close = true })
/* The same with a text that is a struct str. */
#define REPLY_TEXT(code_, c_, s_, d_, str_)                                                        \
	((struct reply){ .code = (code_), .c = (c_), .s = (s_), .d = (d_), .text = (str_) })

/* A line on the wire has at most 512 octets, CRLF included: RFC 5321 4.5.3.1.5. */
enum { REPLY_LINE_MAX = 512 };

/*
 * Appends the reply as it goes over the wire, every line with code, '-' or ' ', enhanced code and
 * CRLF.  Octets that have no place in a reply (controls, and 8-bit unless utf8) become '?', longer
 * lines are folded into several.  False when the buffer is full.
 */
bool reply_format(struct buf *b, const struct reply *r, bool utf8);

/*
 * A syntax error as a reply.  The parsers of mail/ set perr.code with PERR_CODE, so that the
 * error carries its own SMTP code; 501 5.5.4 where code is 0.
 */
#define PERR_CODE(code_, s_, d_) ((unsigned)((code_)*10'000 + (s_)*100 + (d_)))
struct reply reply_of_perr(const struct perr *err);

#endif
