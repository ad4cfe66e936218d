/* SPDX-License-Identifier: ISC */
/*
 * grants: the seven ways to be allowed to relay: lines of the configuration and RELAY lines of the
 * access map.
 *
 * A grant covers a client by one fact only (address, identity, certificate, ...) and may be
 * narrowed by the sender.  Lines are few and scanned in the order of the file; the map is asked
 * after them.
 */
#ifndef POLICY_GRANTS_H
#define POLICY_GRANTS_H

#include "conf/config.h"
#include "policy/decide.h"

struct grant_hit {
	bool yes;
	enum grant_kind kind;
	struct str name;		/* "file:line", or the access map's file */
	unsigned line;			/* of the access map; 0: name says it all */
	const struct grant *line_of;	/* of the configuration; NULL: access map, local socket */
};

/* Does that line cover the client, whatever the sender? */
bool grant_covers(const struct grant *g, const struct facts *f);
/* Does a grant for sources cover the client?  narrow: the sender must fit it too. */
struct grant_hit grants_source(const struct policy *p, const struct facts *f, bool narrow);
/* Is the recipient in a domain (or an address) that we relay for? */
struct grant_hit grants_destination(const struct policy *p, const struct path *rcpt);

#endif
