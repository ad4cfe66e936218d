/* SPDX-License-Identifier: ISC */
/*
 * spf: Sender Policy Framework, RFC 7208: check_host() for the HELO and MAIL FROM identities.
 *
 * Pure given DNS: asks through trust/ask.h and nothing else.  Results live in the arena.  How much
 * a pass is worth (limits.md: +all, ptr, exists with macros, ranges wider than /12 or /28) is said
 * beside it, for policy to weigh.
 */
#ifndef TRUST_SPF_H
#define TRUST_SPF_H

#include "base/ip.h"
#include "trust/ask.h"
#include "trust/result.h"

struct spf_query {
	struct ip ip;			/* the client; IPv4 in its own form */
	struct str helo;		/* as said; may be empty or no name */
	struct str local, domain;	/* MAIL FROM; no domain: the null sender */
	struct str receiver;		/* %{r}; empty: "unknown" */
	int64_t now_s;			/* %{t} */
	bool want_explanation;		/* fetch exp= on fail */
	struct trust_dns *dns;
	struct arena *a;
};

struct spf_result {
	enum auth_result result;
	struct str domain;		/* checked: of MAIL FROM, or the HELO name */
	bool helo;			/* the HELO identity was checked */
	struct str explanation;		/* fail: exp= or empty; one line of printable ASCII */
	struct str term;		/* that matched, as written; empty: none */
	struct str why;			/* of an error, for the log */
	bool weak;			/* pass: too broad to mean anything */
	const char *weak_why;
	bool sends_nothing;		/* the record is exactly "v=spf1 -all" */
	unsigned queries;		/* DNS questions of this check */
};

/* suspends */
void spf_check(const struct spf_query *q, struct spf_result *out);
/* The HELO identity alone, whatever the sender.  suspends */
void spf_check_helo(const struct spf_query *q, struct spf_result *out);

#endif
