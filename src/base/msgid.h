/* SPDX-License-Identifier: ISC */
/*
 * msgid: the name of a message: 64 bits, and 13 characters of text that sort the same way.
 *
 * 42 bits of milliseconds since 2020-01-01 | 6 bits writer | 16 bits sequence.
 * Text: lower-case base32, digits then letters without i, l, o and u, most significant first.
 * 0 is no message.
 */
#ifndef BASE_MSGID_H
#define BASE_MSGID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { MSGID_TEXT = 13, MSGID_WRITERS = 64 };

#define MSGID_EPOCH_MS INT64_C(1577836800000)	/* 2020-01-01T00:00:00Z */

/* unix_ms is wall time; a time before the epoch counts as the epoch. */
uint64_t msgid_make(int64_t unix_ms, unsigned writer, unsigned sequence);

int64_t msgid_unix_ms(uint64_t id);

static inline unsigned
msgid_writer(uint64_t id)
{
	return (unsigned)(id >> 16 & 63);
}

/* Into out, which is not NUL-terminated. */
struct str msgid_format(uint64_t id, char out[MSGID_TEXT]);

/* Either case; exactly 13 characters. */
[[nodiscard]] bool msgid_parse(struct str text, uint64_t *out);

#endif
