/* SPDX-License-Identifier: ISC */
/*
 * rules_sender: who may write as whom: rules on MAIL FROM and on the message's own fields.
 *
 * What does not fit is refused, never rewritten; the reply names the address and the line that
 * would allow it.
 */
#include "policy/rules.h"

#include "conf/config.h"
#include "policy/binding.h"

static enum match
refuse(struct verdict *v, enum about about, struct str local, struct str domain)
{
	v->about = about;
	v->local = local;
	v->domain = domain;
	return MATCH_YES;
}

enum match
rule_binding(const struct policy *p, const struct facts *f, struct verdict *v)
{
	const struct path *s = f->sender;

	if (binding_of(f) == BINDING_NONE || s->null)
		return MATCH_NO;
	switch (binding_covers(p, f, s->local, s->domain)) {
	case FIND_YES:
		return MATCH_NO;
	case FIND_LATER:
		return MATCH_UNSURE;
	case FIND_NO:
		break;
	}
	return refuse(v, ABOUT_BINDING, s->local, s->domain);
}

/* A grant covers the client, but not with this sender. */
enum match
rule_narrowed(const struct policy *p, const struct facts *f, struct verdict *v)
{
	struct grant_hit g;

	if (f->dest != DEST_REMOTE || grants_source(p, f, true).yes ||
	    grants_destination(p, f->rcpt).yes)
		return MATCH_NO;
	g = grants_source(p, f, false);
	if (!g.yes || !f->sender || f->sender->null)
		return MATCH_NO;
	v->why = g.name;
	v->line = g.line;
	return refuse(v, ABOUT_GRANT, f->sender->local, f->sender->domain);
}

/* From, Sender, Resent-From, Resent-Sender. */
enum match
rule_authors(const struct policy *p, const struct facts *f, struct verdict *v)
{
	enum binding_of of = binding_of(f);
	struct grant_hit g = {};

	if (of == BINDING_NONE) {
		if (!f->relays)
			return MATCH_NO;
		g = grants_source(p, f, true);
		if (!g.yes)
			return MATCH_NO;
	}
	for (size_t i = 0; i < f->nauthor; i++) {
		const struct author *a = &f->author[i];
		enum find got = FIND_NO;

		if (a->bad) {
			if (of == BINDING_NONE && (g.line_of == NULL || g.line_of->sending_any ||
			    g.line_of->test))
				continue;
			v->field = a->field;
			return refuse(v, ABOUT_FIELD, a->local, a->domain);
		}
		if (of != BINDING_NONE)
			got = binding_covers(p, f, a->local, a->domain);
		else if (binding_narrow(p, &g, a->local, a->domain))
			got = FIND_YES;
		if (got == FIND_YES)
			continue;
		if (got == FIND_LATER)
			return MATCH_UNSURE;
		v->field = a->field;
		if (g.yes)
			v->why = g.name;
		return refuse(v, of == BINDING_NONE ? ABOUT_GRANT : ABOUT_BINDING, a->local,
		    a->domain);
	}
	return MATCH_NO;
}

/* S/MIME or OpenPGP by its shape; whether the signature is good is the reader's affair. */
enum match
rule_must_sign(const struct policy *p, const struct facts *f, struct verdict *v)
{
	enum must_sign want = (enum must_sign)p->cfg->senders.must_sign;

	(void)v;
	if (want == MUST_SIGN_NO || binding_of(f) == BINDING_NONE || f->is_report)
		return MATCH_NO;
	if (want == MUST_SIGN_ANY)
		return f->body_signed == SIGNED_NO ? MATCH_YES : MATCH_NO;
	return f->body_signed == (want == MUST_SIGN_SMIME ? SIGNED_SMIME : SIGNED_OPENPGP) ?
	    MATCH_NO : MATCH_YES;
}

/* Of somebody bound, the null sender is for reports about a message read (RFC 8098) that its
 * author signs with an own address; root's programs may write other reports too. */
enum match
rule_null_sender(const struct policy *p, const struct facts *f, struct verdict *v)
{
	(void)p;
	(void)v;
	if (binding_of(f) == BINDING_NONE || !f->sender || !f->sender->null ||
	    (f->id.local && f->id.uid == 0))
		return MATCH_NO;
	return f->is_report && f->content.from == 1 ? MATCH_NO : MATCH_YES;
}
