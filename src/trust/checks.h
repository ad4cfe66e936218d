/* SPDX-License-Identifier: ISC */
/*
 * checks: everything that can be asked about who sent one message, asked once.
 *
 * smtpd and `postern auth check` use it alike: begin when the header section is complete, feed the
 * body while it arrives, end at the final dot.  The one parsed header is what SPF, DKIM, ARC, DMARC
 * and policy all look at.  Judges nothing: facts for policy.
 * All memory is the arena's, but for body hashers: call checks_done in every case.
 */
#ifndef TRUST_CHECKS_H
#define TRUST_CHECKS_H

#include "mail/addr.h"
#include "trust/arc.h"
#include "trust/authres.h"
#include "trust/dkim.h"
#include "trust/dmarc.h"
#include "trust/from.h"
#include "trust/iprev.h"
#include "trust/spf.h"

struct checks_query {
	struct ip ip;
	bool has_ip;			/* false: local; no SPF, no iprev */
	struct str helo;
	struct str mail_local, mail_domain;	/* both empty: null sender */
	struct str authserv_id;
	int64_t now_s;
	const struct dkim_rules *dkim_rules;	/* NULL: now_s alone */
	const struct dmarc_psl *psl;
	struct trust_dns *dns;
	const struct spf_result *spf;	/* known already; NULL: to be asked */
	struct arena *a;
};

struct checks {
	/* begin */
	struct header header;
	unsigned from_faults;		/* enum from_fault */
	size_t from_fault_at;		/* offset in the header of what is wrong */
	struct addr author;		/* of the one From mailbox; domain as A-label, lower case */
	struct addr_list from;		/* all there are */
	bool obsolete;			/* other fields use syntax that is legal and suspect */
	bool duplicates;		/* two of a field that stands once */
	/* end */
	struct iprev iprev;
	struct spf_result spf, spf_helo;
	struct dkim dkim;
	struct arc arc;
	struct dmarc_result dmarc;
	bool author_verified;		/* aligned DKIM pass, or SPF pass that is not weak */
	bool author_null_mx;
	bool aligned_signature;		/* a DKIM-Signature with aligned d= whose key exists */
	struct body_hashes body;
};

/* text: the whole header section with its empty line; it must live until done.  False: no
 * memory. */
bool checks_begin(struct checks *c, const struct checks_query *q, struct str text);
void checks_body(struct checks *c, struct str bytes);
/* suspends */
void checks_end(struct checks *c, const struct checks_query *q);
void checks_done(struct checks *c);
/* The value of our Authentication-Results field, without name and final CRLF.  False: no room. */
bool checks_authres(const struct checks *c, const struct checks_query *q, struct buf *out);

#endif
