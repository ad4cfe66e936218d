/* SPDX-License-Identifier: ISC */
/*
 * reply: the wire form of replies, RFC 5321 4.2 and RFC 2034 4.  Every octet is checked on its way
 * out: a text that quotes a client can never start a line of its own.
 */
#include "mail/reply.h"

enum { PREFIX_MAX = 16, TEXT_MAX = REPLY_LINE_MAX - PREFIX_MAX - 2 };

static bool
put_text(struct buf *b, struct str text, bool utf8)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char ch = (unsigned char)text.p[i];

		if (ch < ' ' || ch == 0x7f || (ch >= 0x80 && !utf8)) {
			if (!buf_putc(b, ch == '\t' ? ' ' : '?'))
				return false;
		} else if (!buf_putc(b, (char)ch)) {
			return false;
		}
	}
	return true;
}

static bool
put_codes(struct buf *b, const struct reply *r, bool last)
{
	bool ok = buf_putu(b, r->code) && buf_putc(b, last ? ' ' : '-');

	if (ok && r->c != 0)
		ok = buf_putu(b, r->c) && buf_putc(b, '.') && buf_putu(b, r->s) &&
		     buf_putc(b, '.') && buf_putu(b, r->d) && buf_putc(b, ' ');
	return ok;
}

/* How much of the text goes on this line: to the line end, not over TEXT_MAX, best at a space. */
static size_t
line_length(struct str text)
{
	size_t n = 0, space = 0;

	while (n < text.n && text.p[n] != '\n') {
		if (n == TEXT_MAX)
			return space > 0 ? space : n;
		if (text.p[n] == ' ')
			space = n;
		n++;
	}
	return n;
}

bool
reply_format(struct buf *b, const struct reply *r, bool utf8)
{
	struct str rest = r->text;

	for (;;) {
		size_t n = line_length(rest);
		size_t skip = n < rest.n && (rest.p[n] == '\n' || rest.p[n] == ' ');
		bool last = n + skip >= rest.n;

		if (!put_codes(b, r, last) || !put_text(b, str_sub(rest, 0, n), utf8) ||
		    !buf_put(b, STR("\r\n")))
			return false;
		if (last)
			return true;
		rest = str_sub(rest, n + skip, rest.n - n - skip);
	}
}

struct reply
reply_of_perr(const struct perr *err)
{
	unsigned code = err->code != 0 ? err->code : PERR_CODE(501, 5, 4);

	return (struct reply){
		.code = code / 10'000,
		.c = code / 1'000'000,
		.s = code / 100 % 100,
		.d = code % 100,
		.text = str_of(err->what != NULL ? err->what : "syntax error"),
	};
}
