/* SPDX-License-Identifier: ISC */
/*
 * nurse: what lookup and its children say to each other, and the children's side.
 *
 * One SOCK_SEQPACKET datagram each way: the head, then its texts one after the other.  Both ends
 * are the same program, but the head is checked all the same.
 */
#ifndef SASL_NURSE_H
#define SASL_NURSE_H

#include "sasl/sasl.h"

enum nurse_op {
	NURSE_HASH = 1,			/* scheme, hash, password */
	NURSE_CHECK,			/* local, password */
	NURSE_FIND,			/* local */
	NURSE_KRB,			/* token */
	NURSE_KRB_END,
	NURSE_DIED,			/* the nursery's word: the child is another one now */
};

enum { NURSE_TEXTS = 3, NURSE_FRAME = 40 << 10, NURSE_LIMIT_S = 15 };

struct nurse_head {
	uint32_t op, serial;
	uint32_t domain;		/* number in the configuration */
	uint32_t answer;		/* enum cred, of NURSE_KRB enum sasl */
	uint64_t exchange;
	struct ip peer;
	uint32_t first;
	uint32_t n[NURSE_TEXTS];
};

struct nurse_frame {
	struct nurse_head head;
	struct str text[NURSE_TEXTS];	/* into room */
	char room[NURSE_FRAME];
};

/* False: does not fit. */
bool nurse_pack(struct nurse_frame *f, const struct nurse_head *head,
    const struct str text[NURSE_TEXTS], size_t *total);
/* total octets of room hold head and texts.  False: malformed. */
bool nurse_unpack(struct nurse_frame *f, size_t total);

/* ---- in the children ---- */

/* Body of a child; never returns. */
_Noreturn void nurse_run(int fd, const struct config *cfg, bool pam);

/* One back end each; blocking, bounded by NURSE_LIMIT_S.  stored gets "{SCHEME}hash". */
enum cred backend_pam(const struct domain *d, struct str local, struct str password,
    const struct ip *peer);
enum cred backend_dovecot(const struct config *cfg, const struct domain *d, struct str local,
    struct str password, const struct ip *peer);
enum cred backend_ldap(const struct domain *d, struct str local, struct str password);
enum cred backend_sqlite(const struct domain *d, struct str local, struct buf *stored);
enum cred backend_postgresql(const struct domain *d, struct str local, struct buf *stored);
/* reply gets the token; on SASL_OK name and authzid are given. */
enum sasl backend_krb(const struct config *cfg, uint64_t exchange, bool first, struct str in,
    struct buf *reply, struct buf *name, struct buf *authzid);
void backend_krb_end(uint64_t exchange);

/* A back end's file of "name = value" lines, secret. */
struct backend_file {
	struct buf text;
	struct str connect, query;		/* SQL */
	struct str uri, base, filter, bind_dn, bind_password, user_dn;	/* LDAP */
	struct str starttls;
};
bool backend_file_read(struct backend_file *f, struct str path);
/* Appends tmpl with %u local part, %d domain, %w whole; each put by put. */
bool backend_expand(struct buf *out, struct str tmpl, struct str local, struct str domain,
    bool (*put)(struct buf *out, struct str value));

#endif
