/* SPDX-License-Identifier: ISC */
/*
 * spf_eval: one evaluation of check_host() under way; for the files of this part only.
 */
#ifndef TRUST_SPF_EVAL_H
#define TRUST_SPF_EVAL_H

#include "trust/spf.h"
#include "trust/spf_record.h"

enum {
	SPF_TERMS_MAX = 10, SPF_VOID_MAX = 2, SPF_NAMES_MAX = 10,	/* RFC 7208 4.6.4 */
	SPF_NAME_MAX = 253, SPF_EXPLANATION_MAX = 512,
};

struct spf_eval {
	const struct spf_query *q;
	struct str sender_local, sender_domain;	/* of the identity; local is never empty */
	unsigned terms, voids;
	bool ptr_known;				/* validated names were looked for */
	struct str ptr_name[SPF_NAMES_MAX];
	unsigned nptr;
	enum dns ptr_res;
	struct spf_result *out;
};

/* The client's validated names (RFC 7208 5.5), once.  suspends */
void spf_names(struct spf_eval *e);
/* A macro-string for that current domain; explain: c, r and t too.  Text in the arena.  False: no
 * memory, or longer than it may be.  suspends in %{p} */
bool spf_expand(struct spf_eval *e, struct str spec, struct str domain, bool explain,
    struct str *out);
/* The same as a name to ask for: cut at its left to 253 octets (7.3).  suspends */
bool spf_target(struct spf_eval *e, struct str spec, struct str domain, struct str *out);

#endif
