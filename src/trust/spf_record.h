/* SPDX-License-Identifier: ISC */
/*
 * spf_record: the text of an SPF record as typed terms, RFC 7208 4.6 and 12.
 *
 * The whole record is read before any term is evaluated: a mistake anywhere is a permerror (4.6).
 * Pure; slices point into the text, the list lies in the arena.
 */
#ifndef TRUST_SPF_RECORD_H
#define TRUST_SPF_RECORD_H

#include "base/arena.h"
#include "base/ip.h"
#include "trust/result.h"

enum spf_mech { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_term {
	enum spf_mech mech;
	enum auth_result qualifier;
	struct str text;		/* as written */
	struct str spec;		/* domain-spec; empty: the domain itself */
	struct net net;			/* ip4, ip6 */
	unsigned bits4, bits6;		/* a, mx */
};

struct spf_record {
	struct spf_term *term;
	size_t n;
	struct str redirect, exp;	/* p NULL: none */
	uint64_t reach;			/* IPv4 addresses that its ip4 terms name */
};

/* Is that TXT record one of SPF (4.5)? */
bool spf_record_is(struct str text);
/* False: *why, constant text. */
bool spf_record_parse(struct str text, struct arena *a, struct spf_record *out, const char **why);

/* macro-string (7.1); explain: the letters c, r and t too. */
bool spf_macro_valid(struct str s, bool explain);

#endif
