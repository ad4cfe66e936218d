/* SPDX-License-Identifier: ISC */
/*
 * ask: what a recipient is.  smtpd asks this at RCPT and never learns where the mail will go.
 *
 * 1. Pure but for system users, which are asked of lookup through route_ops.
 * 2. postmaster always exists: bare, at each of our domains, at our host name, at our addresses.
 * 3. Local parts of our domains are compared without regard to case; a detail (user+detail) is
 *    split off and kept.  A local part is otherwise opaque: no %, ! or @ in it is a route.
 */
#ifndef ROUTE_ASK_H
#define ROUTE_ASK_H

#include "base/arena.h"
#include "conf/config.h"
#include "mail/path.h"
#include "table/tables.h"

enum rcpt_class {
	RCPT_LOCAL,			/* a user or alias of a domain of ours */
	RCPT_VIRTUAL,			/* by virtusers or the catch-all of a domain of ours */
	RCPT_RELAYED,			/* a domain we relay for (relay to domain) */
	RCPT_REMOTE,			/* somebody else's */
	RCPT_UNKNOWN,			/* ours, and nobody there */
	RCPT_DISABLED,
	RCPT_LATER,			/* a table or lookup cannot be asked now */
};

struct route_ops {
	/* A system user, by name in lower case.  suspends */
	enum find (*user_find)(void *arg, struct str name, struct user_entry *out,
	    struct arena *a);
	/* Name of a user of this host, from the arena; NULL, or empty: not known.  suspends */
	struct str (*uid_name)(void *arg, uint32_t uid, struct arena *a);
	/* NULL, or: waits a short while for the first image, just after the start.  suspends */
	void (*first)(void *arg);
	void *arg;
};

struct route {
	const struct config *cfg;
	struct tables tables;
	struct route_ops ops;		/* user_find NULL: system users are RCPT_LATER */
	const struct ip *own;		/* addresses of ours for literals, besides listeners' */
	size_t nown;
};

struct route_answer {
	enum rcpt_class class;
	const struct domain *domain;	/* of ours; NULL for relayed and remote */
	const struct grant *grant;	/* RELAYED: by which line */
	struct str user, detail;	/* of ours: lower case, the arena's */
	struct str text;		/* UNKNOWN: a reply the table asks for ("550 5.1.1 gone") */
};

/* suspends where system users are asked, and while there is no image yet */
void route_rcpt(const struct route *r, const struct path *p, struct arena *a,
    struct route_answer *out);

const char *rcpt_class_name(enum rcpt_class c);

#endif
