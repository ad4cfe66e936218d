/* SPDX-License-Identifier: ISC */
/*
 * base64: RFC 4648 section 4, strict both ways.
 *
 * Decoding refuses white space, missing or surplus padding and non-zero pad bits: one text for
 * each value.  Callers that must be lenient (MIME bodies) strip first.  Output grows in the
 * caller's buffer; on failure the buffer is as before.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Append; false when the buffer's maximum is passed. */
bool base64_encode(struct buf *out, struct str bytes);
/* Append; false when text is not base64 or the maximum is passed. */
[[nodiscard]] bool base64_decode(struct buf *out, struct str text);

static inline size_t
base64_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

#endif
