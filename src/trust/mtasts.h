/* SPDX-License-Identifier: ISC */
/*
 * mtasts: the texts of SMTP MTA Strict Transport Security, RFC 8461 3.1 and 3.2.
 *
 * Only reads them; fetching, keeping and applying a policy is done elsewhere.  Slices point into
 * the text.
 */
#ifndef TRUST_MTASTS_H
#define TRUST_MTASTS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct mtasts_record {
	struct str id;			/* 1 to 32 letters and digits */
};

/* The TXT record at _mta-sts. */
bool mtasts_record_parse(struct str text, struct mtasts_record *out);

enum mtasts_mode { MTASTS_NONE, MTASTS_TESTING, MTASTS_ENFORCE };
enum { MTASTS_MX_MAX = 100, MTASTS_POLICY_MAX = 64 * 1024, MTASTS_AGE_MAX = 31'557'600 };

struct mtasts_policy {
	enum mtasts_mode mode;
	uint64_t max_age_s;		/* at most MTASTS_AGE_MAX */
	struct str mx[MTASTS_MX_MAX];	/* names or "*.name" */
	unsigned nmx;
};

/* The body of https://mta-sts.DOMAIN/.well-known/mta-sts.txt */
bool mtasts_policy_parse(struct str text, struct mtasts_policy *out);

/* RFC 8461 4.1: does a pattern cover this host? */
bool mtasts_mx_match(struct str pattern, struct str host);

#endif
