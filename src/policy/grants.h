/* SPDX-License-Identifier: ISC */
/*
 * grants: the seven ways to be allowed to relay, compiled from the configuration.
 *
 * A grant covers a client by one fact only (address, identity, certificate, ...) and may be
 * narrowed by the sender.  Lists are short, and scanned in the order of the file.
 */
#ifndef POLICY_GRANTS_H
#define POLICY_GRANTS_H

#include "conf/config.h"
#include "policy/facts.h"

struct grant_hit {
	bool yes;
	enum grant_kind kind;
	struct str name;		/* file:line */
};

/* Does a grant for sources cover the client?  narrow: the sender must fit sending_as too. */
struct grant_hit grants_source(const struct config *cfg, const struct facts *f, bool narrow);
/* Is the domain one that we relay for? */
struct grant_hit grants_destination(const struct config *cfg, struct str domain);

#endif
