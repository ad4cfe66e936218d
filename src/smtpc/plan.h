/* SPDX-License-Identifier: ISC */
/*
 * plan: where a next hop's servers are, in the order they should be tried.  RFC 5321 5.1, 7505.
 *
 * 1. Mail never goes to ourselves, to loopback or to an address of no host, unless a table says so:
 *    a next hop with a port ("host:port", "[ip]:port") or a path comes from a table only.
 * 2. Every list is capped; what DNS says can cost no more than that.
 * 3. Either there is at least one target, or *trouble says why not and whether for ever.
 *
 * Pure but for the questions it asks through dns_ops; results live in the caller's arena.
 */
#ifndef SMTPC_PLAN_H
#define SMTPC_PLAN_H

#include "base/arena.h"
#include "base/ip.h"
#include "dns/dns.h"
#include "smtpc/outcome.h"

enum {
	PLAN_HOSTS_MAX = 20,		/* mail exchangers looked at */
	PLAN_PER_HOST_MAX = 6,		/* addresses of one of them */
	PLAN_TARGETS_MAX = 16,
};

/* Who we are. */
struct self {
	struct str hostname;
	struct ip *ip;
	size_t nip;
	bool v6;			/* the machine can reach IPv6 hosts */
};

struct target {
	struct str host;		/* name of the server, as DNS or the table has it */
	struct ip ip;
	uint16_t port;
	uint16_t pref;
	struct str path;		/* Unix socket instead of ip and port */
	bool secure;			/* DNSSEC proved MX and address: DANE may be asked for */
};

struct plan {
	struct target *target;
	size_t n;
	bool routed;			/* a table named it: no check against ourselves */
	struct trouble trouble;		/* when n is 0 */
};

struct plan_ask {
	struct str nexthop;		/* as in struct job */
	bool lmtp;
	const struct dns_ops *dns;
	const struct self *self;
	int64_t deadline;
	uint64_t (*random)(void *ctx, uint64_t below);
	void *ctx;			/* of random */
};

/* suspends (DNS).  False: p->trouble. */
bool plan_make(const struct plan_ask *ask, struct arena *a, struct plan *p);

#endif
