/* SPDX-License-Identifier: ISC */
/*
 * arc: Authenticated Received Chain, RFC 8617: validation of the whole chain.
 *
 * The same two steps as dkim.h: begin before the body, end behind it.  Whom to believe is policy's
 * affair: the sealers' domains are told, nothing is trusted here.
 */
#ifndef TRUST_ARC_H
#define TRUST_ARC_H

#include "mail/header.h"
#include "trust/ask.h"
#include "trust/bodyhash.h"
#include "trust/result.h"

enum { ARC_INSTANCES_MAX = 50 };

struct arc_set {			/* instance i is set[i - 1] */
	struct str seal_domain, seal_selector;	/* AS d= s= */
	struct str message_domain;	/* AMS d= */
	struct str aar;			/* payload of ARC-Authentication-Results behind i=N; */
	bool ams_valid;			/* this AMS still verifies */
	bool ams_covers_from;
};

struct arc {
	enum auth_result result;	/* none, pass, fail; temperror when DNS could not say */
	const char *why;
	struct arc_set *set;
	unsigned n;
	unsigned oldest_pass;		/* RFC 8617 5.2: 0 when all AMS verify */
	struct arc_work *work;
};

bool arc_begin(struct arc *c, const struct header *h, struct body_hashes *b, struct arena *a);
/* suspends */
void arc_end(struct arc *c, const struct body_hashes *b, int64_t now_s, struct trust_dns *dns,
    struct arena *a);

#endif
