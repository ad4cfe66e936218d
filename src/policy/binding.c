/* SPDX-License-Identifier: ISC */
/*
 * binding: see binding.h.
 *
 * Names of mailboxes of ours compare without regard to case, as delivery does.  Of aliases only
 * those count that lead to one place: a list has many readers and no owner.
 */
#include "policy/binding.h"

#include <stdio.h>

#include "base/num.h"
#include "policy/rules.h"

enum { ALIAS_DEPTH = 5 };

/* Whose addresses are asked for. */
struct holder {
	const struct policy *p;
	struct str user, domain;	/* a mailbox of ours; user empty: none */
	struct str login;		/* as the identity is called */
	bool uid;			/* of a user of the host ... */
	uint32_t number;
};

enum binding_of
binding_of(const struct facts *f)
{
	if (f->id.user.n > 0 || f->id.pop_user.n > 0)
		return BINDING_USER;
	/* Who speaks LMTP to us hands on what others wrote. */
	return f->id.local && f->listener != L_LMTP ? BINDING_UID : BINDING_NONE;
}

struct str
binding_name(const struct facts *f, char room[32])
{
	if (f->id.user.n > 0)
		return f->id.user;
	if (f->id.pop_user.n > 0)
		return f->id.pop_user;
	if (f->id.uid_name.n > 0)
		return f->id.uid_name;
	return str_from(room, (size_t)snprintf(room, 32, "uid:%u", f->id.uid));
}

/* Without the domain's detail: user+x is user. */
static struct str
without_detail(const struct domain *d, struct str local)
{
	ssize_t at = d != NULL && d->detail != 0 && local.n > 0 && local.p[0] != '"' ?
	    str_chr(local, d->detail) : -1;

	return at > 0 ? str_sub(local, 0, (size_t)at) : local;
}

static struct str
main_domain(const struct policy *p)
{
	return p->cfg->ndomain > 0 ? p->cfg->domain[0].name : p->cfg->hostname;
}

/* One of our mail domains; the name of the host is the main one. */
static const struct domain *
domain_of(const struct policy *p, struct str name)
{
	const struct domain *d = config_domain(p->cfg, name);

	if (d == NULL && domain_eq(name, p->cfg->hostname) && p->cfg->ndomain > 0)
		return &p->cfg->domain[0];
	return d;
}

static bool
is_mailbox(const struct holder *h, const struct domain *d, struct str local)
{
	return h->user.n > 0 && d != NULL && domain_eq(d->name, h->domain) &&
	    (str_ieq(local, h->user) || str_ieq(without_detail(d, local), h->user));
}

static enum find alias_leads(const struct holder *h, const struct domain *d, struct str local,
    unsigned depth);

/* Does one target of an alias of domain d lead to the holder? */
static enum find
target_leads(const struct holder *h, const struct domain *d, const struct target *t,
    unsigned depth)
{
	struct str local = t->text, domain = d->name;

	if (t->kind != TARGET_ADDRESS && t->kind != TARGET_EXACT)
		return FIND_NO;
	if (addr_split(t->text, &local, &domain))
		d = domain_of(h->p, domain);
	if (d == NULL)
		return FIND_NO;
	if (is_mailbox(h, d, local))
		return FIND_YES;
	return t->kind == TARGET_ADDRESS ? alias_leads(h, d, local, depth + 1) : FIND_NO;
}

/* An alias, or a line of the virtusers, whose only target is the holder. */
static enum find
alias_leads(const struct holder *h, const struct domain *d, struct str local, unsigned depth)
{
	struct str packed = {};
	struct target t;
	enum find f = FIND_NO;

	if (depth > ALIAS_DEPTH || h->p->tables == NULL)
		return FIND_NO;
	if (d->aliases_file.n > 0) {
		f = tables_alias(h->p->tables, d->aliases_file, local, &packed);
		if (f == FIND_NO)
			f = tables_alias(h->p->tables, d->aliases_file,
			    without_detail(d, local), &packed);
	}
	if (f != FIND_YES)
		return f;
	if (!targets_next(&packed, &t) || packed.n > 0)
		return FIND_NO;
	return target_leads(h, d, &t, depth);
}

