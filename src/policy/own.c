/* SPDX-License-Identifier: ISC */
/*
 * own: which names are ours, whom the configuration makes exceptions for, and for which recipients.
 */
#include "base/num.h"
#include "conf/config.h"
#include "policy/binding.h"
#include "policy/rules.h"

const struct sender_facts *
rule_who(const struct facts *f)
{
	static const struct sender_facts nobody;

	return f->who ? f->who : &nobody;
}

bool
policy_judges(const struct policy *p, const struct facts *f)
{
	return f->listener == L_MX && !(p->cfg->test.on && !p->cfg->test.check_senders) &&
	    binding_of(f) == BINDING_NONE && rule_stranger(p, f);
}

/* Configured and written names may differ in script (U-label, A-label). */
static bool
foreign_script(struct str d)
{
	for (size_t i = 0; i < d.n; i++)
		if ((unsigned char)d.p[i] > 127 || str_istarts(str_skip(d, i), STR("xn--")))
			return true;
	return false;
}

static struct str
one_of_ours(const struct policy *p, struct str d)
{
	const struct domain *is = config_domain(p->cfg, d);

	if (is)
		return is->name;
	for (size_t i = 0; foreign_script(d) && i < p->cfg->ndomain; i++)
		if (domain_eq(p->cfg->domain[i].name, d))
			return p->cfg->domain[i].name;
	return (struct str){};
}

struct str
own_root(const struct policy *p, struct str d)
{
	struct str is = {};

	if (d.n > 0 && d.p[d.n - 1] == '.')
		d.n--;
	while (d.n > 0 && is.n == 0) {
		ssize_t dot = str_chr(d, '.');

		is = one_of_ours(p, d);
		d = dot < 0 ? (struct str){} : str_skip(d, (size_t)dot + 1);
	}
	return is;
}

bool
own_aligned(const struct policy *p, struct str x, struct str d)
{
	struct str ours = own_root(p, d);

	return ours.n > 0 && (domain_under(x, d) || str_eq(ours, own_root(p, x)));
}

bool
exception_over(const struct exception *x, const struct facts *f)
{
	return x->until_s > 0 && rule_who(f)->now_s >= x->until_s;
}

bool
own_declared(const struct policy *p, const struct facts *f, struct str x)
{
	const struct senders_conf *c = &p->cfg->senders;

	for (size_t i = 0; i < c->noutside; i++)
		if (domain_under(x, c->outside[i].domain) && !exception_over(&c->outside[i].x, f))
			return true;
	return false;
}

/* "local@domain" or "@domain" */
static bool
address_fits(struct str want, struct str local, struct str domain)
{
	ssize_t at = str_rchr(want, '@');

	return at >= 0 && domain_eq(str_skip(want, (size_t)at + 1), domain) &&
	    (at == 0 || str_ieq(str_sub(want, 0, (size_t)at), local));
}

/* A recipient of that list, its +detail not counted. */
static bool
rcpt_fits(const struct policy *p, const struct path *rcpt, const struct str *to, size_t nto)
{
	struct str local = rcpt->local, domain = rcpt->domain;
	const struct domain *d;
	ssize_t detail;

	if (domain.n == 0 && p->cfg->ndomain > 0)
		domain = p->cfg->domain[0].name;
	d = config_domain(p->cfg, domain);
	detail = d && d->detail ? str_chr(local, d->detail) : -1;
	for (size_t i = 0; i < nto; i++)
		if (address_fits(to[i], local, domain) || (detail > 0 &&
		    address_fits(to[i], str_sub(local, 0, (size_t)detail), domain)))
			return true;
	return false;
}

static uint64_t forwarder_bit(size_t i) { return (uint64_t)1 << i; }
static uint64_t allowed_bit(size_t i) { return (uint64_t)1 << (FORWARDERS_MAX + i); }
_Static_assert(FORWARDERS_MAX + ALLOWED_MAX <= 64, "one bit each");

uint64_t
policy_rcpt_class(const struct policy *p, const struct facts *f)
{
	const struct senders_conf *c = &p->cfg->senders;
	uint64_t is = 0;

	for (size_t i = 0; i < c->nforwarder && i < FORWARDERS_MAX; i++)
		if (rcpt_fits(p, f->rcpt, c->forwarder[i].to, c->forwarder[i].nto))
			is |= forwarder_bit(i);
	for (size_t i = 0; i < c->nallowed && i < ALLOWED_MAX; i++)
		if (rcpt_fits(p, f->rcpt, c->allowed[i].to, c->allowed[i].nto))
			is |= allowed_bit(i);
	return is;
}

bool
rule_allowed(const struct policy *p, const struct facts *f)
{
	const struct senders_conf *c = &p->cfg->senders;
	const struct sender_facts *w = rule_who(f);

	for (size_t i = 0; i < c->nallowed; i++) {
		const struct allowed_author *a = &c->allowed[i];

		if (w->domain.n > 0 && address_fits(a->who, w->local, w->domain) &&
		    (a->nto == 0 || (i < ALLOWED_MAX && (f->first_class & allowed_bit(i)))) &&
		    !exception_over(&a->x, f))
			return true;
	}
	return false;
}

/* Is it that forwarder who speaks to us? */
static bool
verified(const struct forwarder *f, const struct facts *facts)
{
	const struct sender_facts *w = rule_who(facts);

	switch (f->via) {
	case VIA_SPF_HOST:
		return (w->helo_domain.n > 0 && domain_under(w->helo_domain, f->name)) ||
		    (w->spf == AUTH_PASS && !w->spf_weak && domain_under(w->spf_domain, f->name));
	case VIA_DKIM:
		for (size_t i = 0; i < w->nsigner; i++)
			if (!w->signer[i].unsure && domain_under(w->signer[i].domain, f->name))
				return true;
		return false;
	case VIA_CERT:
		return facts->peer != NULL &&
		    str_eq(str_from(facts->peer->pin, TLS_PIN_TEXT), f->pin);
	case VIA_NET:
		return facts->have_ip && net_has(f->net, facts->ip);
	}
	return false;
}

bool
rule_forwarded(const struct policy *p, const struct facts *f, bool *inbox)
{
	const struct senders_conf *c = &p->cfg->senders;
	bool found = false;

	*inbox = false;
	for (size_t i = 0; i < c->nforwarder && i < FORWARDERS_MAX; i++) {
		const struct forwarder *one = &c->forwarder[i];

		if ((one->nto == 0 || (f->first_class & forwarder_bit(i))) &&
		    !exception_over(&one->x, f) && verified(one, f)) {
			found = true;
			*inbox |= one->inbox;
		}
	}
	return found;
}
