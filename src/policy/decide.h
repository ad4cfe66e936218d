/* SPDX-License-Identifier: ISC */
/*
 * decide: the one place where postern says yes or no.
 *
 * 1. Pure: policy and facts in, verdict out; no clock, no look-up, no memory.
 * 2. Ordered rules per stage, first match wins; the last rule of RCPT refuses.
 * 3. Relay is granted by the closed list of grant kinds and by nothing else; a sender address
 *    can narrow a grant and never be one.
 * 4. Every verdict has a rule name and a reply; every rule asked is told to the trace.
 *
 * Order and words: the manual, "what postern decides".  smtpd gathers facts and obeys; the proof
 * and `postern explain` call the very same functions.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "mail/reply.h"
#include "policy/facts.h"

struct config;
struct policy;

enum act { ACT_ACCEPT, ACT_JUNK, ACT_DEFER, ACT_REJECT, ACT_DISCARD };
enum match { MATCH_NO, MATCH_YES, MATCH_UNSURE };

struct verdict {
	enum act act;
	struct reply reply;
	struct str rule;		/* name of the rule that spoke */
	struct str why;			/* file:line of a grant, or what matched */
	bool relay;			/* accepted although the recipient is not ours */
	enum grant_kind grant;		/* ... by this kind of grant */
};

struct policy_trace {
	void (*rule)(void *ctx, const char *stage, const char *rule, enum match m);
	void *ctx;
};

/* Compiles the snapshot, which must outlive the policy. */
struct policy *policy_new(const struct config *cfg);
void policy_free(struct policy *p);

/* The stages, in the order of a session.  Facts of later stages may be missing. */
struct verdict decide_connect(const struct policy *p, const struct facts *f);
struct verdict decide_helo(const struct policy *p, const struct facts *f);
struct verdict decide_mail(const struct policy *p, const struct facts *f);
struct verdict decide_rcpt(const struct policy *p, const struct facts *f);
struct verdict decide_data(const struct policy *p, const struct facts *f);
struct verdict decide_end(const struct policy *p, const struct facts *f);

/* Who was let relay: any of the grants covers the client, whatever the sender. */
bool policy_entitled(const struct policy *p, const struct facts *f);
/* One of our mail domains. */
bool policy_own(const struct policy *p, struct str domain);
/* Own mail domain, its parent chain included: x.ours is ours too. */
bool policy_own_under(const struct policy *p, struct str domain);
/* Recipients one transaction may have on this listener. */
uint64_t policy_rcpt_max(const struct policy *p, const struct facts *f);

#endif
