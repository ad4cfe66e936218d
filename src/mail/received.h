/* SPDX-License-Identifier: ISC */
/*
 * received: trace fields, RFC 5321 4.4, "with" words of RFC 3848, 6531, 8314 (TLS clause).
 *
 * The builder lets nothing of a client break the field: foreign octets are reduced to those that
 * may stand in an atom, a domain or a comment.  Lines are folded at 78.
 */
#ifndef MAIL_RECEIVED_H
#define MAIL_RECEIVED_H

#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"
#include "mail/header.h"

#include <stdbool.h>
#include <stdint.h>

struct received {
	struct str helo;		/* what the client called itself; "": none */
	bool has_ip;			/* false: local socket, or hidden */
	struct ip ip;
	struct str ptr;			/* verified name of the client, or "" */
	struct str local_user;		/* local submission: who, or "" */
	struct str by;			/* our name */
	struct str with;		/* received_with */
	struct str id;
	struct str rcpt;		/* "for": only with one recipient, else "" */
	struct str tls_version, tls_cipher, tls_verify;	/* "": no TLS */
	unsigned tls_bits;
	int64_t unix_s;
	int zone_min;
};

struct received_by {
	bool lmtp, extended, tls, auth, utf8;
};
/* "ESMTPSA", "UTF8LMTPS", "SMTP" ...: RFC 3848, 6531 4.3. */
struct str received_with(struct received_by w);

/* Appends "Received: ...\r\n"; false when the buffer is full. */
bool received_format(struct buf *b, const struct received *r);
/* Appends "Return-Path: <...>\r\n". */
bool return_path_format(struct buf *b, struct str sender);

/* A trace field read: clauses as written, comments left out. */
struct received_in {
	struct str from, by, via, with, id, rcpt;
	struct str comment;		/* the first comment after from */
	struct str date;		/* text after the ';' */
	bool valid;			/* clauses in pairs and a date: RFC 5321 4.4, loosely */
};
bool received_parse(struct str value, struct received_in *out);

#endif
