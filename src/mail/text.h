/* SPDX-License-Identifier: ISC */
/*
 * text: charsets of encoded-words, for those who know more of them than mail/ does.
 */
#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

struct text_rules {
	/* Appends in as UTF-8; false when it cannot.  NULL: text_to_utf8. */
	bool (*to_utf8)(struct str charset, struct str in, struct buf *out);
	char *scratch;			/* set by text_decode_with */
};

/* The length of the encoded-word that s begins with; 0 when there is none. */
size_t text_word(struct str s);

/* ASCII, UTF-8, Latin-1, and ASCII octets of any charset that keeps them. */
bool text_to_utf8(struct str charset, struct str in, struct buf *out);

/* RFC 2047 with a charset converter; NULL slice when the arena is full. */
struct str text_decode_with(struct str value, const struct text_rules *rules, struct arena *a);

#endif
