/* SPDX-License-Identifier: ISC */
/*
 * utf8: strict reading of UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 *
 * Normalisation and case are not here.  Owns nothing.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

[[nodiscard]] bool utf8_valid(struct str s);

/* Only bytes 0..127? */
[[nodiscard]] bool utf8_is_ascii(struct str s);

/* Take one code point off the front of *s.  False (and *s untouched) at the end or on a bad
 * sequence: tell them apart by s->n. */
[[nodiscard]] bool utf8_next(struct str *s, uint32_t *cp);

/* Append a code point; false for surrogates, above U+10FFFF, or past the buffer's maximum. */
bool utf8_put(struct buf *b, uint32_t cp);

#endif
