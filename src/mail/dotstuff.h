/* SPDX-License-Identifier: ISC */
/*
 * dotstuff: the body of DATA, both ways, RFC 5321 4.5.2, without copying.
 *
 * 1. Only CR LF . CR LF ends a message, over any chunk borders; nothing else ever does.
 * 2. Bare CR, bare LF, NUL and over-long lines do not stop the decoder: they are noted in faults,
 *    so the session can read to the real end and refuse.
 * 3. The runs given out, one after the other, are the message; they point into the input or to
 *    constant text.
 */
#ifndef MAIL_DOTSTUFF_H
#define MAIL_DOTSTUFF_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum dot_fault { DOT_BARE_CR = 1, DOT_BARE_LF = 2, DOT_NUL = 4, DOT_LONG_LINE = 8 };

enum dot {
	DOT_RUN,			/* *run is the next part of the message */
	DOT_MORE,			/* the input is used up */
	DOT_END,			/* the final dot; *in is what follows it */
};

struct dot_in {
	unsigned faults;		/* set of enum dot_fault */
	unsigned state;			/* private */
	uint64_t line;			/* octets of the present line so far */
	uint64_t line_max;		/* without CRLF; 0: no limit */
	uint64_t size;			/* octets given out */
	bool eight_bit;			/* an octet over 127 was seen (only when watch_8bit) */
	bool watch_8bit;
};

void dot_in_init(struct dot_in *d, uint64_t line_max);
/* Takes from the front of *in.  Call until it says DOT_MORE (feed it more) or DOT_END. */
enum dot dot_in_next(struct dot_in *d, struct str *in, struct str *run);

/* The same checks for text that is not dot-stuffed (BDAT, local submission): only notes faults. */
void dot_check(struct dot_in *d, struct str in);
/* At the end of such text: a last CR without LF is bare. */
void dot_check_end(struct dot_in *d);

struct dot_out {
	unsigned state;			/* private; zero is the start of a message */
};

/* Next run of the stuffed text; false when the input is used up.  Input must be canonical CRLF. */
bool dot_out_next(struct dot_out *d, struct str *in, struct str *run);
/* What ends the message: ".\r\n", after a CRLF if the text did not end with one. */
struct str dot_out_end(const struct dot_out *d);

#endif
