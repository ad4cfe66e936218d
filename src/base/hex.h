/* SPDX-License-Identifier: ISC */
/*
 * hex: bytes as hexadecimal text (RFC 4648 8); writes lower case, reads both.
 *
 * Output grows in the caller's buffer; on failure the buffer is as before.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

bool hex_encode(struct buf *out, struct str bytes);
[[nodiscard]] bool hex_decode(struct buf *out, struct str text);

#endif
