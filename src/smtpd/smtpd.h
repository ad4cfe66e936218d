/* SPDX-License-Identifier: ISC */
/*
 * smtpd: one worker that receives mail: what all its sessions share.
 *
 * 1. Nothing is promised before the spool has it on stable storage.
 * 2. What a client may do is policy's answer; what a recipient is, is asked through ops.
 * 3. One owner: whoever called smtpd_new.  All sessions have ended before smtpd_free.
 *
 * The role (role.c), `postern smtpd --stdio` and the tests each wire the same worker to their own
 * listeners, spool and look-ups.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "conf/config.h"
#include "ipc/ipc.h"
#include "policy/decide.h"
#include "rt/conn.h"
#include "rt/group.h"
#include "spool/writer.h"
#include "tls/server.h"

struct limiter;
struct replay;
struct peer_count;
struct dns_ops;
struct tables;

struct smtpd_ops {
	/* What that address is here.  suspends; DEST_LATER when it cannot be told now. */
	enum dest (*dest)(void *ctx, const struct path *p, struct arena *a);
	/* One of ours: does it have no mailbox here, only aliases that lead away?  suspends;
	 * NULL: all have one */
	bool (*leaves)(void *ctx, const struct path *p, struct arena *a);
	/* Name of a user of this host, in the arena; NULL, or empty: not known.  suspends */
	struct str (*uid_name)(void *ctx, uint32_t uid, struct arena *a);
	/* NULL, or: waits a short while for the first tables.  suspends */
	void (*first_tables)(void *ctx);
	const struct tables *tables;	/* for policy; NULL: none */
	const struct dns_ops *dns;	/* NULL: nothing is looked up */
	void *ctx;
};

/* Vault, for AUTH: sends m (auth_begin, auth_step) and waits for the answer; auth_abort has none
 * (both NULL).  suspends.  False: nobody answered. */
struct smtpd_auth {
	bool (*ask)(void *ctx, enum msg_type type, const void *m, struct msg_auth_answer *answer,
	    struct arena *a);			/* NULL: AUTH is offered nowhere */
	void *ctx;
};

/* Vault, for addresses of the sender rewriting scheme. */
struct smtpd_srs {
	/* Did we make this address at our domain?  suspends.  NULL: there are none. */
	enum srs_fact (*judge)(void *ctx, struct str address, struct str domain);
	/* Did we tag this address?  suspends */
	enum srs_fact (*tag)(void *ctx, struct str address);
	void *ctx;
};

/* The public halves of our own DKIM keys. */
struct smtpd_keys {
	/* SubjectPublicKeyInfo, or 32 octets of Ed25519; empty: not ours.  NULL: none are known. */
	struct str (*own)(void *ctx, struct str domain, struct str selector);
	void *ctx;
};

/* Vault, for DKIM signatures of mail that is handed in. */
struct smtpd_sign_ask {
	struct str domain, selector;
	uint8_t grant;			/* 0: by login; else enum grant_kind plus one */
	struct str identity, token;
	struct str block;		/* the canonical header */
	int local;			/* socket of a program of this host, or -1 */
};
struct smtpd_sign {
	/* Appends the signature.  suspends.  False: *refused says whether vault said no, or could
	 * not be asked.  NULL: nothing is signed. */
	bool (*ask)(void *ctx, const struct smtpd_sign_ask *q, struct buf *signature,
	    bool *refused);
	bool (*is_ed25519)(void *ctx, struct str domain, struct str selector);	/* suspends */
	void *ctx;
};

/* Connections to filters, by number in the configuration. */
struct filter_ops {
	/* suspends; NULL: *why */
	struct conn *(*open)(void *ctx, size_t filter, int64_t deadline, enum io *why);
	void *ctx;
};

struct smtpd {
	const struct config *cfg;
	const struct limits *lim;
	struct policy *policy;
	struct spool_writer *sw;
	struct smtpd_ops ops;
	struct filter_ops filter_ops;	/* the caller's, set after smtpd_new */
	struct limiter *limiter;
	struct smtpd_auth auth;
	struct smtpd_keys keys;		/* the caller's, set after smtpd_new */
	struct smtpd_srs srs;		/* the caller's, set after smtpd_new */
	struct smtpd_sign sign;		/* the caller's, set after smtpd_new */
	struct tls_server *tls;		/* the caller's; NULL: no listener speaks TLS */
	struct group *sessions;
	struct link visits;		/* struct session, all of them */
	uint64_t live[4];		/* sessions by listener kind */
	uint64_t serial;		/* of sessions, for the log */
	uint64_t accepted, refused, served, filtered;	/* filtered: a filter said no */
	uint64_t tls_verify[TV_COUNT];	/* sessions by what their TLS came to */
	struct replay *replay;		/* signatures seen; made with the first one */
	int accepted_fd;		/* the test profile's file, or -1 */
	bool draining;
};

/* A client at the door. */
struct visit {
	struct smtpd *srv;
	const struct listener *listener;
	struct conn *c;			/* becomes the session's */
	bool have_ip, have_server_ip, have_uid;
	struct ip ip, server_ip;
	uint16_t port;
	uint32_t uid;			/* Unix socket: whose */
	bool patient;			/* a pipe, not a network: may speak before the greeting */
	const struct visit_assumed *assumed;	/* for explanations, see visit.h; NULL: nothing */
};

/* cfg outlives the worker; sw and ops.ctx are the caller's. */
struct smtpd *smtpd_new(const struct config *cfg, struct spool_writer *sw,
    const struct smtpd_ops *ops);
/* Cancels what still lives.  suspends */
void smtpd_free(struct smtpd *srv);

/* Serves one client to its end, on the caller's coroutine.  Closes v->c.  suspends */
void smtpd_visit(const struct visit *v);

/* Starts a session for it as a child of the worker.  False: no memory; v->c is closed. */
bool smtpd_visit_go(const struct visit *v);

/* No new transactions: idle sessions hear 421 now, the others after their present message. */
void smtpd_drain(struct smtpd *srv);

#endif
