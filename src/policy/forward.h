/* SPDX-License-Identifier: ISC */
/*
 * forward: how mail leaves that we pass on to another server for one of our recipients.
 *
 * 1. Pure: facts in, verdict out.  First rule that speaks decides; each has a name for the log.
 * 2. Only what would have reached the inbox is passed on.
 * 3. The verdict says what the next hop will see, as far as we can know: SPF of the envelope,
 *    the author's signature, and so DMARC.
 */
#ifndef POLICY_FORWARD_H
#define POLICY_FORWARD_H

#include "base/str.h"

#include <stdbool.h>

enum forward_act {
	FORWARD_KEEP,			/* the sender stays */
	FORWARD_SRS,			/* the sender becomes one of ours that leads back */
	FORWARD_WRAP,			/* a new message of ours that carries it whole */
	FORWARD_REFUSE,			/* it does not leave */
};

enum forward_unsigned { UNSIGNED_SRS, UNSIGNED_WRAP, UNSIGNED_REFUSE };

struct forward_facts {
	bool null_sender;
	bool sender_ours;		/* its domain, or a parent of it, is ours */
	bool owner;			/* a list: owner- is the sender already */
	bool inside;			/* the next hop is a domain we relay for */
	bool bounce;			/* the way back of a rewritten sender */
	unsigned found;			/* enum found of the record */
	enum forward_unsigned unsigned_strict;	/* where DMARC would fail behind us */
};

enum expected { EXPECT_PASS, EXPECT_FAIL, EXPECT_UNKNOWN };

struct forward_verdict {
	enum forward_act act;
	const char *rule;
	enum expected spf, dkim, dmarc;	/* at the next hop */
};

struct forward_verdict forward_decide(const struct forward_facts *f);
const char *forward_act_name(enum forward_act a);
const char *expected_name(enum expected e);

#endif
