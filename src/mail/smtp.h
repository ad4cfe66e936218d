/* SPDX-License-Identifier: ISC */
/*
 * smtp: the command lines of SMTP and LMTP, RFC 5321 4.1, and their parameters.
 *
 * Parses once into typed values; nobody looks at the line again.  Slices point into the line or,
 * where something was decoded, into the arena.  Knows no session: whether a command is in order
 * now is for smtpd to say; what was announced comes in as a set of extensions.
 */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include "base/arena.h"
#include "base/cur.h"
#include "base/str.h"
#include "mail/path.h"

#include <stdbool.h>
#include <stdint.h>

enum smtp_verb {
	SMTP_UNKNOWN,
	SMTP_HELO, SMTP_EHLO, SMTP_LHLO, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_BDAT, SMTP_RSET,
	SMTP_NOOP, SMTP_QUIT, SMTP_VRFY, SMTP_EXPN, SMTP_HELP, SMTP_STARTTLS, SMTP_AUTH,
	SMTP_XCLIENT, SMTP_ETRN, SMTP_ATRN, SMTP_BURL,
	SMTP_OBSOLETE,			/* SEND SOML SAML TURN: 502, RFC 5321 appendix F */
	SMTP_FOREIGN,			/* GET POST CONNECT ...: another protocol speaks, close */
};

struct smtp_cmd {
	enum smtp_verb verb;
	struct str word;		/* as written */
	struct str args;		/* after the word, without surrounding white space */
	bool trailing;			/* white space stood at the end of the line */
};

/* Never fails: what it does not know is SMTP_UNKNOWN.  line has no CRLF. */
struct smtp_cmd smtp_cmd_parse(struct str line);
struct str smtp_verb_name(enum smtp_verb v);

/* What was announced, or what a peer announced. */
enum smtp_ext {
	EXT_PIPELINING = 1 << 0, EXT_SIZE = 1 << 1, EXT_8BITMIME = 1 << 2, EXT_SMTPUTF8 = 1 << 3,
	EXT_CHUNKING = 1 << 4, EXT_BINARYMIME = 1 << 5, EXT_DSN = 1 << 6, EXT_ENHANCED = 1 << 7,
	EXT_STARTTLS = 1 << 8, EXT_AUTH = 1 << 9, EXT_REQUIRETLS = 1 << 10, EXT_LIMITS = 1 << 11,
	EXT_XCLIENT = 1 << 12, EXT_ETRN = 1 << 13, EXT_VRFY = 1 << 14, EXT_HELP = 1 << 15,
};

enum smtp_body { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum smtp_ret { RET_NONE, RET_FULL, RET_HDRS };
enum smtp_notify {			/* a set; 0: not said */
	NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8,
};

struct mail_args {
	struct path path;
	uint64_t size;			/* when has_size */
	enum smtp_body body;
	enum smtp_ret ret;
	struct str envid;		/* xtext as written, checked; decode with xtext_decode */
	struct str auth;		/* decoded: a mailbox, or "<>"; RFC 4954 5 */
	bool has_size, has_body, has_auth, smtputf8, requiretls;
};

struct rcpt_args {
	struct path path;
	unsigned notify;		/* enum smtp_notify */
	struct str orcpt;		/* "rfc822;..." as written, checked; RFC 3461 4.2, 6533 */
};

/* HELO, EHLO or LHLO argument: a domain or an address literal. */
struct hello_args {
	struct str name;
	struct ip ip;
	bool literal;
	bool sloppy;			/* no name by RFC 5321 (underscore ...), but harmless */
};

struct smtp_rules {
	struct arena *arena;
	unsigned ext;			/* enum smtp_ext announced: others' parameters are 555 */
	bool utf8;			/* RCPT: the transaction's MAIL had SMTPUTF8 */
};

bool smtp_hello_parse(struct str args, struct hello_args *out, struct perr *err);
bool smtp_mail_parse(struct str args, const struct smtp_rules *r, struct mail_args *out,
		     struct perr *err);
bool smtp_rcpt_parse(struct str args, const struct smtp_rules *r, struct rcpt_args *out,
		     struct perr *err);
/* BDAT size [LAST], RFC 3030 2. */
bool smtp_bdat_parse(struct str args, uint64_t *size, bool *last, struct perr *err);
/* AUTH mechanism [initial-response]; initial is NULL without one, "" for "=". RFC 4954 4. */
bool smtp_auth_parse(struct str args, struct str *mech, struct str *initial, struct perr *err);

/* XCLIENT attributes, one a call; value decoded; [UNAVAILABLE] and [TEMPUNAVAIL] as they are. */
bool take_xclient(struct cur *c, struct arena *a, struct str *name, struct str *value);

/* RFC 3461 4: decodes; false when malformed.  RFC 6533 3: the UTF-8 forms \x{HEX}. */
bool xtext_decode(struct str in, struct arena *a, struct str *out);
bool xtext_encode(struct buf *b, struct str in);
bool utf8_xtext_decode(struct str in, struct arena *a, struct str *out);
bool utf8_xtext_encode(struct buf *b, struct str in);

#endif
