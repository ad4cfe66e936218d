/* SPDX-License-Identifier: ISC */
/*
 * xtext: RFC 3461 4 ("+HEX") and the UTF-8 forms of RFC 6533 3 ("\x{HEX}").
 */
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/smtp.h"

bool
xtext_decode(struct str in, struct arena *a, struct str *out)
{
	char *dst = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (dst == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		char ch = in.p[i];

		if (ch == '+') {
			int hi = i + 2 < in.n ? ascii_xval(in.p[i + 1]) : -1;
			int lo = i + 2 < in.n ? ascii_xval(in.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			ch = (char)(hi << 4 | lo);
			i += 2;
		} else if (ch <= ' ' || ch >= 0x7f || ch == '=') {
			return false;
		}
		dst[n++] = ch;
	}
	*out = (struct str){ dst, n };
	return true;
}

bool
xtext_encode(struct buf *b, struct str in)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < in.n; i++) {
		unsigned char ch = (unsigned char)in.p[i];

		if (ch > ' ' && ch < 0x7f && ch != '+' && ch != '=') {
			if (!buf_putc(b, (char)ch))
				return false;
		} else if (!(buf_putc(b, '+') && buf_putc(b, hex[ch >> 4]) &&
			     buf_putc(b, hex[ch & 15]))) {
			return false;
		}
	}
	return true;
}

/* EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"; returns its length, 0 when it is none. */
static size_t
embedded(struct str s, uint32_t *cp)
{
	size_t i = 3;

	*cp = 0;
	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'x' || s.p[2] != '{')
		return 0;
	for (; i < s.n && i < 9 && ascii_xval(s.p[i]) >= 0; i++)
		*cp = *cp << 4 | (uint32_t)ascii_xval(s.p[i]);
	if (i < 5 || i == s.n || s.p[i] != '}' || *cp > 0x10ffff ||
	    (*cp >= 0xd800 && *cp < 0xe000))
		return 0;
	return i + 1;
}

bool
utf8_xtext_decode(struct str in, struct arena *a, struct str *out)
{
	struct buf b = { .p = arena_alloc(a, in.n + 1), .cap = in.n + 1, .max = in.n + 1 };

	if (b.p == NULL || !utf8_valid(in))		/* what is decoded is never longer */
		return false;
	for (size_t i = 0; i < in.n;) {
		uint32_t cp;
		size_t used;

		if (in.p[i] == '\\') {
			used = embedded(str_skip(in, i), &cp);
			if (used == 0 || !utf8_put(&b, cp))
				return false;
			i += used;
			continue;
		}
		if ((unsigned char)in.p[i] <= ' ' || in.p[i] == 0x7f || in.p[i] == '+' ||
		    in.p[i] == '=')
			return false;
		(void)buf_putc(&b, in.p[i++]);
	}
	*out = buf_str(&b);
	return true;
}

/* utf-8-addr-xtext: pure ASCII, for a peer without SMTPUTF8. */
bool
utf8_xtext_encode(struct buf *b, struct str in)
{
	uint32_t cp;

	while (utf8_next(&in, &cp)) {
		if (cp > ' ' && cp < 0x7f && cp != '+' && cp != '=' && cp != '\\') {
			if (!buf_putc(b, (char)cp))
				return false;
		} else if (!buf_putf(b, "\\x{%02X}", cp)) {
			return false;
		}
	}
	return in.n == 0;
}
