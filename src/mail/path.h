/* SPDX-License-Identifier: ISC */
/*
 * path: the addresses of the SMTP envelope, RFC 5321 4.1.2 with 6531.
 *
 * 1. A parsed path has one meaning: the local part is in its canonical spelling (quoted only when
 *    a dot-string cannot say it), so two spellings of one mailbox compare equal.
 * 2. No control octet, NUL, bidirectional or invisible formatting character is ever inside.
 * 3. A source route is checked, dropped, and remembered as a fact (3.6.1, appendix C).
 *
 * Slices point into the text parsed, or into the arena for a local part that had to be respelled.
 */
#ifndef MAIL_PATH_H
#define MAIL_PATH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cur.h"
#include "base/ip.h"
#include "base/str.h"
#include "mail/reply.h"

#include <stdbool.h>

/* Values of perr.code that the parsers of this folder set, see reply_of_perr. */
enum perr_code {
	PERR_ADDRESS = PERR_CODE(501, 1, 3),	/* smtp_mail_parse makes it 5.1.7 */
	PERR_NEEDS_UTF8 = PERR_CODE(553, 6, 7),	/* RFC 6531 3.5 */
};

enum {
	PATH_LOCAL_MAX = 64,		/* RFC 5321 4.5.3.1.1 */
	PATH_DOMAIN_MAX = 255,		/* 4.5.3.1.2 */
	PATH_MAX_LEN = 254,		/* 4.5.3.1.3 without the brackets */
};

struct path {
	struct str local;		/* canonical; "" for the null path */
	struct str domain;		/* as written, literals with brackets; "" for Postmaster */
	struct ip ip;			/* the address when literal */
	bool null;			/* <> */
	bool literal;			/* domain is an address literal */
	bool routed;			/* a source route was there and has been dropped */
	bool utf8;			/* needs SMTPUTF8 */
};

struct path_rules {
	struct arena *arena;		/* for respelled local parts; required */
	bool utf8;			/* SMTPUTF8 was asked for: RFC 6531 3.3 */
	bool null;			/* <> is allowed (MAIL) */
	bool postmaster;		/* <Postmaster> without a domain is allowed (RCPT, 4.5.1) */
	bool bare;			/* also without angle brackets (never for strangers) */
};

/* Path or Reverse-path, with brackets.  Stands behind '>' afterwards. */
bool take_path(struct cur *c, const struct path_rules *rules, struct path *out, struct perr *err);

/* Mailbox without brackets or route, the whole text: local@domain. */
bool path_parse(struct str text, const struct path_rules *rules, struct path *out,
		struct perr *err);

/* local@domain, "" for the null path; no brackets.  From the arena; NULL slice when it is full. */
struct str path_text(const struct path *p, struct arena *a);
bool path_format(struct buf *b, const struct path *p);

/* The octets of the local part without quotes and backslashes: the name of the mailbox. */
struct str path_local_plain(const struct path *p, struct arena *a);

/* Same mailbox: local parts octet by octet, domains by domain_eq. */
bool path_eq(const struct path *a, const struct path *b);

/* Splits an address that path_text made: at the last '@'.  False without one. */
bool addr_split(struct str text, struct str *local, struct str *domain);

/* Domain: sub-domain *("." sub-domain) of LDH or UTF-8 labels, lengths checked, no final dot. */
bool domain_valid(struct str d, bool utf8);
bool take_domain(struct cur *c, bool utf8, struct str *out, struct perr *err);
/* "[" ... "]"; false, with nothing consumed, when it is no valid address literal. */
bool take_literal(struct cur *c, struct str *out, struct ip *ip);

/* Compares without regard to ASCII case, to a final dot, and between U-label and A-label. */
bool domain_eq(struct str a, struct str b);
/* d is parent or a name below it. */
bool domain_under(struct str d, struct str parent);

/* idna.c: lower-case A-labels (IDNA2008, UTS 46 non-transitional); false when not convertible. */
bool domain_to_ascii(struct str d, struct arena *a, struct str *out);
/* U-labels for display; the text itself where it is none. */
bool domain_to_utf8(struct str d, struct arena *a, struct str *out);

/* Valid UTF-8 without controls, bidirectional controls and invisible formatting. */
bool utf8_address_safe(struct str s);

#endif
