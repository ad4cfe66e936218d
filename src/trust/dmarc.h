/* SPDX-License-Identifier: ISC */
/*
 * dmarc: RFC 9989: policy discovery by the tree walk, alignment, and the result for one author
 * domain.
 *
 * Pure given DNS.  What a receiver does with a fail is policy's affair (policy.md 1.4); this says
 * what the standard says.
 */
#ifndef TRUST_DMARC_H
#define TRUST_DMARC_H

#include "trust/ask.h"
#include "trust/result.h"

enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };
enum dmarc_psd { DMARC_PSD_U, DMARC_PSD_Y, DMARC_PSD_N };

struct dmarc_record {
	bool has_p, has_sp, has_np;
	enum dmarc_policy p, sp, np;
	enum dmarc_psd psd;
	bool strict_dkim, strict_spf;	/* adkim=s, aspf=s */
	bool testing;			/* t=y */
	struct str rua, ruf, fo;	/* as written */
	bool rua_usable;		/* has at least one address one could send to */
};

/* Does the text begin as a record of this version does? */
bool dmarc_record_is(struct str text);
/* False: no usable record (RFC 9989 4.7); *why says what is wrong. */
bool dmarc_record_parse(struct str text, struct dmarc_record *out, const char **why);

struct dmarc_auth {			/* an authenticated identifier */
	struct str domain;
	enum auth_result result;
};

struct dmarc_query {
	struct str author;		/* A-label domain of the one From mailbox */
	const struct dmarc_auth *spf, *dkim;
	size_t nspf, ndkim;
	struct trust_dns *dns;
	const struct dmarc_psl *psl;	/* NULL: the tree walk; else the public suffix list's way */
	struct arena *a;
};

struct dmarc_result {
	enum auth_result result;	/* none, pass, fail, temperror, permerror */
	bool has_record;
	struct dmarc_record record;
	struct str record_domain;	/* where it was found */
	struct str org_domain;		/* organisational domain of the author */
	enum dmarc_policy policy;	/* that applies to this author, t=y included */
	const char *policy_tag;		/* "p", "sp", "np" */
	bool spf_aligned, dkim_aligned;	/* by identifiers that pass */
	bool author_nxdomain;		/* the author's domain does not exist */
	const char *why;		/* of an error, or of no record */
};

/* suspends */
void dmarc_check(const struct dmarc_query *q, struct dmarc_result *out);
/* Organisational domain of a name by the tree walk; empty: could not be asked.  suspends */
struct str dmarc_org_domain(struct trust_dns *dns, const struct dmarc_psl *psl, struct str domain,
    struct arena *a);

/* The public suffix list that comes with the library; NULL: it has none. */
const struct dmarc_psl *dmarc_psl_builtin(void);
/* The registrable domain, in lower case; empty: there is none. */
struct str dmarc_psl_domain(const struct dmarc_psl *psl, struct str domain, struct arena *a);

#endif
