/* SPDX-License-Identifier: ISC */
/*
 * utf8: one decoder for all; ASCII runs are skipped eight bytes at a time.
 *
 * RFC 3629 4, the table of well-formed sequences.
 */
#include "base/utf8.h"
#include "base/num.h"

bool
utf8_next(struct str *s, uint32_t *cp)
{
	const unsigned char *p = (const unsigned char *)s->p;
	uint32_t v, least;
	size_t n;

	if (s->n == 0)
		return false;
	if (p[0] < 0x80) {
		*cp = p[0];
		*s = str_skip(*s, 1);
		return true;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2, v = p[0] & 0x1f, least = 0x80;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3, v = p[0] & 0x0f, least = 0x800;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4, v = p[0] & 0x07, least = 0x10000;
	else
		return false;
	if (s->n < n)
		return false;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return false;
	*cp = v;
	*s = str_skip(*s, n);
	return true;
}

static struct str
skip_ascii(struct str s)
{
	size_t i = 0;

	while (i + 8 <= s.n && (get_le64(s.p + i) & UINT64_C(0x8080808080808080)) == 0)
		i += 8;
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return str_skip(s, i);
}

bool
utf8_is_ascii(struct str s)
{
	return skip_ascii(s).n == 0;
}

bool
utf8_valid(struct str s)
{
	uint32_t cp;

	for (s = skip_ascii(s); s.n > 0; s = skip_ascii(s))
		if (!utf8_next(&s, &cp))
			return false;
	return true;
}

bool
utf8_put(struct buf *b, uint32_t cp)
{
	char u[4];
	size_t n = 0;

	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return false;
	if (cp < 0x80) {
		u[n++] = (char)cp;
	} else if (cp < 0x800) {
		u[n++] = (char)(0xc0 | cp >> 6);
	} else if (cp < 0x10000) {
		u[n++] = (char)(0xe0 | cp >> 12);
		u[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
	} else {
		u[n++] = (char)(0xf0 | cp >> 18);
		u[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
		u[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
	}
	if (cp >= 0x80)
		u[n++] = (char)(0x80 | (cp & 0x3f));
	return buf_put(b, (struct str){ u, n });
}
