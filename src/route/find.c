/* SPDX-License-Identifier: ISC */
/*
 * find: see find.h.
 */
#include "route/find.h"

#include "table/own.h"

bool
is_own_address(const struct route *r, struct ip ip)
{
	for (size_t i = 0; i < r->cfg->nlistener; i++)
		if (r->cfg->listener[i].path.n == 0 && ip_eq(r->cfg->listener[i].ip, ip))
			return true;
	for (size_t i = 0; i < r->nown; i++)
		if (ip_eq(r->own[i], ip))
			return true;
	return ip_is_loopback(ip) || tables_own_address(&r->tables, ip);
}

static const struct domain *
by_name(const struct config *cfg, struct str name, struct arena *a)
{
	const struct domain *d = config_domain(cfg, name);
	struct str other;

	if (d != NULL)
		return d;
	/* The same name may be written in U-labels here and in A-labels there. */
	if (domain_to_ascii(name, a, &other) && !str_eq(other, name) &&
	    (d = config_domain(cfg, other)) != NULL)
		return d;
	if (str_find(name, STR("xn--")) >= 0 && domain_to_utf8(name, a, &other) &&
	    (d = config_domain(cfg, other)) != NULL)
		return d;
	return NULL;
}

const struct domain *
find_domain(const struct route *r, const struct path *p, struct arena *a)
{
	const struct config *cfg = r->cfg;
	const struct domain *d, *main_domain = cfg->ndomain > 0 ? &cfg->domain[0] : NULL;

	if (p->domain.n == 0)				/* <Postmaster> */
		return main_domain;
	if (p->literal)
		return is_own_address(r, p->ip) ? main_domain : NULL;
	d = by_name(cfg, p->domain, a);
	if (d == NULL && domain_eq(p->domain, cfg->hostname))
		d = main_domain;
	return d;
}

const struct grant *
find_destination(const struct config *cfg, struct str domain)
{
	const struct grant *best = NULL;

	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];
		bool below = g->domain.n > 0 && g->domain.p[0] == '.';

		if (g->kind != GRANT_DESTINATION || (best != NULL && g->domain.n <= best->domain.n))
			continue;
		if (below ? domain.n > g->domain.n && str_iends(domain, g->domain) :
		    domain_eq(domain, g->domain))
			best = g;
	}
	return best;
}

bool
mailname_make(struct mailname *m, const struct path *p, struct arena *a)
{
	ssize_t at;

	m->local = p->local;
	m->whole = str_lower(a, path_local_plain(p, a));
	m->user = m->whole;
	m->detail = (struct str){};
	at = m->domain->detail != '\0' ? str_chr(m->whole, m->domain->detail) : -1;
	if (at > 0) {
		m->user = str_sub(m->whole, 0, (size_t)at);
		m->detail = str_skip(m->whole, (size_t)at + 1);
	}
	return m->whole.n > 0 || p->local.n == 0;
}

enum find
find_virtuser(const struct route *r, struct mailname *m, struct arena *a, struct str *packed)
{
	struct buf b;
	enum find f;

	if (m->domain->virtusers_file.n == 0)
		return FIND_NO;
	buf_init(&b, 1 << 20);
	f = tables_virtuser(&r->tables, m->domain->virtusers_file, m->local, m->domain->name, &b);
	if (f == FIND_YES) {
		*packed = str_dup(a, buf_str(&b));
		m->virtual = true;
		if (packed->n != b.n)
			f = FIND_LATER;
	}
	buf_done(&b);
	return f;
}

enum find
find_alias(const struct route *r, const struct mailname *m, struct arena *a, struct str *packed)
{
	struct str file = m->domain->aliases_file, found;
	enum find f;

	if (file.n == 0)
		return FIND_NO;
	f = tables_alias(&r->tables, file, m->whole, &found);
	if (f == FIND_NO && m->user.n < m->whole.n) {
		f = tables_alias(&r->tables, file, str_cat(a, m->user, STR("+*")), &found);
		if (f == FIND_NO)
			f = tables_alias(&r->tables, file, m->user, &found);
	}
	*packed = f == FIND_YES ? found : (struct str){};
	return f;
}

/* A file may name its users with or without their domain. */
static enum find
user_in_file(const struct route *r, const struct domain *d, struct str name,
    struct user_entry *out, struct arena *a)
{
	enum find f = tables_user(&r->tables, d->users_file, name, out);

	if (f == FIND_NO)
		f = tables_user(&r->tables, d->users_file, str_cat(a, name, STR("@"), d->name),
		    out);
	if (f == FIND_YES)
		out->home = str_dup(a, out->home);
	return f;
}

enum find
find_user(const struct route *r, struct mailname *m, struct user_entry *out, struct arena *a)
{
	const struct domain *d = m->domain;
	struct str names[2] = { m->whole, m->user };
	enum find f = FIND_NO;

	*out = (struct user_entry){};
	for (unsigned i = 0; i < 2 && f == FIND_NO; i++) {
		if (names[i].n == 0 || (i == 1 && names[1].n == names[0].n))
			continue;
		if (d->users == USERS_FILE)
			f = user_in_file(r, d, names[i], out, a);
		else if (d->users == USERS_SYSTEM)
			f = r->ops.user_find == NULL ? FIND_LATER :
			    r->ops.user_find(r->ops.arg, names[i], out, a);	/* suspends */
		if (f == FIND_YES && i == 0 && m->detail.n > 0) {	/* the name has it inside */
			m->user = m->whole;
			m->detail = (struct str){};
		}
	}
	return f;
}

enum find
find_forward(const struct route *r, const struct mailname *m, unsigned n, struct arena *a,
    struct forward_confirmed *out, bool *only)
{
	struct str target;
	enum find f;

	if (m->domain->forwards_file.n == 0)
		return FIND_NO;
	f = tables_forward(&r->tables, m->domain->forwards_file, m->user, n, &target, only);
	if (f != FIND_YES)
		return f;
	*out = (struct forward_confirmed){ .target = str_dup(a, target),
		.user = str_cat(a, m->user, STR("@"), m->domain->name) };
	return out->target.n > 0 && out->user.n > 0 ? FIND_YES : FIND_LATER;
}
