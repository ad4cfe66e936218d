/* SPDX-License-Identifier: ISC */
/*
 * expand: from an accepted recipient to the mailboxes and servers it means.  queue only.
 *
 * 1. A recipient at another server that the client did not name itself is made here and nowhere
 *    else, and carries who made it: the administrator's alias, a confirmed forward, or a verified
 *    SRS address.  Nothing in a message or an SMTP session can make one.
 * 2. Bounded by alias-depth and expansion; loops are found, each recipient comes out once.
 */
#ifndef ROUTE_EXPAND_H
#define ROUTE_EXPAND_H

#include "route/ask.h"
#include "route/maker.h"

enum goal_kind {
	GOAL_MAILDIR,			/* by local */
	GOAL_LMTP,			/* nexthop: host:port or /path */
	GOAL_SMTP,			/* nexthop: domain (its MX), host:port or [ip]:port */
	GOAL_DISCARD,
	GOAL_PROGRAM, GOAL_FILE,	/* text; refused for good by this version */
	GOAL_ERROR,			/* text: "550 5.1.1 gone" */
};

struct goal {
	enum goal_kind kind;
	struct maker maker;		/* of remote recipients */
	bool inside;			/* SMTP: to a domain that we relay for */
	struct str of;			/* made by a forward of that user of ours, or ... */
	bool unless;			/* ... that user's mailbox, if no forward takes it */
	struct str addr;		/* final recipient, user@domain */
	struct str nexthop, text;
	const struct domain *domain;	/* of MAILDIR and LMTP by a domain of ours */
	struct str user, detail;	/* ... */
	struct str sender;		/* owner-NAME@domain for lists, empty: unchanged; a null
					 * sender stays null whatever stands here */
};

enum expand {
	EXPAND_OK,
	EXPAND_UNKNOWN,			/* 550 5.1.1: gone since it was accepted */
	EXPAND_LOOP,			/* 554 5.4.6 */
	EXPAND_TOO_MANY,		/* 554 5.3.4 */
	EXPAND_LATER,			/* a table cannot be asked: try again */
};

struct expansion {
	struct goal *goal;		/* the arena's */
	size_t ngoal;
	struct str at;			/* the address at which it failed */
};

/* addr: what was accepted, user@domain.  sender decides nothing; suspends for system users. */
enum expand route_expand(const struct route *r, struct str addr, struct arena *a,
    struct expansion *out);

/* The same for a sender that we rewrote: to the one it was made from, wherever that is. */
enum expand route_expand_srs(const struct route *r, const struct srs_verified *v, struct arena *a,
    struct expansion *out);

/* Do all mailboxes of that address of ours lie elsewhere?  For smtpd, which learns no more of where
 * mail goes.  False also when it cannot be told now.  suspends for system users */
bool route_leaves(const struct route *r, const struct path *p, struct arena *a);

/* Where mail for a domain that is not ours goes; fills in kind, nexthop, text.  False: the routes
 * file cannot be asked now. */
bool route_nexthop(const struct route *r, struct str domain, struct arena *a, struct goal *out);
/* The same for a hop by its word ("via" of a relay grant); false: no hop. */
bool route_goal_of_word(struct str word, struct arena *a, struct goal *out);

#endif