static enum find
virtuser_leads(const struct holder *h, const struct domain *d, struct str local)
{
	char room[1024];
	struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };
	struct str packed;
	struct target t;
	enum find f;

	if (d->virtusers_file.n == 0 || h->p->tables == NULL)
		return FIND_NO;
	f = tables_virtuser(h->p->tables, d->virtusers_file, local, d->name, &b);
	if (f != FIND_YES)
		return b.failed ? FIND_NO : f;
	packed = buf_str(&b);
	if (!targets_next(&packed, &t) || packed.n > 0)
		return FIND_NO;
	return target_leads(h, d, &t, 0);
}

/* ---- may-send lines ---- */

/* Is the holder one of those to whom that alias leads? */
static enum find
is_member(const struct holder *h, struct str list)
{
	struct str local, domain, packed;
	const struct domain *d;
	struct target t;
	enum find f;

	if (!addr_split(list, &local, &domain) || (d = domain_of(h->p, domain)) == NULL ||
	    d->aliases_file.n == 0 || h->p->tables == NULL)
		return FIND_NO;
	f = tables_alias(h->p->tables, d->aliases_file, local, &packed);
	while (f == FIND_YES && targets_next(&packed, &t))
		if (target_leads(h, d, &t, 0) == FIND_YES)
			return FIND_YES;
	return f == FIND_LATER ? f : FIND_NO;
}

static enum find
line_is_for(const struct holder *h, struct str who)
{
	struct str local, domain;
	uint32_t uid;

	if (str_istarts(who, STR("uid:"))) {
		who = str_skip(who, 4);
		if (!h->uid)
			return FIND_NO;
		return (num_parse_u32(who, &uid) ? uid == h->number : str_eq(who, h->login)) ?
		    FIND_YES : FIND_NO;
	}
	if (str_istarts(who, STR("members:")))
		return is_member(h, str_skip(who, 8));
	if (h->user.n == 0)
		return FIND_NO;
	if (!addr_split(who, &local, &domain))
		return str_ieq(who, h->login) ? FIND_YES : FIND_NO;
	return is_mailbox(h, domain_of(h->p, domain), local) ? FIND_YES : FIND_NO;
}

static bool
pattern_fits(struct str want, struct str local, struct str domain)
{
	struct str wlocal, wdomain;

	if (want.n > 1 && want.p[0] == '@')
		return domain_eq(str_skip(want, 1), domain);
	return addr_split(want, &wlocal, &wdomain) && str_ieq(wlocal, local) &&
	    domain_eq(wdomain, domain);
}

static enum find
lines_cover(const struct holder *h, struct str local, struct str domain)
{
	const struct config *cfg = h->p->cfg;
	enum find later = FIND_NO;

	for (size_t i = 0; i < cfg->nmay_send; i++) {
		const struct may_send *m = &cfg->may_send[i];

		for (size_t k = 0; k < m->naddr; k++) {
			enum find f;

			if (!pattern_fits(m->addr[k], local, domain) &&
			    !pattern_fits(m->addr[k],
			    without_detail(config_domain(cfg, domain), local), domain))
				continue;
			f = line_is_for(h, m->who);
			if (f == FIND_YES)
				return f;
			if (f == FIND_LATER)
				later = f;
		}
	}
	return later;
}

static enum find
holder_covers(const struct holder *h, struct str local, struct str domain)
{
	const struct domain *d = domain_of(h->p, domain);
	enum find f, g;

	if (is_mailbox(h, d, local))
		return FIND_YES;
	f = lines_cover(h, local, domain);
	if (f == FIND_YES || d == NULL || h->user.n == 0)
		return f;
	g = alias_leads(h, d, local, 0);
	if (g == FIND_NO)
		g = virtuser_leads(h, d, local);
	return g == FIND_NO ? f : g;
}

