/* SPDX-License-Identifier: ISC */
/*
 * dnsbl: lists of addresses that are asked by DNS (RFC 5782), and whether a list can be believed.
 *
 * 1. A list speaks for a family only after it passed its test: it lists 127.0.0.2 and not
 *    127.0.0.1 (::FFFF:7F00:2 and ::FFFF:7F00:1 for IPv6).  RFC 5782 5.  Tested again hourly, a
 *    list that failed after ten minutes.
 * 2. Only answers in 127.0.0.0/8 count, never those in 127.255.255.0/24: such an answer is the
 *    operator's word that we may not ask, one outside 127/8 comes from a parked zone.
 * 3. A list that cannot be had is passed over; after five failures in a row it is left alone for
 *    a minute.  No failure makes anybody listed.
 *
 * A list's state belongs to the caller; coroutines of one loop may share it.
 */
#ifndef TRUST_DNSBL_H
#define TRUST_DNSBL_H

#include "base/ip.h"
#include "trust/ask.h"

enum dnsbl { DNSBL_CLEAR, DNSBL_LISTED, DNSBL_UNKNOWN };
enum dnsbl_trust { DNSBL_UNTESTED, DNSBL_GOOD, DNSBL_BAD };

struct dnsbl_test {
	enum dnsbl_trust trust;
	int64_t again_ms;
};

struct dnsbl_list {
	struct str zone;		/* without a final dot */
	unsigned weight;
	struct dnsbl_test test[2];	/* IPv4, IPv6 */
	unsigned failures;		/* in a row */
	int64_t rest_until_ms;		/* not asked before */
};

struct dnsbl_ask {
	struct dnsbl_list *list;
	size_t n;
	unsigned enough;		/* no more lists are asked at that score; 0: all are */
	struct ip ip;
	struct trust_dns *dns;
	int64_t now_ms;
};

struct dnsbl_hit {
	unsigned score;
	struct str zone;		/* the first list that has the address; empty: none */
	struct str text;		/* its reason, fit for a reply; may be empty */
};

enum { DNSBL_TEXT_MAX = 200 };

/* Where the zone keeps what it knows of ip; empty: no memory. */
struct str dnsbl_name(struct ip ip, struct str zone, struct arena *a);
/* What those records say. */
enum dnsbl dnsbl_answer(enum dns res, const struct dns_answer *ans);
/* Asks one list, its test included where due; reason may be NULL.  suspends */
enum dnsbl dnsbl_look(const struct dnsbl_ask *q, struct dnsbl_list *l, struct arena *a,
    struct str *reason);
/* Asks the lists in order.  Private and loopback addresses are on none.  suspends */
void dnsbl_score(const struct dnsbl_ask *q, struct arena *a, struct dnsbl_hit *out);

#endif
