/* SPDX-License-Identifier: ISC */
/*
 * client: one connection to an SMTP or LMTP server, from its greeting to QUIT.
 *
 * 1. Every phase has an absolute deadline; replies are bounded (mail/reply_read.h).
 * 2. A 421, a broken or timed-out connection and a reply that is not SMTP make it dead:
 * nothing more
 *    is said on it, and *trouble says what happened in which phase.
 * 3. What the server said is foreign text: it is sanitised before it goes anywhere.
 *
 * Owns its connection.  STARTTLS has its place between EHLO and the first transaction
 * (client_secure).
 */
#ifndef SMTPC_CLIENT_H
#define SMTPC_CLIENT_H

#include "base/buf.h"
#include "conf/limits.h"
#include "rt/conn.h"
#include "smtpc/plan.h"

struct client_conf {
	const struct limits *lim;
	struct str hostname;
	bool lmtp;
	bool routed;			/* to ourselves is allowed */
};

struct client {
	struct conn *c;
	const struct client_conf *conf;
	struct arena arena;		/* of the connection's life */
	struct ehlo ehlo;
	unsigned ext;			/* of ehlo, less what proved broken */
	struct str mta;			/* "mx.example [192.0.2.1]" */
	struct buf out;			/* commands not yet written */
	const char *phase;		/* for texts: what we wait for */
	bool dead;
	bool secured;			/* under TLS */
	bool reset_first;		/* a transaction is open that we gave up */
	bool no_chunking;		/* it refused BDAT although it announced it */
	bool after_body;		/* our message is out,
	    whole: its fate is unknown if lost now */
	struct trouble trouble;		/* once dead */
	uint64_t messages;
	int64_t born_ms;
};

/* Takes the connection; says nothing yet. */
void client_init(struct client *k, struct conn *c, const struct client_conf *conf,
    const struct target *t);
/* Greeting, EHLO (HELO, LHLO).  False: k->trouble, and the connection is of no use.  suspends */
bool client_hello(struct client *k);
/* QUIT without waiting for more than a moment, when the connection still lives; closes.
 * suspends */
void client_quit(struct client *k);
/* Closes at once and frees. */
void client_done(struct client *k);

/* Writes k->out.  suspends */
bool client_flush(struct client *k);
/* One whole reply within ms, its texts in a.  False: dead.  A 421 is given as a reply, and the
 * connection is dead with it.  suspends */
bool client_reply(struct client *k, int64_t ms, struct arena *a, struct reply_in *r);
/* The connection is of no use any more. */
bool client_die(struct client *k, struct trouble t);
bool client_die_io(struct client *k, enum io io);

#endif
