/* SPDX-License-Identifier: ISC */
/*
 * spf: check_host(), RFC 7208 4 and 5.  The recursion of the standard is the recursion of the code;
 * the budget of ten terms bounds its depth.
 */
#include "trust/spf.h"

#include "base/num.h"
#include "trust/iprev.h"
#include "trust/spf_eval.h"

enum match { NO, YES, TEMP, PERM };

static enum auth_result check(struct spf_eval *e, struct str domain, bool top);

static enum auth_result
error(struct spf_eval *e, enum auth_result r, const char *why)
{
	if (e->out->why.n == 0)
		e->out->why = str_of(why);
	return r;
}

static enum match
broken(struct spf_eval *e, enum match m, const char *why)
{
	(void)error(e, AUTH_PERMERROR, why);
	return m;
}

/* A question whose empty answers are counted (4.6.4).  TEMP and PERM end the evaluation. */
static enum match
ask(struct spf_eval *e, struct str name, uint16_t type, struct dns_answer *ans)
{
	switch (trust_ask(e->q->dns, name, type, e->q->a, ans)) {
	case DNS_OK:
		if (ans->nrr > 0)
			return YES;
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		break;
	case DNS_TEMP:
	case DNS_BOGUS:
		return broken(e, TEMP, "a look-up failed");
	}
	ans->nrr = 0;
	if (++e->voids > SPF_VOID_MAX)
		return broken(e, PERM, "too many look-ups without an answer");
	return NO;
}

/* A name that can be asked for at all: labels of 1 to 63 octets. */
static bool
askable(struct str name)
{
	size_t label = 0;

	if (name.n == 0 || name.n > SPF_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '.' ? label == 0 : ++label > 63)
			return false;
		if (name.p[i] == '.')
			label = 0;
	}
	return label > 0;
}

static bool
within(const struct spf_eval *e, const struct spf_term *t, struct ip ip)
{
	unsigned bits = ip.v6 ? t->bits6 : t->bits4;

	return ip.v6 == e->q->ip.v6 && net_has(net_of(ip, bits), e->q->ip);
}

/* Do addresses of that name lie around the client's? */
static enum match
match_host(struct spf_eval *e, const struct spf_term *t, struct str name)
{
	struct dns_answer ans;
	enum match m;

	if (!askable(name))
		return NO;
	m = ask(e, name, e->q->ip.v6 ? DNS_AAAA : DNS_A, &ans);
	if (m != YES)
		return m;
	for (size_t i = 0; i < ans.nrr; i++)
		if (within(e, t, ans.rr[i].ip))
			return YES;
	return NO;
}

static enum match
match_mx(struct spf_eval *e, const struct spf_term *t, struct str name)
{
	struct dns_answer ans;
	enum match m;

	if (!askable(name))
		return NO;
	m = ask(e, name, DNS_MX, &ans);
	if (m != YES)
		return m;
	for (size_t i = 0; i < ans.nrr; i++) {
		if (i == SPF_NAMES_MAX)
			return broken(e, PERM, "too many MX names");
		m = match_host(e, t, ans.rr[i].mx.host);
		if (m != NO)
			return m;
	}
	return NO;
}

/* Does the name have the client's address?  Trouble is no (5.5). */
static bool
leads_back(struct spf_eval *e, struct str name)
{
	struct dns_answer ans;

	if (!askable(name) || trust_ask(e->q->dns, name, e->q->ip.v6 ? DNS_AAAA : DNS_A, e->q->a,
	    &ans) != DNS_OK)
		return false;
	for (size_t i = 0; i < ans.nrr; i++)
		if (ip_eq(ans.rr[i].ip, e->q->ip))
			return true;
	return false;
}

void
spf_names(struct spf_eval *e)
{
	struct dns_answer ans;
	struct str name;

	if (e->ptr_known)
		return;
	e->ptr_known = true;
	e->ptr_res = DNS_TEMP;
	name = iprev_name(e->q->ip, e->q->a);
	if (name.n == 0)
		return;
	e->ptr_res = trust_ask(e->q->dns, name, DNS_PTR, e->q->a, &ans);
	if (e->ptr_res != DNS_OK)
		return;
	for (size_t i = 0; i < ans.nrr && i < SPF_NAMES_MAX; i++)
		if (leads_back(e, ans.rr[i].name))
			e->ptr_name[e->nptr++] = ans.rr[i].name;
}

