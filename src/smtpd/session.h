/* SPDX-License-Identifier: ISC */
/*
 * session: one client's visit, and the transaction in it.
 *
 * 1. struct session lives on its coroutine's stack and is small: thousands of them wait at once.
 * 2. A transaction exists only between MAIL and its end; tx_reset is the only end, whatever the
 *    reason (accepted, refused, RSET, HELO, STARTTLS, AUTH, a lost connection).
 * 3. Three memories: `line` is emptied after each command, `mem` with the transaction; what the
 *    session itself keeps has its place in the struct.
 * 4. A command handler returns its reply; session_run writes, logs and counts it.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "mail/dotstuff.h"
#include "mail/header.h"
#include "mail/reply.h"
#include "mail/smtp.h"
#include "smtpd/section.h"
#include "smtpd/smtpd.h"

enum { HELO_MAX = 255, TX_MEMORY = 8 << 20, LINE_MEMORY = 128 << 10 };

struct signing;

struct tx {
	struct mail_args m;		/* slices in session.mem */
	struct str sender;		/* text of the path */
	struct spool_rcpt *rcpt;
	size_t nrcpt, rcpt_cap;
	struct path last;		/* the recipient being judged */
	struct str rule, why;		/* of the grant under which it relays */
	struct marks mark;		/* policy: take it and drop it, or keep it back */
	struct section sec;		/* header section, as it will be stored */
	struct str head;		/* ... as it came, where it is looked at */
	uint32_t found;			/* enum found, for the record */
	struct signing *sign;		/* NULL: nothing is signed */
	struct str junk;		/* rule by which it goes to Junk; empty: it does not */
	/* content */
	struct spool_draft *draft;
	enum spool store;		/* SPOOL_OK while the draft takes what comes */
	struct dot_in dot;
	struct header_scan header;
	struct content_facts content;
	bool srs_taken;			/* the one recipient is the way back of a bounce */
	bool begun;			/* DATA or the first BDAT came */
	bool chunked;			/* ... it was BDAT */
	bool mend_cr;			/* normalising: the last octet was CR */
	char tail[2];			/* last two octets of the content */
	struct buf copy;		/* test profile: the content again */
};

/* A client that has said who it is, and vault's word for it. */
struct login {
	char user[512], token[128];
	size_t token_n;
};

struct filters;
struct checked;

struct session {
	struct smtpd *srv;
	const struct limits *lim;
	const struct listener *listener;
	struct conn *c;
	struct co *co;
	struct link link;		/* in srv->visits */
	struct tx *tx;
	struct filters *filters;	/* NULL: nobody watches */
	struct checked *checked;	/* who writes; NULL: not asked */
	struct arena line, mem;
	struct facts f;
	struct login *login;		/* NULL: nobody; see session_logout */
	struct peer_count *peer;	/* our place in the limiter */
	uint64_t serial;
	uint32_t commands, noops, errors, messages, unknown, auth_failures;
	unsigned ext;			/* enum smtp_ext announced */
	uint16_t port;
	bool counted;			/* in srv->live */
	bool helo_seen, extended;	/* HELO or more; EHLO or LHLO */
	bool utf8_reply;
	bool waiting;			/* for a command, and nothing else */
	bool mend;			/* bare LF of this peer is mended */
	bool patient;
	bool unworthy;			/* its certificate does not do: nothing but QUIT */
	struct marks mark;		/* of the connection, for all its messages */
	char helo[HELO_MAX + 1];
	char host[256];			/* f.id.host lies here */
	char uid_name[33];		/* f.id.uid_name lies here */
};

/* Writes one reply into the output buffer.  suspends only when that is full. */
void session_reply(struct session *s, const struct reply *r);
/* The verdict's reply, its words completed; logs a refusal with its rule, and what observed rules
 * would have done. */
struct reply session_verdict(struct session *s, const struct verdict *v);
/* Everything the client said about itself is forgotten (RFC 3207 4.2, XCLIENT). */
void session_forget(struct session *s);

/* cmd_hello.c */
struct reply on_hello(struct session *s, enum smtp_verb verb, struct str args);
/* cmd_mail.c; suspends */
struct reply on_mail(struct session *s, struct str args);
/* cmd_rcpt.c; suspends */
struct reply on_rcpt(struct session *s, struct str args);
/* A recipient was taken by that verdict: why, and what becomes of the message. */
void rcpt_taken(struct session *s, const struct verdict *v);
/* cmd_data.c; suspend */
struct reply on_data(struct session *s, struct str args);
struct reply on_bdat(struct session *s, struct str args);
/* cmd_misc.c */
struct reply on_rset(struct session *s, struct str args);
struct reply on_noop(struct session *s);
struct reply on_quit(struct session *s, struct str args);
struct reply on_vrfy(struct session *s, struct str args);
struct reply on_expn(struct session *s);
struct reply on_help(struct session *s);
struct reply on_unknown(struct session *s, enum smtp_verb verb);
/* cmd_tls.c; suspend */
struct reply on_starttls(struct session *s, struct str args);
/* Could it begin TLS by STARTTLS now? */
bool session_may_starttls(const struct session *s);
/* Does its listener speak TLS from the first byte, or ask for it before mail? */
bool session_implicit_tls(const struct session *s);
bool session_needs_tls(const struct session *s);
/* The handshake, and what came of it into the facts.  False: the connection is of no use. */
bool session_secure(struct session *s);
/* cmd_auth.c; suspends */
struct reply on_auth(struct session *s, struct str args);
/* What could be offered to it inside TLS: set of MECH_BIT. */
unsigned session_mechanisms(const struct session *s);
void session_announce_auth(const struct session *s, struct buf *b);
void session_logout(struct session *s);
/* cmd_xclient.c */
struct reply on_xclient(struct session *s, struct str args);

#include "smtpd/content.h"

#endif
