/* SPDX-License-Identifier: ISC */
/*
 * prove: the theorems at one request, and what is kept of a request that breaks one.
 *
 * Lines are judged first (prove_lines.c), then all requests are walked.  Of each theorem the first
 * counterexample is kept, made as plain as it can be.
 */
#include "policy/prove.h"

#include <stdlib.h>

#include "base/num.h"
#include "conf/config.h"
#include "policy/binding.h"
#include "policy/prove_parts.h"

static const struct { const char *name, *says; } theorems[PROVE_COUNT] = {
	[PROVE_P1] = { "P1", "no open relay: who is not entitled sends nothing elsewhere" },
	[PROVE_P2] = { "P2", "a sender address grants nothing: anybody can write one" },
	[PROVE_P3] = { "P3", "no stranger writes as an address of ours that does not exist" },
	[PROVE_P4] = { "P4", "who may relay sends as an own address alone" },
	[PROVE_P5] = { "P5", "mx never relays by login, submission takes nothing from strangers" },
	[PROVE_P6] = { "P6", "a trusted network is somebody's own" },
	[PROVE_P7] = { "P7", "a certificate that grants is well-formed and its authority private" },
	[PROVE_P8] = { "P8", "every line has a meaning" },
	[PROVE_REQUIRED] = { "required", "what was asked for by --require" },
	[PROVE_TOO_COMPLEX] = { "too complex to prove", "a refusal: it is never assumed safe" },
};

const char *
prove_name(enum theorem t)
{
	return theorems[t].name;
}

const char *
prove_says(enum theorem t)
{
	return theorems[t].says;
}

bool
prove_has(const struct proof *p, enum theorem t)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->finding[i].theorem == t)
			return true;
	return false;
}

struct finding *
prove_note(struct proof *p, enum theorem t, struct str what)
{
	struct finding *f = &p->finding[p->n];

	if (p->n == FINDINGS_MAX)
		return NULL;
	p->n++;
	*f = (struct finding){ .theorem = t, .what = str_dup(&p->a, what) };
	return f;
}

/* ---- the theorems ---- */

static bool
only_observed(const struct answered *a, const char *rule)
{
	for (size_t i = 0; i < a->nobserved; i++)
		if (str_eq(a->observed[i], str_of(rule)))
			return true;
	return false;
}

static bool
breaks_p1(const struct asked *q)
{
	return q->a.accepted && ((!q->entitled && q->r->rcpt->of[0].foreign) ||
	    (q->f.dest == DEST_REMOTE && !q->a.v.relay));
}

/* What was taken in our name is judged at the end: without a proof it must not be accepted. */
static bool
claim_ends_well(const struct prover *w, struct facts f)
{
	struct verdict v;

	f.nrcpt = 1;
	f.content.from = 1;
	v = decide_end(w->asked, &f);
	if (v.act == ACT_REJECT)
		return true;
	for (size_t i = 0; i < v.nobserved; i++)
		if (str_eq(v.observed[i].rule, STR("own-domain-claim")))
			return true;
	return false;
}

static bool
breaks_p3(const struct prover *w, const struct asked *q)
{
	if (!q->a.accepted || q->entitled || !q->r->sender->of[0].own)
		return false;
	if (q->f.sender_dest == DEST_UNKNOWN && !only_observed(&q->a, "sender-claims-us") &&
	    !own_declared(w->p->policy, &q->f, q->f.sender->domain))
		return true;
	return policy_judges(w->p->policy, &q->f) && !claim_ends_well(w, q->f);
}

/* An empty sender of somebody bound is for reports, and that is decided at the end. */
static bool
null_sender_ends_well(const struct prover *w, struct facts f)
{
	struct verdict v;

	f.nrcpt = 1;
	f.relays = true;
	f.content.from = 1;
	v = decide_end(w->asked, &f);
	if (v.act == ACT_REJECT || v.act == ACT_DEFER)
		return true;
	for (size_t i = 0; i < v.nobserved; i++)
		if (str_eq(v.observed[i].rule, STR("null-sender-content")))
			return true;
	return f.id.local && f.id.uid == 0;
}

static bool
breaks_p4(const struct prover *w, const struct asked *q)
{
	if (!q->a.accepted || !q->a.v.relay || binding_of(&q->f) == BINDING_NONE ||
	    only_observed(&q->a, "sender-binding"))
		return false;
	if (q->f.sender->null)
		return !null_sender_ends_well(w, q->f);
	return binding_covers(w->p->policy, &q->f, q->f.sender->local, q->f.sender->domain) !=
	    FIND_YES;
}

static bool
breaks_p5(const struct prover *w, const struct asked *q)
{
	if (!q->a.accepted)
		return false;
	if (q->f.tls_needed && !q->f.tls)
		return true;
	if (q->f.listener == L_SUBMISSION)
		return !q->entitled && q->f.id.user.n == 0;
	return q->f.listener == L_MX && q->a.v.relay && q->a.v.grant == GRANT_AUTHENTICATED &&
	    !w->p->policy->cfg->test.auth_on_mx;
}

