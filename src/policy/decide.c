/* SPDX-License-Identifier: ISC */
/*
 * decide: the stages, and the walk over their rules.  See decide.h.
 *
 * Rules stand in rules.c in the order in which they are asked; a stage without a match accepts,
 * except RCPT, whose last rule refuses.
 */
#include "policy/decide.h"

#include <stdlib.h>

#include "base/num.h"
#include "conf/config.h"
#include "policy/grants.h"
#include "policy/rules.h"

struct policy *
policy_new(const struct config *cfg)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p)
		p->cfg = cfg;
	return p;
}

void
policy_free(struct policy *p)
{
	free(p);
}

bool
policy_own(const struct policy *p, struct str domain)
{
	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	return config_domain(p->cfg, domain) != NULL;
}

bool
policy_own_under(const struct policy *p, struct str domain)
{
	while (domain.n > 0) {
		ssize_t dot;

		if (policy_own(p, domain))
			return true;
		dot = str_chr(domain, '.');
		if (dot < 0)
			return false;
		domain = str_sub(domain, (size_t)dot + 1, domain.n - (size_t)dot - 1);
	}
	return false;
}

bool
policy_entitled(const struct policy *p, const struct facts *f)
{
	return grants_source(p->cfg, f, false).yes;
}

uint64_t
policy_rcpt_max(const struct policy *p, const struct facts *f)
{
	switch (f->listener) {
	case L_SUBMISSION:
	case L_LMTP:
	case L_LOCAL:
		return p->cfg->lim.rcpt_max_submission;
	case L_MX:
		return p->cfg->lim.rcpt_max_mx;
	}
	return p->cfg->lim.rcpt_max_mx;
}

static void
tell(const struct facts *f, const struct stage *st, const struct rule *r, enum match m)
{
	if (f->trace)
		f->trace->rule(f->trace->ctx, st->name, r->name, m);
}

static struct verdict
walk(const struct policy *p, const struct facts *f, const struct stage *st)
{
	for (size_t i = 0; i < st->n; i++) {
		const struct rule *r = &st->rule[i];
		struct verdict v = {
			.act = r->act, .rule = str_of(r->name), .why = str_of(r->name),
			.reply = r->reply,
		};
		enum match m = r->match(p, f, &v);

		tell(f, st, r, m);
		switch (m) {
		case MATCH_NO:
			continue;
		case MATCH_UNSURE:
			return (struct verdict){
				.act = ACT_DEFER, .rule = str_of(r->name),
				.why = STR("look-up failed"),
				.reply = REPLY(451, 4, 4, 3, "try again later"),
			};
		case MATCH_YES:
			return v;
		}
	}
	return (struct verdict){
		.act = ACT_ACCEPT, .rule = STR("no-objection"), .why = STR("no rule spoke"),
		.reply = st->otherwise,
	};
}

struct verdict
decide_connect(const struct policy *p, const struct facts *f)
{
	return walk(p, f, &stage_connect);
}

struct verdict
decide_helo(const struct policy *p, const struct facts *f)
{
	return walk(p, f, &stage_helo);
}

struct verdict
decide_mail(const struct policy *p, const struct facts *f)
{
	return walk(p, f, &stage_mail);
}

struct verdict
decide_rcpt(const struct policy *p, const struct facts *f)
{
	return walk(p, f, &stage_rcpt);
}

struct verdict
decide_data(const struct policy *p, const struct facts *f)
{
	return walk(p, f, &stage_data);
}

struct verdict
decide_end(const struct policy *p, const struct facts *f)
{
	return walk(p, f, &stage_end);
}
