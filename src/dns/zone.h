/* SPDX-License-Identifier: ISC */
/*
 * zone: DNS from a text file instead of the network, for the diagnosis verbs (--zone) and tests.
 *
 * One record a line, absolute names; `owner [ttl] [IN] TYPE rdata`.  Failures are lines too:
 * TIMEOUT SERVFAIL REFUSED BOGUS NXDOMAIN NODATA, then the types they hold for, or '*'.
 * $SECURE yes|no marks what follows as proved by DNSSEC, $DEFAULT WORD answers for names not
 * listed.  Wildcards as in RFC 4592, aliases are followed up to eight times.  Nothing waits.
 *
 * A zone owns all its memory until zone_free; answers are copies in the caller's arena.
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "dns/dns.h"

struct dns_zone;

struct dns_zone_error {
	unsigned line;
	char what[96];
};

/* NULL: a line could not be read, *err says which; or no memory. */
struct dns_zone *dns_zone_new(struct str text, struct dns_zone_error *err);
void dns_zone_free(struct dns_zone *z);

/* Lives as long as z.  Does not suspend. */
const struct dns_ops *dns_zone_ops(struct dns_zone *z);
/* Questions asked so far. */
unsigned dns_zone_queries(const struct dns_zone *z);
void dns_zone_reset_queries(struct dns_zone *z);

#endif
