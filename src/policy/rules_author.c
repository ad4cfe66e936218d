/* SPDX-License-Identifier: ISC */
/*
 * rules_author: mail in the name of others: who vouches for the author, and what contradicts it.
 *
 * RFC 9989 for domains with a policy; for the others the same question without one.  Junk is for
 * what nobody vouches for, a refusal for what somebody entitled asks to refuse and something else
 * speaks against too.
 */
#include "base/num.h"
#include "conf/config.h"
#include "policy/lookalike.h"
#include "policy/rules.h"

static enum match
judged_if(const struct policy *p, const struct facts *f, bool yes)
{
	return yes && policy_judges(p, f) ? MATCH_YES : MATCH_NO;
}

/* From one of ours, and not refused for it: it was proven, or is judged by the rules on that. */
static bool
from_us(const struct policy *p, const struct sender_facts *w)
{
	return w->domain.n > 0 && own_root(p, w->domain).n > 0;
}

/* RFC 7208 8.4: the domain says of itself that it sends nothing. */
enum match
rule_sends_nothing(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return judged_if(p, f, f->sender_sends_nothing);
}

enum match
rule_author_gone(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return judged_if(p, f, rule_who(f)->author_gone && !from_us(p, rule_who(f)));
}

enum match
rule_author_null_mx(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return judged_if(p, f, rule_who(f)->author_null_mx && !rule_who(f)->verified &&
	    !from_us(p, rule_who(f)));
}

/* RFC 9989 5.4: no pass, and DNS cannot say now. */
enum match
rule_author_later(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return judged_if(p, f, rule_who(f)->trouble && !rule_allowed(p, f)) == MATCH_YES ?
	    MATCH_UNSURE : MATCH_NO;
}

/* ---- DMARC ---- */

static bool
protected(const struct policy *p, const struct sender_facts *w)
{
	for (size_t i = 0; i < p->cfg->senders.nprotect; i++)
		if (domain_under(w->domain, p->cfg->senders.protect[i]))
			return true;
	return false;
}

/* Something besides the author's policy speaks against it (policy.md 1.4, C1 to C4). */
static bool
corroborated(const struct policy *p, const struct facts *f)
{
	const struct sender_facts *w = rule_who(f);
	struct verdict none;

	return w->author_gone || w->author_null_mx || !w->aligned_signature || f->blocked ||
	    protected(p, w) || rule_name_ours(p, f, &none) == MATCH_YES ||
	    rule_name_vip(p, f, &none) == MATCH_YES || rule_look_alike(p, f, &none) == MATCH_YES;
}

/* A domain that asks for something, and did not get its word confirmed. */
static bool
fails(const struct sender_facts *w, enum dmarc_policy policy)
{
	return w->dmarc == AUTH_FAIL && w->dmarc_policy == policy;
}

enum match
rule_dmarc_reject(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);
	bool inbox;

	v->about = ABOUT_DMARC;
	v->domain = w->domain;
	if (!fails(w, DMARC_P_REJECT) || w->arc_pass || rule_forwarded(p, f, &inbox))
		return MATCH_NO;
	switch ((enum dmarc_reject)p->cfg->senders.dmarc_reject) {
	case DMARC_REJECT_NEVER:
		return MATCH_NO;
	case DMARC_REJECT_ALWAYS:
		return judged_if(p, f, true);
	case DMARC_REJECT_CORROBORATED:
		break;
	}
	return judged_if(p, f, corroborated(p, f));
}

/* What could lift Junk: the administrator's word on the author, or on who brought it. */
static bool
lifted(const struct policy *p, const struct facts *f)
{
	bool inbox;

	return rule_who(f)->arc_pass || rule_allowed(p, f) ||
	    (rule_forwarded(p, f, &inbox) && inbox);
}

enum match
rule_dmarc_junk(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);

	(void)v;
	return judged_if(p, f, (fails(w, DMARC_P_REJECT) || fails(w, DMARC_P_QUARANTINE)) &&
	    !lifted(p, f));
}

/* ---- no policy ---- */

static bool
nobody_vouches(const struct policy *p, const struct facts *f)
{
	const struct sender_facts *w = rule_who(f);

	return !w->verified && !from_us(p, w) && !rule_access_ok(p, f) && !lifted(p, f);
}

enum match
rule_unverified_no(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return p->cfg->senders.unverified != UNVERIFIED_REJECT ? MATCH_NO :
	    judged_if(p, f, nobody_vouches(p, f));
}

enum match
rule_unverified(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return p->cfg->senders.unverified == UNVERIFIED_INBOX ? MATCH_NO :
	    judged_if(p, f, nobody_vouches(p, f));
}

/* Old but legal: two of what stands once, obsolete forms. */
enum match
rule_odd(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return judged_if(p, f, rule_who(f)->odd && !lifted(p, f));
}

/* ---- what the reader is shown ---- */

/* An address of ours as the name of somebody else. */
enum match
rule_name_ours(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);

	(void)v;
	return judged_if(p, f, !from_us(p, w) && look_names_us(p, w->from_text) &&
	    !rule_allowed(p, f));
}

/* A name that belongs to somebody, at another address. */
enum match
rule_name_vip(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);

	(void)v;
	return judged_if(p, f, w->name.n > 0 && p->cfg->senders.nvip > 0 &&
	    look_is_vip(p->cfg, w) && !rule_allowed(p, f));
}

enum match
rule_look_alike(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);

	(void)v;
	return judged_if(p, f, w->domain.n > 0 && !from_us(p, w) && !protected(p, w) &&
	    look_alike(p->cfg, w->domain, w->shown).n > 0 && !rule_allowed(p, f));
}

enum match
rule_mixed_script(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);

	(void)v;
	return judged_if(p, f, w->domain.n > 0 && !from_us(p, w) && look_mixed(w->shown) &&
	    !rule_allowed(p, f));
}

/* ---- replay ---- */

enum match
rule_replayed(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct senders_conf *c = &p->cfg->senders;

	(void)v;
	return judged_if(p, f, c->replay == REPLAY_JUNK &&
	    rule_who(f)->replays >= c->replay_count && !lifted(p, f));
}
