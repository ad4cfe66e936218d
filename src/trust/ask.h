/* SPDX-License-Identifier: ISC */
/*
 * ask: DNS for one message's checks, with one budget for all of them.
 *
 * 1. Every engine of this folder asks through struct trust_dns; what is over the budget (queries or
 *    time) is DNS_TEMP, and `spent` says so.
 * 2. Only names that are host-like get that far: an engine checks its tags before it asks.
 * The budget belongs to the caller, lives as long as the message's checks, and counts the questions
 * sent (limits.md: 60 a message, 20 s).
 */
#ifndef TRUST_ASK_H
#define TRUST_ASK_H

#include "dns/dns.h"

enum { TRUST_QUERIES_MAX = 60, TRUST_MS = 20'000 };

struct trust_dns {
	const struct dns_ops *ops;	/* NULL: DNS is not to be had, every answer is DNS_TEMP */
	int64_t deadline;		/* absolute, in now_ms() time */
	unsigned queries, queries_max;
	bool spent;			/* a question was not asked any more */
};

/* Answers are in a.  DNS_BOGUS becomes DNS_TEMP (out->res too).  suspends */
enum dns trust_ask(struct trust_dns *d, struct str name, uint16_t type, struct arena *a,
    struct dns_answer *out);

#endif