static enum match
match_ptr(struct spf_eval *e, struct str target)
{
	bool first = !e->ptr_known;

	spf_names(e);
	if (first && (e->ptr_res == DNS_NODATA || e->ptr_res == DNS_NXDOMAIN) &&
	    ++e->voids > SPF_VOID_MAX)
		return broken(e, PERM, "too many look-ups without an answer");
	for (unsigned i = 0; i < e->nptr; i++) {
		struct str n = e->ptr_name[i];

		if (str_ieq(n, target) || (n.n > target.n && str_iends(n, target) &&
		    n.p[n.n - target.n - 1] == '.'))
			return YES;
	}
	return NO;
}

static enum match
match_exists(struct spf_eval *e, struct str name)
{
	struct dns_answer ans;

	return askable(name) ? ask(e, name, DNS_A, &ans) : NO;	/* 5.7: A, also over IPv6 */
}

/* RFC 7208 5.2, the table */
static enum match
match_include(struct spf_eval *e, struct str target)
{
	switch (check(e, target, false)) {
	case AUTH_PASS:
		return YES;
	case AUTH_TEMPERROR:
		return TEMP;
	case AUTH_PERMERROR:
		return PERM;
	case AUTH_NONE:
		return broken(e, PERM, "include of a domain without a record");
	case AUTH_FAIL:
	case AUTH_SOFTFAIL:
	case AUTH_NEUTRAL:
	case AUTH_POLICY:
		return NO;
	}
	return PERM;
}

static bool
costs(enum spf_mech m)
{
	return m != SPF_ALL && m != SPF_IP4 && m != SPF_IP6;
}

static enum match
match_term(struct spf_eval *e, const struct spf_term *t, struct str domain)
{
	struct str target;

	if (costs(t->mech) && ++e->terms > SPF_TERMS_MAX)
		return broken(e, PERM, "too many terms that need DNS");
	if (!spf_target(e, t->spec, domain, &target))
		return broken(e, PERM, "a name grows too long");
	switch (t->mech) {
	case SPF_ALL:
		return YES;
	case SPF_INCLUDE:
		return match_include(e, target);
	case SPF_A:
		return match_host(e, t, target);
	case SPF_MX:
		return match_mx(e, t, target);
	case SPF_PTR:
		return match_ptr(e, target);
	case SPF_IP4:
	case SPF_IP6:
		return t->net.ip.v6 == e->q->ip.v6 && net_has(t->net, e->q->ip) ? YES : NO;
	case SPF_EXISTS:
		return match_exists(e, target);
	}
	return NO;
}

/* How much the matching term says about the client (limits.md, "SPF pass counts as weak"). */
static const char *
weakness(const struct spf_eval *e, const struct spf_record *rec, const struct spf_term *t)
{
	unsigned bits = e->q->ip.v6 ? t->bits6 : t->bits4, least = e->q->ip.v6 ? 28 : 12;

	if (rec->reach > UINT64_C(1) << 22)
		return "the record names more than 2^22 addresses";
	switch (t->mech) {
	case SPF_ALL:
		return "+all";
	case SPF_PTR:
		return "ptr";
	case SPF_EXISTS:
		return str_chr(t->spec, '%') >= 0 ? "exists with macros" : NULL;
	case SPF_IP4:
	case SPF_IP6:
		bits = t->net.bits;
		break;
	case SPF_A:
	case SPF_MX:
		break;
	case SPF_INCLUDE:
		return NULL;			/* said by the record within */
	}
	return bits < least ? "the matching range is too wide" : NULL;
}

static void
matched(struct spf_eval *e, const struct spf_record *rec, const struct spf_term *t)
{
	struct spf_result *out = e->out;
	const char *weak = t->qualifier == AUTH_PASS ? weakness(e, rec, t) : NULL;

	out->term = t->text;
	if (weak) {
		out->weak = true;
		out->weak_why = weak;
	}
}

/* exp=: one line of printable ASCII, or nothing (6.2). */
static void
explain(struct spf_eval *e, struct str spec, struct str domain)
{
	struct dns_answer ans;
	struct str name, text;

	if (!e->q->want_explanation || !spec.p || !spf_target(e, spec, domain, &name) ||
	    !askable(name) || trust_ask(e->q->dns, name, DNS_TXT, e->q->a, &ans) != DNS_OK ||
	    ans.nrr != 1 || !spf_macro_valid(ans.rr[0].txt, true) ||
	    !spf_expand(e, ans.rr[0].txt, domain, true, &text))
		return;
	text = str_sub(text, 0, SPF_EXPLANATION_MAX);
	for (size_t i = 0; i < text.n; i++)
		if (!ascii_isprint(text.p[i]))
			return;
	e->out->explanation = text;
}

