/* SPDX-License-Identifier: ISC */
/*
 * dsn: delivery status notifications, RFC 3464 in the multipart/report of RFC 6522, and 6533.
 *
 * Composes a whole message, header and body, canonical CRLF.  Everything foreign (remote replies,
 * addresses, names) is made harmless on the way in.  The text part is for people and says in plain
 * words what happened.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_rcpt {
	struct str addr;		/* final recipient, local@domain */
	struct str orcpt;		/* "rfc822;..." xtext as received, or "" */
	enum dsn_action action;
	struct str status;		/* "5.1.1" */
	struct str reply;		/* what the remote host said, or our own reason */
	struct str remote_mta;		/* "": reason is ours */
	int64_t last_attempt_s;		/* 0: none */
	int64_t retry_until_s;		/* delayed only; 0: not said */
};

struct dsn {
	struct str reporting_mta;	/* our host name */
	struct str from;		/* address of the From field: postmaster@... */
	struct str to;			/* sender of the original message */
	struct str message_id;		/* local@host, without brackets */
	struct str boundary;		/* unguessable token, made by the caller */
	struct str envid;		/* xtext as received, or "" */
	int64_t now_s, arrival_s;
	int zone_min;
	const struct dsn_rcpt *rcpt;
	size_t nrcpt;
	struct str original;		/* the original message, or as much of it as is at hand */
	bool full;			/* RET=FULL and a failure: all of it, else the header */
	bool utf8;			/* the original was SMTPUTF8: use the RFC 6533 types */
};

/* False when the buffer is full or the arena is. */
bool dsn_format(struct buf *b, const struct dsn *d, struct arena *a);
struct str dsn_action_name(enum dsn_action a);
/* "5.1.1" well-formed with class 2, 4 or 5. */
bool dsn_status_valid(struct str s);

#endif
