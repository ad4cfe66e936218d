/* SPDX-License-Identifier: ISC */
/*
 * base64: table driven, three bytes at a time.
 *
 * RFC 4648 3.5: pad bits that are not zero are refused.
 */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
base64_encode(struct buf *out, struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t i = 0, len = base64_len(bytes.n);
	char *to = buf_reserve(out, len);

	if (!to)
		return bytes.n == 0 && !out->failed;
	for (; i + 3 <= bytes.n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (unsigned)p[i + 1] << 8 | p[i + 2];

		*to++ = alphabet[v >> 18];
		*to++ = alphabet[v >> 12 & 63];
		*to++ = alphabet[v >> 6 & 63];
		*to++ = alphabet[v & 63];
	}
	if (i < bytes.n) {
		bool two = i + 1 < bytes.n;
		unsigned v = (unsigned)p[i] << 16 | (two ? (unsigned)p[i + 1] << 8 : 0);

		*to++ = alphabet[v >> 18];
		*to++ = alphabet[v >> 12 & 63];
		*to++ = two ? alphabet[v >> 6 & 63] : '=';
		*to++ = '=';
	}
	buf_add(out, len);
	return true;
}

static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four characters to 1..3 bytes; answers how many, 0 when they are no group. */
static size_t
group(const char *p, bool last, char *to)
{
	int v[4];
	size_t pad = 0;

	if (last && p[3] == '=')
		pad = p[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		v[i] = i < 4 - pad ? value(p[i]) : 0;
		if (v[i] < 0)
			return 0;
	}
	if ((pad == 2 && (v[1] & 15) != 0) || (pad == 1 && (v[2] & 3) != 0))
		return 0;
	to[0] = (char)(v[0] << 2 | v[1] >> 4);
	if (pad < 2)
		to[1] = (char)(v[1] << 4 | v[2] >> 2);
	if (pad < 1)
		to[2] = (char)(v[2] << 6 | v[3]);
	return 3 - pad;
}

bool
base64_decode(struct buf *out, struct str text)
{
	char *to;
	size_t len = 0;

	if (text.n % 4 != 0)
		return false;
	to = buf_reserve(out, text.n / 4 * 3);
	if (!to)
		return text.n == 0 && !out->failed;
	for (size_t i = 0; i < text.n; i += 4) {
		size_t got = group(text.p + i, i + 4 == text.n, to + len);

		if (got == 0)
			return false;
		len += got;
	}
	buf_add(out, len);
	return true;
}
