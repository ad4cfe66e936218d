/* SPDX-License-Identifier: ISC */
/*
 * dn: distinguished names of certificates, as parts and as text in sendmail's slash form.
 *
 * "/C=US/O=endmail.org/CN=Darth+20Mail+20+28Cert+29": octets that are not printable, and
 * < > ( ) " + and space, are written +XX.  We also write a slash inside a value as +2F, so that a
 * name with "/CN=" in a value is never the text of another name.  Names are compared part by part,
 * values without regard to ASCII case (RFC 5280 7.1); "Email" and "emailAddress" are one type.
 *
 * Pure.  Parts and values live in the arena given.
 */
#ifndef TLS_DN_H
#define TLS_DN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct dn_part { struct str type, value; };

struct dn {
	struct dn_part *part;
	size_t n;
};

enum { DN_PARTS_MAX = 40 };

/* Appends the slash form; false when the buffer is full. */
bool dn_format(struct buf *b, const struct dn *dn);
/* Reads the slash form.  A slash that no "TYPE=" follows belongs to the value. */
[[nodiscard]] bool dn_parse(struct str text, struct arena *a, struct dn *out);
bool dn_eq(const struct dn *x, const struct dn *y);
/* The first value of that type; empty when there is none. */
struct str dn_get(const struct dn *dn, struct str type);
/* One value with +XX for what may not stand in a key of the access map. */
bool dn_value_encode(struct buf *b, struct str value);

#endif
