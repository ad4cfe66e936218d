/* SPDX-License-Identifier: ISC */
/*
 * rules_own: who may write in the name of our domains.  Nothing here needs DNS.
 *
 * A name is ours when it or one of its parents is one of our domains.  What strangers bring in such
 * a name, as envelope sender, From or Sender, needs a proof: a DKIM signature by a key of this
 * server, or by one that the domain publishes.  SPF alone never is one: it only earns Junk, where
 * the summary shows it to postmaster.
 */
#include "base/num.h"
#include "conf/config.h"
#include "policy/rules.h"

enum proof { PROVEN, PROOF_SPF, PROOF_LIST, PROOF_UNSURE, PROOF_NONE };

/* ---- the From field ---- */

enum match
rule_from_grammar(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct sender_facts *w = rule_who(f);

	v->about = ABOUT_FROM;
	return ((w->from_faults & ~(unsigned)FROM_DOMAINS) || w->twice || w->begins_wrong) &&
	    policy_judges(p, f) ? MATCH_YES : MATCH_NO;
}

enum match
rule_from_domains(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return (rule_who(f)->from_faults & FROM_DOMAINS) && policy_judges(p, f) ? MATCH_YES :
	    MATCH_NO;
}

/* ---- own domains ---- */

static bool
counts(const struct policy *p, const struct facts *f, const struct signer *s, struct str x)
{
	if (!own_aligned(p, x, s->domain))
		return false;
	if (s->own_key)
		return s->covers_all;
	switch ((enum own_dkim)p->cfg->senders.own_dkim) {
	case OWN_DKIM_PUBLISHED:
		return true;
	case OWN_DKIM_DECLARED:
		return own_declared(p, f, x);
	case OWN_DKIM_LOCAL:
		break;
	}
	return false;
}

/* A list that signs its mail: a refusal would cost the reader the subscription. */
static bool
signed_list(const struct sender_facts *w)
{
	for (size_t i = 0; w->list.n > 0 && i < w->nsigner; i++)
		if (!w->signer[i].unsure && (domain_under(w->list, w->signer[i].domain) ||
		    domain_under(w->signer[i].domain, w->list)))
			return true;
	return false;
}

static enum proof
proof_for(const struct policy *p, const struct facts *f, struct str x)
{
	const struct sender_facts *w = rule_who(f);
	bool unsure = false;

	for (size_t i = 0; i < w->nsigner; i++) {
		if (!counts(p, f, &w->signer[i], x))
			continue;
		if (!w->signer[i].unsure)
			return PROVEN;
		unsure = true;
	}
	if (unsure)
		return PROOF_UNSURE;
	if (w->spf == AUTH_PASS && !w->spf_weak && own_aligned(p, x, w->spf_domain))
		return PROOF_SPF;
	return signed_list(w) ? PROOF_LIST : PROOF_NONE;
}

/* The name of ours that is claimed with the worst proof. */
static enum proof
claim(const struct policy *p, const struct facts *f, struct str *whose)
{
	enum proof worst = PROVEN;
	struct str x = f->sender && !f->sender->null ? f->sender->domain : (struct str){};

	for (size_t i = 0; ; x = f->author[i++].domain) {
		enum proof is = own_root(p, x).n > 0 ? proof_for(p, f, x) : PROVEN;

		if (is > worst) {
			worst = is;
			*whose = x;
		}
		while (i < f->nauthor && f->author[i].field > AUTHOR_SENDER)
			i++;
		if (i >= f->nauthor)
			return worst;
	}
}

static enum match
claims(const struct policy *p, const struct facts *f, struct verdict *v, enum proof proof)
{
	struct str whose = {};

	if (claim(p, f, &whose) != proof || !policy_judges(p, f))
		return MATCH_NO;
	v->about = ABOUT_OWN;
	v->domain = whose;
	return MATCH_YES;
}

enum match
rule_own(const struct policy *p, const struct facts *f, struct verdict *v)
{
	return claims(p, f, v, PROOF_NONE);
}

/* Without DNS the key of an honest outside sender cannot be seen; a forger has to sign to get that
 * far, and gains a delay. */
enum match
rule_own_later(const struct policy *p, const struct facts *f, struct verdict *v)
{
	return claims(p, f, v, PROOF_UNSURE) == MATCH_YES ? MATCH_UNSURE : MATCH_NO;
}

enum match
rule_own_list(const struct policy *p, const struct facts *f, struct verdict *v)
{
	return claims(p, f, v, PROOF_LIST);
}

enum match
rule_own_spf(const struct policy *p, const struct facts *f, struct verdict *v)
{
	return claims(p, f, v, PROOF_SPF);
}

/* ---- RCPT ---- */

/* Own domain, nobody of that name, and no right to speak for us: a lie.  Known addresses, and those
 * of domains whose mail others send too, are decided at the end of data, where a signature can
 * prove a returning message. */
enum match
rule_claims_own(const struct policy *p, const struct facts *f, struct verdict *v)
{
	bool strict = p->cfg->senders.own_strict && policy_judges(p, f);

	(void)v;
	if (!f->sender || f->sender->null || !policy_own(p, f->sender->domain) ||
	    (!strict && (f->sender_dest != DEST_UNKNOWN || own_declared(p, f, f->sender->domain))))
		return MATCH_NO;
	return rule_stranger(p, f) ? MATCH_YES : MATCH_NO;
}

/* One reply is one verdict: recipients that could get different ones come one after another. */
enum match
rule_other_class(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)v;
	return f->nrcpt > 0 && policy_rcpt_class(p, f) != f->first_class && policy_judges(p, f) ?
	    MATCH_YES : MATCH_NO;
}
