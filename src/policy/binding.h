/* SPDX-License-Identifier: ISC */
/*
 * binding: the set of addresses that an identity may write as.
 *
 * A login (AUTH, POP): its own address with any +detail, aliases that lead to it alone, what
 * `may-send` lines give it or a list it is a member of.  A user of this host: user@hostname (root:
 * every own address), the same at the main domain where nobody else has that name, aliases and
 * lines.  A network or certificate: what its grant says behind sending-as, else our own domains.
 *
 * Pure: configuration, facts and tables in, yes or no out.
 */
#ifndef POLICY_BINDING_H
#define POLICY_BINDING_H

#include "policy/grants.h"

enum binding_of {
	BINDING_NONE,			/* nobody we know: not bound, not entitled by identity */
	BINDING_USER,			/* AUTH or POP login */
	BINDING_UID,			/* local socket */
};

enum binding_of binding_of(const struct facts *f);
/* The identity's name, for replies and logs: "alice@example.org", "uid 33". */
struct str binding_name(const struct facts *f, char room[32]);
/* May the session's identity write as local@domain?  FIND_LATER: a table cannot be asked. */
enum find binding_covers(const struct policy *p, const struct facts *f, struct str local,
    struct str domain);
/* May that login, whatever the session? */
enum find binding_user_covers(const struct policy *p, struct str user, struct str local,
    struct str domain);
/* Does the grant allow that sender? */
bool binding_narrow(const struct policy *p, const struct grant_hit *g, struct str local,
    struct str domain);

#endif