/* RFC 7208 4.4, 4.5 */
static enum auth_result
fetch(struct spf_eval *e, struct str domain, struct spf_record *rec, bool top)
{
	struct dns_answer ans;
	struct str text = {};
	const char *why;

	switch (trust_ask(e->q->dns, domain, DNS_TXT, e->q->a, &ans)) {
	case DNS_OK:
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return AUTH_NONE;
	case DNS_TEMP:
	case DNS_BOGUS:
		return error(e, AUTH_TEMPERROR, "the record could not be looked up");
	}
	for (size_t i = 0; i < ans.nrr; i++) {
		if (!spf_record_is(ans.rr[i].txt))
			continue;
		if (text.p)
			return error(e, AUTH_PERMERROR, "more than one record");
		text = ans.rr[i].txt;
	}
	if (!text.p)
		return AUTH_NONE;
	if (!spf_record_parse(text, e->q->a, rec, &why))
		return error(e, AUTH_PERMERROR, why);
	if (top)
		e->out->sends_nothing = rec->n == 1 && !rec->redirect.p &&
		    rec->term[0].mech == SPF_ALL && rec->term[0].qualifier == AUTH_FAIL;
	return AUTH_PASS;
}

static enum auth_result
redirect(struct spf_eval *e, struct str spec, struct str domain, bool top)
{
	enum auth_result r;
	struct str next;

	if (++e->terms > SPF_TERMS_MAX)
		return error(e, AUTH_PERMERROR, "too many terms that need DNS");
	if (!spf_target(e, spec, domain, &next))
		return error(e, AUTH_PERMERROR, "a name grows too long");
	r = check(e, next, top);
	return r == AUTH_NONE ? error(e, AUTH_PERMERROR, "redirect to a domain without a record") :
	    r;							/* 6.1 */
}

static enum auth_result
check(struct spf_eval *e, struct str domain, bool top)
{
	struct spf_record rec;
	enum auth_result r;

	if (!askable(domain))
		return AUTH_NONE;				/* 4.3 */
	r = fetch(e, domain, &rec, top);
	if (r != AUTH_PASS)
		return r;
	for (size_t i = 0; i < rec.n; i++) {
		const struct spf_term *t = &rec.term[i];

		switch (match_term(e, t, domain)) {
		case NO:
			continue;
		case YES:
			if (t->mech != SPF_INCLUDE)
				matched(e, &rec, t);
			if (top && t->qualifier == AUTH_FAIL)
				explain(e, rec.exp, domain);
			return t->qualifier;
		case TEMP:
			return AUTH_TEMPERROR;
		case PERM:
			return AUTH_PERMERROR;
		}
	}
	if (rec.redirect.p)
		return redirect(e, rec.redirect, domain, top);
	return AUTH_NEUTRAL;					/* 4.7 */
}

/* 4.3: a domain name of several labels; anything else gets no evaluation. */
static bool
domain_usable(struct str d)
{
	if (d.n > 0 && d.p[d.n - 1] == '.')
		d.n--;
	for (size_t i = 0; i < d.n; i++)
		if ((unsigned char)d.p[i] <= 0x20 || (unsigned char)d.p[i] >= 0x7f)
			return false;
	return askable(d) && str_chr(d, '.') >= 0 && str_chr(d, '[') < 0;
}

static void
run(const struct spf_query *q, struct str local, struct str domain, struct spf_result *out)
{
	struct spf_eval e = { .q = q, .out = out, .sender_local = local, .sender_domain = domain };
	unsigned before = q->dns->queries;

	out->result = AUTH_NONE;
	out->domain = domain;
	if (domain_usable(domain)) {
		if (domain.p[domain.n - 1] == '.')
			domain.n--;
		out->result = check(&e, domain, true);
	}
	if (out->result != AUTH_PASS) {
		out->weak = false;
		out->weak_why = NULL;
	}
	out->queries = q->dns->queries - before;
}

void
spf_check_helo(const struct spf_query *q, struct spf_result *out)
{
	*out = (struct spf_result){ .helo = true };
	run(q, STR("postmaster"), q->helo, out);
}

void
spf_check(const struct spf_query *q, struct spf_result *out)
{
	if (q->domain.n == 0) {
		spf_check_helo(q, out);				/* 2.4 */
		return;
	}
	*out = (struct spf_result){};
	run(q, q->local.n > 0 ? q->local : STR("postmaster"), q->domain, out);
}
