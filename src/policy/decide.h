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

struct arena;
struct config;
struct policy;
struct tables;

/* What a verdict did on the way to its end: the message is taken, and then not delivered. */
struct marks {
	bool discard;			/* taken and dropped, with a line in the log */
	bool hold;			/* taken and kept for the administrator */
	struct str hold_why;
	struct str rule;		/* who marked last */
};

/* A reply with words that depend on the facts: policy_words completes it. */
enum about {
	ABOUT_NOTHING, ABOUT_BINDING, ABOUT_GRANT, ABOUT_FIELD, ABOUT_FROM, ABOUT_OWN, ABOUT_DMARC,
};

enum { OBSERVED_MAX = 4 };

enum act { ACT_ACCEPT, ACT_JUNK, ACT_DEFER, ACT_REJECT, ACT_DISCARD };
enum match { MATCH_NO, MATCH_YES, MATCH_UNSURE, MATCH_MARK };

struct verdict {
	enum act act;
	struct reply reply;
	struct str rule;		/* name of the rule that spoke */
	struct str why;			/* file:line of a grant, or what matched */
	unsigned line;			/* of the file why, when that is a table; else 0 */
	bool relay;			/* accepted although the recipient is not ours */
	enum grant_kind grant;		/* ... by this kind of grant */
	struct marks mark;
	enum about about;		/* the reply speaks of local@domain ... */
	enum author_field field;	/* ... in this field of the message */
	struct str local, domain;
	bool closes;			/* a refusal here ends the session */
	/* Rules that would have spoken, were they not observed only. */
	struct { struct str rule; unsigned code; } observed[OBSERVED_MAX];
	size_t nobserved;
};

struct policy_trace {
	void (*rule)(void *ctx, const char *stage, const char *rule, enum match m,
	    const struct verdict *v);
	void *ctx;
};

/* Compiles the snapshot, which must outlive the policy. */
struct policy *policy_new(const struct config *cfg);
void policy_free(struct policy *p);
/* The tables as they are at each moment; they outlive the policy.  NULL: none. */
void policy_tables(struct policy *p, const struct tables *t);
/* The reply's words, where they depend on the facts; the arena's.  v itself otherwise. */
struct reply policy_words(const struct facts *f, const struct verdict *v, struct arena *a);
/* Mistakes that only policy sees; false: some were added. */
struct conf_errors;
bool policy_check(const struct config *cfg, struct conf_errors *errs);
/* Is there a rule of that name, and may it be observed only? */
bool policy_rule_known(struct str name, bool *observable);

/* The stages, in the order of a session.  Facts of later stages may be missing. */
struct verdict decide_connect(const struct policy *p, const struct facts *f);
struct verdict decide_helo(const struct policy *p, const struct facts *f);
struct verdict decide_mail(const struct policy *p, const struct facts *f);
struct verdict decide_rcpt(const struct policy *p, const struct facts *f);
struct verdict decide_data(const struct policy *p, const struct facts *f);
struct verdict decide_end(const struct policy *p, const struct facts *f);

/* Who was let relay: any of the grants covers the client, whatever the sender. */
bool policy_entitled(const struct policy *p, const struct facts *f);
/* The access map names hosts: the client's name is to be looked up. */
bool policy_needs_name(const struct policy *p);
/* Must the message's own fields be looked at for who may write as whom? */
bool policy_wants_authors(const struct policy *p, const struct facts *f);
/* One of our mail domains. */
bool policy_own(const struct policy *p, struct str domain);
/* Own mail domain, its parent chain included: x.ours is ours too. */
bool policy_own_under(const struct policy *p, struct str domain);
/* Is who wrote it to be asked of this client's mail? */
bool policy_judges(const struct policy *p, const struct facts *f);
/* Recipients of one class get one verdict: a bit for each line of the configuration that is for
 * some recipients and fits. */
uint64_t policy_rcpt_class(const struct policy *p, const struct facts *f);
/* Recipients one transaction may have on this listener. */
uint64_t policy_rcpt_max(const struct policy *p, const struct facts *f);

#endif
