/* SPDX-License-Identifier: ISC */
/*
 * addr: addresses in header fields, RFC 5322 3.4 with the obsolete syntax of 4.4, and RFC 6532.
 *
 * Lists are read leniently (a bad element is skipped and noted), because mail is full of them;
 * every leniency is a fact in the answer, so that policy can be strict where identity is at stake.
 * All slices live in the arena or the text.
 */
#ifndef MAIL_ADDR_H
#define MAIL_ADDR_H

#include "base/arena.h"
#include "base/cur.h"
#include "base/str.h"

#include <stdbool.h>

enum addr_fact {
	ADDR_GROUP = 1 << 0,		/* group syntax */
	ADDR_ROUTE = 1 << 1,		/* <@route:local@domain> */
	ADDR_COMMENT = 1 << 2,		/* a comment inside the addr-spec */
	ADDR_SPACE = 1 << 3,		/* white space inside the addr-spec */
	ADDR_ENCODED = 1 << 4,		/* an encoded-word where an address should be */
	ADDR_CONTROL = 1 << 5,		/* NUL, controls, bidirectional or invisible characters */
	ADDR_BAD = 1 << 6,		/* an element that is no mailbox */
	ADDR_EMPTY = 1 << 7,		/* empty elements: ", ," */
	ADDR_UTF8 = 1 << 8,		/* octets over 127 in an address */
	ADDR_INVALID_UTF8 = 1 << 9,
	ADDR_NO_DOMAIN = 1 << 10,	/* a local part alone */
	ADDR_NAME_HAS_AT = 1 << 11,	/* a display name or comment that holds an address */
	ADDR_LITERAL = 1 << 12,		/* an address literal for a domain */
	ADDR_CUT = 1 << 13,		/* more elements than the limit */
};

struct addr {
	struct str name;		/* display name (or trailing comment), decoded to UTF-8 */
	struct str local;		/* canonical spelling, as in path.h */
	struct str domain;		/* without comments and white space */
	struct str address;		/* local@domain */
	struct str group;		/* name of the group it stands in, or "" */
	unsigned facts;			/* enum addr_fact of this one */
	bool obsolete;			/* uses obs- syntax */
};

struct addr_list {
	struct addr *addr;
	size_t n;
	unsigned facts;			/* of the whole field */
};

enum { ADDR_LIST_MAX = 10'000 };

/* address-list; false only when the arena is full. */
bool addr_list_parse(struct str value, struct arena *a, struct addr_list *out);

/* The same, with a nameless place that holds but a comment as an entry without address. */
bool addr_list_parse_all(struct str value, struct arena *a, struct addr_list *out);

/* addr-spec, the whole text, CFWS allowed; utf8: RFC 6532 is. */
bool addr_spec_parse(struct str text, bool utf8, struct arena *a, struct addr *out);

/* RFC 2047: encoded-words of unstructured text to UTF-8; other charsets than ASCII, UTF-8 and
 * Latin-1 stay as they are.  Folding is removed. */
struct str text_decode(struct str value, struct arena *a);

#endif
