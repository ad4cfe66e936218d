/* SPDX-License-Identifier: ISC */
/*
 * msgid: packing and the base32 text.
 *
 * 13 characters hold 65 bits, so the first one is below 'g': more is refused.
 */
#include "base/msgid.h"

static const char alphabet[32] = "0123456789abcdefghjkmnpqrstvwxyz";

uint64_t
msgid_make(int64_t unix_ms, unsigned writer, unsigned sequence)
{
	uint64_t ms = unix_ms > MSGID_EPOCH_MS ? (uint64_t)(unix_ms - MSGID_EPOCH_MS) : 0;

	return ms << 22 | (uint64_t)(writer & 63) << 16 | (sequence & 0xffff);
}

int64_t
msgid_unix_ms(uint64_t id)
{
	return (int64_t)(id >> 22) + MSGID_EPOCH_MS;
}

struct str
msgid_format(uint64_t id, char out[MSGID_TEXT])
{
	for (size_t i = MSGID_TEXT; i-- > 0; id >>= 5)
		out[i] = alphabet[id & 31];
	return (struct str){ out, MSGID_TEXT };
}

bool
msgid_parse(struct str text, uint64_t *out)
{
	uint64_t id = 0;

	if (text.n != MSGID_TEXT)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		const char *at = memchr(alphabet, ascii_lower(text.p[i]), sizeof alphabet);

		if (!at || (i == 0 && at - alphabet > 15))
			return false;
		id = id << 5 | (uint64_t)(at - alphabet);
	}
	*out = id;
	return true;
}