enum find
binding_user_covers(const struct policy *p, struct str user, struct str local, struct str domain)
{
	struct holder h = { .p = p, .login = user, .user = user, .domain = main_domain(p) };

	if (addr_split(user, &h.user, &h.domain) && domain_of(p, h.domain) == NULL)
		h.user = (struct str){};		/* a login that is no mailbox of ours */
	else if (domain_eq(h.domain, p->cfg->hostname))
		h.domain = main_domain(p);
	/* A login outside our domains may still be an address of its own. */
	if (h.user.n == 0) {
		struct str l, d;

		if (addr_split(user, &l, &d) && str_ieq(l, local) && domain_eq(d, domain))
			return FIND_YES;
	}
	return holder_covers(&h, local, domain);
}

/* ---- users of this host ---- */

/* Has the main domain somebody of that name who need not be this user? */
static enum find
name_is_taken(const struct policy *p, const struct domain *d, struct str name)
{
	struct user_entry u;
	struct str packed;
	enum find f = FIND_NO;

	if (d->users == USERS_SYSTEM)
		return FIND_NO;
	if (p->tables == NULL)
		return FIND_NO;
	if (d->users == USERS_FILE)
		f = tables_user(p->tables, d->users_file, name, &u);
	if (f == FIND_NO && d->aliases_file.n > 0)
		f = tables_alias(p->tables, d->aliases_file, name, &packed);
	return f;
}

static enum find
uid_covers(const struct policy *p, const struct facts *f, struct str local, struct str domain)
{
	struct holder h = { .p = p, .login = f->id.uid_name, .uid = true, .number = f->id.uid };
	const struct domain *d = domain_of(p, domain);
	char room[32];		/* without an account it is called uid4242, as sendmail does */
	struct str name = f->id.uid_name, at_host = name.n > 0 ? name :
	    str_from(room, (size_t)snprintf(room, sizeof room, "uid%u", f->id.uid));
	enum find taken;

	if (f->id.uid == 0 && (d != NULL || domain_eq(domain, p->cfg->hostname)))
		return FIND_YES;
	if (domain_eq(domain, p->cfg->hostname) &&
	    (str_ieq(local, at_host) || str_ieq(without_detail(d, local), at_host)))
		return FIND_YES;
	if (name.n > 0 && p->cfg->ndomain > 0) {
		taken = name_is_taken(p, &p->cfg->domain[0], name);
		if (taken == FIND_LATER && d != NULL)
			return taken;
		if (taken == FIND_NO)
			h.user = name, h.domain = main_domain(p);
	}
	return holder_covers(&h, local, domain);
}

enum find
binding_covers(const struct policy *p, const struct facts *f, struct str local,
    struct str domain)
{
	switch (binding_of(f)) {
	case BINDING_USER:
		return binding_user_covers(p, f->id.user.n > 0 ? f->id.user : f->id.pop_user,
		    local, domain);
	case BINDING_UID:
		return uid_covers(p, f, local, domain);
	case BINDING_NONE:
		break;
	}
	return FIND_NO;
}

bool
binding_narrow(const struct policy *p, const struct grant_hit *g, struct str local,
    struct str domain)
{
	const struct grant *line = g->line_of;

	if (line == NULL || line->sending_any || line->test)
		return true;
	for (size_t i = 0; i < line->nsending_as; i++) {
		struct str want = line->sending_as[i], wlocal, wdomain;

		if (addr_split(want, &wlocal, &wdomain) ? pattern_fits(want, local, domain) :
		    want.n > 1 && want.p[0] == '.' ? domain_under(domain, str_skip(want, 1)) &&
		    !domain_eq(domain, str_skip(want, 1)) : domain_eq(want, domain))
			return true;
	}
	if (line->nsending_as > 0)
		return false;
	switch (line->kind) {
	case GRANT_NETWORK:
	case GRANT_CERTIFICATE:
	case GRANT_HOSTNAME:
		return domain_of(p, domain) != NULL || policy_own_under(p, domain);
	case GRANT_AUTHENTICATED:
	case GRANT_LOCAL_UID:
	case GRANT_POP:
	case GRANT_DESTINATION:
		break;
	}
	return true;
}
