/* SPDX-License-Identifier: ISC */
/*
 * hex: both ways, strict: an even number of digits and nothing else.
 *
 * RFC 4648 8.
 */
#include "base/hex.h"

bool
hex_encode(struct buf *out, struct str bytes)
{
	static const char digit[] = "0123456789abcdef";
	char *to = buf_reserve(out, bytes.n * 2);

	if (!to)
		return bytes.n == 0 && !out->failed;
	for (size_t i = 0; i < bytes.n; i++) {
		*to++ = digit[(unsigned char)bytes.p[i] >> 4];
		*to++ = digit[bytes.p[i] & 15];
	}
	buf_add(out, bytes.n * 2);
	return true;
}

bool
hex_decode(struct buf *out, struct str text)
{
	char *to;

	if (text.n % 2 != 0)
		return false;
	to = buf_reserve(out, text.n / 2);
	if (!to)
		return text.n == 0 && !out->failed;
	for (size_t i = 0; i < text.n; i += 2) {
		int hi = ascii_xval(text.p[i]), lo = ascii_xval(text.p[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		*to++ = (char)(hi << 4 | lo);
	}
	buf_add(out, text.n / 2);
	return true;
}