bool
prove_breaks(const struct prover *w, const struct asked *q, enum theorem t)
{
	switch (t) {
	case PROVE_P1:
	case PROVE_P2:
		return breaks_p1(q);
	case PROVE_P3:
		return breaks_p3(w, q);
	case PROVE_P4:
		return breaks_p4(w, q);
	case PROVE_P5:
		return breaks_p5(w, q);
	case PROVE_REQUIRED:
		return require_broken(w, q);
	case PROVE_P6:
	case PROVE_P7:
	case PROVE_P8:
	case PROVE_TOO_COMPLEX:
	case PROVE_COUNT:
		break;
	}
	return false;
}

struct asked
prove_ask(const struct prover *w, const struct request *r)
{
	struct asked q = { .r = r, .f = request_facts(r, 0) };

	q.entitled = request_entitled(w->p->policy, r, 0);
	q.a = request_ask(w->asked, &q.f);
	return q;
}

/* ---- the walk ---- */

/* Would another sender have been refused? Then the sender made the difference. */
static __attribute__((noinline)) bool
sender_matters(struct prover *w, const struct request *r)
{
	for (size_t i = 0; i < w->c.n[FIELD_SENDER]; i++) {
		struct request other = *r;
		struct asked q;

		other.sender = &w->c.atom[FIELD_SENDER][i];
		other.sender_turn = TURN_EXISTS;
		q = prove_ask(w, &other);
		if (!q.a.accepted && str_eq(str_of(q.a.stage), STR("rcpt")))
			return true;
	}
	return false;
}

static __attribute__((noinline)) void
observed_note(struct prover *w, const struct asked *q)
{
	if (q->a.accepted && q->a.nobserved > 0 && w->p->observed.n == 0)
		w->p->observed = q->a.observed[0];
}

static bool
on_mail(void *ctx, const struct request *r)
{
	struct prover *w = ctx;
	struct facts f = request_facts(r, 0);

	w->mail = request_ask_mail(w->asked, &f);
	w->entitled = request_entitled(w->p->policy, r, 0);
	return w->mail.accepted;
}

static bool
on_leaf(void *ctx, const struct request *r)
{
	static const enum theorem all[] = { PROVE_P1, PROVE_P3, PROVE_P4, PROVE_P5,
	    PROVE_REQUIRED };
	struct prover *w = ctx;
	struct asked q = { .r = r, .f = request_facts(r, 0), .entitled = w->entitled };

	q.a = request_ask_rcpt(w->asked, &q.f, &w->mail);
	observed_note(w, &q);
	for (size_t i = 0; i < COUNT(all); i++) {
		enum theorem t = all[i];

		if (w->found[t] || !prove_breaks(w, &q, t))
			continue;
		w->found[t] = t != PROVE_REQUIRED;
		if (t == PROVE_P1 && !q.entitled && sender_matters(w, r))
			t = PROVE_P2;
		prove_keep(w, r, t);
		if (t == PROVE_REQUIRED)
			w->required |= UINT64_C(1) << require_which(w, &q);
	}
	return true;
}

/* Restrictions on TLS compare texts of certificates; they refuse and never grant, so that leaving
 * them out proves more, not less. */
static bool
ask_without_levels(struct prover *w)
{
	const struct config *cfg = w->p->policy->cfg;
	struct str *observe = arena_alloc(&w->p->a, (cfg->nobserve + 1) * sizeof *observe);

	if (!observe)
		return false;
	for (size_t i = 0; i < cfg->nobserve; i++)
		observe[i] = cfg->observe[i];
	observe[cfg->nobserve] = STR("tls-level");
	w->cfg = *cfg;
	w->cfg.observe = observe;
	w->cfg.nobserve = cfg->nobserve + 1;
	w->copy = *w->p->policy;
	w->copy.cfg = &w->cfg;
	w->asked = &w->copy;
	return true;
}

static void
too_complex(struct prover *w)
{
	(void)prove_note(w->p, PROVE_TOO_COMPLEX, str_fmt(&w->p->a,
	    "more than %llu kinds of requests: fewer lines with different narrowings, or lines "
	    "of one kind side by side, make it provable",
	    (unsigned long long)(w->p->budget ? w->p->budget : PROVE_BUDGET)));
}

bool
prove(struct proof *p)
{
	struct prover *w = calloc(1, sizeof *w);
	struct walk walk = { .mail = on_mail, .leaf = on_leaf, .ctx = w,
	    .budget = p->budget ? p->budget : PROVE_BUDGET };

	if (!w)
		abort();
	arena_init(&p->a, 64 << 20);
	w->p = p;
	w->c = (struct classes){ .policy = { p->policy }, .npolicy = 1, .own = p->own,
	    .nown = p->nown, .more = p->more };
	walk.c = &w->c;
	if (!ask_without_levels(w) || !classes_build(&w->c)) {
		too_complex(w);
	} else {
		prove_lines(w);
		if (!walk_all(&walk))
			too_complex(w);
	}
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		p->classes[i] = w->c.n[i];
		p->seen[i] = w->c.seen[i];
	}
	p->leaves = walk.leaves;
	p->steps = walk.steps;
	classes_done(&w->c);
	free(w);
	return p->n == 0;
}

void
proof_done(struct proof *p)
{
	arena_done(&p->a);
}
