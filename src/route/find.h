/* SPDX-License-Identifier: ISC */
/*
 * find: the single questions that ask and expand share: whose domain, which alias, which user.
 *
 * A packed list of an alias stands in the image, which may be replaced while somebody waits: who
 * needs it longer than until the next suspension copies it.  Lists can be long.
 */
#ifndef ROUTE_FIND_H
#define ROUTE_FIND_H

#include "route/ask.h"
#include "route/maker.h"

/* A local part of a domain of ours. */
struct mailname {
	const struct domain *domain;
	struct str local;		/* as accepted, canonical spelling */
	struct str whole;		/* plain octets, lower case, detail included */
	struct str user, detail;	/* whole split at the domain's separator */
	bool virtual;			/* find_virtuser found it */
};

/* Our domain of that path: by name, by host name, by an address of ours; NULL: not ours. */
const struct domain *find_domain(const struct route *r, const struct path *p, struct arena *a);
/* The relay grant for a domain; NULL: none. */
const struct grant *find_destination(const struct config *cfg, struct str domain);
bool is_own_address(const struct route *r, struct ip ip);

/* Fills in all but domain.  False: the arena is full. */
bool mailname_make(struct mailname *m, const struct path *p, struct arena *a);

enum find find_virtuser(const struct route *r, struct mailname *m, struct arena *a,
    struct str *packed);
enum find find_alias(const struct route *r, const struct mailname *m, struct arena *a,
    struct str *packed);
/* The n-th confirmed forward of a user that was found; only: without a copy here. */
enum find find_forward(const struct route *r, const struct mailname *m, unsigned n,
    struct arena *a, struct forward_confirmed *out, bool *only);
/* The user, whole first, then without detail (m->user says which).  suspends for system users */
enum find find_user(const struct route *r, struct mailname *m, struct user_entry *out,
    struct arena *a);

#endif
