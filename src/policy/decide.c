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
#include "policy/binding.h"
#include "policy/grants.h"
#include "policy/rules.h"

struct policy *
policy_new(const struct config *cfg)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p) {
		p->cfg = cfg;
		p->stages = stages_all;
		p->access = (struct access_map){ .file = cfg->access_file,
		    .exact_hosts = cfg->relay_hosts_only };
	}
	return p;
}

void
policy_tables(struct policy *p, const struct tables *t)
{
	p->tables = p->access.t = t;
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
	return grants_source(p, f, false).yes;
}

bool
policy_needs_name(const struct policy *p)
{
	return access_needs_name(&p->access);
}

bool
policy_wants_authors(const struct policy *p, const struct facts *f)
{
	(void)p;
	return binding_of(f) != BINDING_NONE || f->relays;
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

const struct stage *const stages_all[] = {
	&stage_connect, &stage_helo, &stage_mail, &stage_rcpt, &stage_data, &stage_end, NULL,
};

bool
policy_rule_known(struct str name, bool *observable)
{
	bool known = false;

	*observable = false;
	for (size_t i = 0; stages_all[i]; i++)
		for (size_t k = 0; k < stages_all[i]->n; k++) {
			const struct rule *r = &stages_all[i]->rule[k];

			if (!str_eq(str_of(r->name), name))
				continue;
			known = true;
			*observable |= r->firm != FIRM;
		}
	return known;
}

/* Does the administrator only want to see what it would do? */
static bool
observed(const struct policy *p, const struct rule *r)
{
	if (r->firm == FIRM || r->act == ACT_ACCEPT)
		return false;
	if (p->cfg->observe_all && r->firm == SOFT)
		return true;
	for (size_t i = 0; i < p->cfg->nobserve; i++)
		if (str_eq(p->cfg->observe[i], str_of(r->name)))
			return true;
	return false;
}

static void
tell(const struct facts *f, const struct stage *st, const struct rule *r, enum match m,
    const struct verdict *v)
{
	if (f->trace)
		f->trace->rule(f->trace->ctx, st->name, r->name, m, v);
}

/* What a rule that spoke leaves behind for the verdict to come. */
struct left {
	struct marks mark;
	const struct rule *observed[OBSERVED_MAX];
	unsigned code[OBSERVED_MAX];
	size_t n;
};

static struct verdict
with(struct verdict v, const struct left *left)
{
	v.mark = left->mark;
	for (size_t i = 0; i < left->n; i++) {
		v.observed[i].rule = str_of(left->observed[i]->name);
		v.observed[i].code = left->code[i];
	}
	v.nobserved = left->n;
	return v;
}

static struct verdict
verdict_of(const struct rule *r)
{
	return (struct verdict){
		.act = r->act, .rule = str_of(r->name), .why = str_of(r->name),
		.reply = r->reply,
	};
}

static struct verdict
walk(const struct policy *p, const struct facts *f, const struct stage *st)
{
	struct left left = {};
	struct verdict v;

	for (size_t i = 0; i < st->n; i++) {
		const struct rule *r = &st->rule[i];
		enum match m;

		v = verdict_of(r);
		m = r->match(p, f, &v);
		tell(f, st, r, m, &v);
		if (m == MATCH_MARK) {
			left.mark = v.mark;
			left.mark.rule = v.rule;
			continue;
		}
		if (m == MATCH_NO)
			continue;
		if (observed(p, r)) {
			if (left.n < OBSERVED_MAX) {
				left.code[left.n] = m == MATCH_UNSURE ? 451 : v.reply.code;
				left.observed[left.n++] = r;
			}
			continue;
		}
		if (m == MATCH_UNSURE)
			v = (struct verdict){
				.act = ACT_DEFER, .rule = str_of(r->name),
				.why = STR("look-up failed"),
				.reply = REPLY(451, 4, 4, 3, "try again later"),
			};
		return with(v, &left);
	}
	v = (struct verdict){
		.act = ACT_ACCEPT, .rule = STR("no-objection"), .why = STR("no rule spoke"),
		.reply = st->otherwise,
	};
	return with(v, &left);
}

struct verdict
decide_connect(const struct policy *p, const struct facts *f)
{
	return walk(p, f, p->stages[STAGE_CONNECT]);
}

struct verdict
decide_helo(const struct policy *p, const struct facts *f)
{
	return walk(p, f, p->stages[STAGE_HELO]);
}

struct verdict
decide_mail(const struct policy *p, const struct facts *f)
{
	return walk(p, f, p->stages[STAGE_MAIL]);
}

struct verdict
decide_rcpt(const struct policy *p, const struct facts *f)
{
	return walk(p, f, p->stages[STAGE_RCPT]);
}

struct verdict
decide_data(const struct policy *p, const struct facts *f)
{
	return walk(p, f, p->stages[STAGE_DATA]);
}

struct verdict
decide_end(const struct policy *p, const struct facts *f)
{
	struct verdict v = walk(p, f, p->stages[STAGE_END]);

	/* What has no Junk folder here is not taken: lost in one elsewhere, or bounced. */
	if (v.act == ACT_JUNK && f->tx_leaves) {
		v.act = ACT_REJECT;
		v.reply = REPLY(550, 5, 7, 1, "nobody vouches for this message, and its recipient "
		    "has no Junk folder here");
	}
	return v;
}
