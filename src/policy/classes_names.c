/* SPDX-License-Identifier: ISC */
/*
 * classes_names: names of hosts, and addresses of senders and recipients.
 *
 * Domains that the configuration names form a trie: each node is a class, and so is a fresh name
 * below it; any other name behaves as its deepest node.  Of the access map, lines with equal values
 * that neither stand below a name of the configuration nor near another line are one class.
 */
#include "policy/classes.h"

#include "base/num.h"
#include "conf/config.h"

#define FRESH "proof-fresh"
#define FRESH_USER "proof-user"

void
classes_name(struct classes *c, struct str domain)
{
	if (domain.n > 0 && domain.p[0] == '.')
		domain = str_skip(domain, 1);
	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n == 0 || domain.p[0] == '[')
		return;
	domain = str_lower(&c->a, domain);
	while (domain.p && domain.n > 0 && !map_get(&c->names, domain)) {
		ssize_t dot = str_chr(domain, '.');

		(void)map_put(&c->names, domain, c);
		if (dot < 0)
			return;
		domain = str_skip(domain, (size_t)dot + 1);
	}
	c->failed |= !domain.p;
}

static void
name_of_address(struct classes *c, struct str text)
{
	struct str local, domain;

	if (addr_split(text, &local, &domain))
		classes_name(c, domain);
	else if (text.n > 1 && text.p[0] == '@')
		classes_name(c, str_skip(text, 1));
	else if (str_chr(text, ':') < 0 && str_chr(text, '.') >= 0)
		classes_name(c, text);
}

static void
names_of_config(struct classes *c, const struct config *cfg)
{
	classes_name(c, cfg->hostname);
	for (size_t i = 0; i < cfg->ndomain; i++)
		classes_name(c, cfg->domain[i].name);
	for (size_t i = 0; i < cfg->ngrant; i++) {
		classes_name(c, cfg->grant[i].domain);
		for (size_t k = 0; k < cfg->grant[i].nsending_as; k++)
			name_of_address(c, cfg->grant[i].sending_as[k]);
	}
	for (size_t i = 0; i < cfg->nmay_send; i++) {
		name_of_address(c, cfg->may_send[i].who);
		for (size_t k = 0; k < cfg->may_send[i].naddr; k++)
			name_of_address(c, cfg->may_send[i].addr[k]);
	}
}

/* ---- adding ---- */

/* Atoms are large: one at a time on the stack. */
static __attribute__((noinline)) void
add_path(struct classes *c, enum field field, const struct path *path)
{
	classes_add(c, field, (struct atom){ .path = *path });
}

static __attribute__((noinline)) void
add_host(struct classes *c, struct str name)
{
	classes_add(c, FIELD_HOST, (struct atom){ .name = name });
}

static void
add_address(struct classes *c, struct str local, struct str domain)
{
	struct path path = { .local = local, .domain = domain };

	add_path(c, FIELD_SENDER, &path);
	add_path(c, FIELD_RCPT, &path);
}

static void
add_domain(struct classes *c, struct str name)
{
	add_host(c, name);
	add_address(c, STR(FRESH), name);
}

static void
add_both(struct classes *c, struct str name)
{
	struct str child = str_cat(&c->a, STR(FRESH "."), name);

	add_domain(c, name);
	if (child.p && !map_get(&c->names, child))
		add_domain(c, child);
	c->failed |= !child.p;
}

static void
add_text(struct classes *c, struct str text)
{
	struct str local, domain, detail;

	if (!addr_split(text, &local, &domain) || local.n == 0)
		return;
	detail = str_cat(&c->a, local, STR("+" FRESH));
	add_address(c, local, domain);
	if (detail.p)
		add_address(c, detail, domain);
}

static void
add_literal(struct classes *c, const char *text, struct ip ip)
{
	struct path path = { .local = STR(FRESH), .domain = str_of(text), .literal = true,
	    .ip = ip };

	add_path(c, FIELD_SENDER, &path);
	add_path(c, FIELD_RCPT, &path);
}

static void
add_special(struct classes *c)
{
	static const struct path null = { .null = true };
	struct ip ip;

	add_host(c, (struct str){});
	add_path(c, FIELD_SENDER, &null);
	add_address(c, STR(FRESH), (struct str){});
	add_domain(c, STR(FRESH ".invalid"));
	if (ip_parse(STR("203.0.113.1"), &ip))
		add_literal(c, "[203.0.113.1]", ip);
	if (ip_parse(STR("127.0.0.1"), &ip))
		add_literal(c, "[127.0.0.1]", ip);
	for (size_t i = 0; i < c->ndoor; i++) {
		char room[IP_TEXT_MAX];
		struct str z;

		ip = c->door[i].server_ip;
		if (c->door[i].unix_socket || ip_is_any(ip))
			continue;
		z = str_fmt(&c->a, "[%s" STR_F "]", ip.v6 ? "IPv6:" : "",
		    STR_A(ip_format(ip, room)));
		if (z.p)
			add_literal(c, z.p, ip);
	}
}

/* Addresses of people whom the configuration names. */
static void
add_people(struct classes *c, const struct config *cfg)
{
	struct str home = cfg->ndomain > 0 ? cfg->domain[0].name : cfg->hostname;

	for (size_t i = 0; i < cfg->ndomain && i < 100; i++)
		add_address(c, STR(FRESH_USER), cfg->domain[i].name);
	add_address(c, STR(FRESH_USER), cfg->hostname);
	for (size_t i = 0; i < cfg->ngrant; i++)
		for (size_t k = 0; k < cfg->grant[i].nsending_as; k++)
			add_text(c, cfg->grant[i].sending_as[k]);
	for (size_t i = 0; i < cfg->nmay_send; i++) {
		struct str who = cfg->may_send[i].who, local, domain;

		if (str_istarts(who, STR("uid:")))
			who = str_skip(who, 4);
		if (str_istarts(who, STR("members:")))
			who = str_skip(who, 8);
		if (addr_split(who, &local, &domain)) {
			add_text(c, who);
		} else {
			add_address(c, who, home);
			add_address(c, who, cfg->hostname);
		}
		for (size_t k = 0; k < cfg->may_send[i].naddr; k++)
			add_text(c, cfg->may_send[i].addr[k]);
	}
}

/* ---- the access map ---- */

struct scan {
	struct classes *c;
	size_t policy;
	const struct access_map *m;
	struct map groups;
	struct idmap stands;
	struct str local[64];		/* of user@ keys, one for each value */
	size_t nlocal;
};

static bool
below_config(const struct classes *c, struct str name)
{
	while (name.n > 0) {
		ssize_t dot = str_chr(name, '.');

		if (map_get(&c->names, name))
			return true;
		if (dot < 0)
			return false;
		name = str_skip(name, (size_t)dot + 1);
	}
	return false;
}

/* Which names stand in the map, by their hash, and how often.  Two names with one hash look like
 * one that stands there twice: then both are looked at, and nothing is lost. */
static void
note_names(struct scan *s)
{
	struct access_entry e;
	uint64_t at = 0;

	while (access_next(s->m, &at, &e)) {
		uint64_t h;
		uintptr_t n;

		if (e.form != 'h' && e.form != 'a')
			continue;
		h = map_hash(e.name);
		n = (uintptr_t)idmap_get(&s->stands, h);
		(void)idmap_put(&s->stands, h, (void *)(n + 1));
	}
}

static bool
stands(const struct scan *s, struct str name, uintptr_t more_than)
{
	return (uintptr_t)idmap_get(&s->stands, map_hash(name)) > more_than;
}

/* Are there other lines that speak of that name, or of what it stands below? */
static bool
has_company(const struct scan *s, const struct access_entry *e)
{
	struct str name = e->name;
	ssize_t at = str_rchr(name, '@');

	if (stands(s, name, 1))
		return true;
	if (e->form == 'a' && stands(s, name = str_skip(name, (size_t)(at + 1)), 0))
		return true;
	while ((at = str_chr(name, '.')) >= 0) {
		name = str_skip(name, (size_t)at + 1);
		if (stands(s, name, 0))
			return true;
	}
	return false;
}

/* The first of its kind?  Kinds are few. */
static bool
is_new(struct scan *s, const struct access_entry *e)
{
	struct buf *b = &s->c->sig;
	struct str key;

	buf_reset(b);
	buf_putc(b, (char)e->tag);
	buf_putc(b, e->form);
	sign_hit(b, e->hit);
	if (map_get(&s->groups, buf_str(b)))
		return false;
	key = str_dup(&s->c->a, buf_str(b));
	(void)map_put(&s->groups, key, s);
	return true;
}

static void
scan_host(struct scan *s, const struct access_entry *e)
{
	struct classes *c = s->c;
	struct str child;

	if (!below_config(c, e->name) && !has_company(s, e) && !is_new(s, e))
		return;
	child = str_cat(&c->a, STR(FRESH "."), e->name);
	c->failed |= !child.p;
	add_domain(c, e->name);
	if (child.p)
		add_domain(c, child);
}

static void
scan_address(struct scan *s, const struct access_entry *e)
{
	struct str local, domain;

	if (!addr_split(e->name, &local, &domain))
		return;
	if (!below_config(s->c, domain) && !has_company(s, e) && !is_new(s, e))
		return;
	add_text(s->c, e->name);
	add_address(s->c, STR(FRESH), domain);
}

static void
scan_user(struct scan *s, const struct access_entry *e)
{
	if (!is_new(s, e))
		return;
	if (s->nlocal == COUNT(s->local))
		s->c->failed = true;
	else
		s->local[s->nlocal++] = str_sub(e->name, 0, e->name.n - 1);
}

static void
scan_map(struct scan *s)
{
	struct access_entry e;
	uint64_t at = 0;

	while (!s->c->failed && access_next(s->m, &at, &e)) {
		if (e.form == 'h')
			scan_host(s, &e);
		else if (e.form == 'a')
			scan_address(s, &e);
		else if (e.form == 'u')
			scan_user(s, &e);
	}
}

/* Names that count at every domain: user@ keys, and what looks like a route. */
static void
add_locals(struct classes *c, const struct scan *s)
{
	size_t nsender = c->n[FIELD_SENDER], nrcpt = c->n[FIELD_RCPT];

	for (size_t k = 0; k < s->nlocal; k++) {
		for (size_t i = 0; i < nsender; i++) {
			struct path p = c->atom[FIELD_SENDER][i].path;

			p.local = s->local[k];
			if (!p.null)
				add_path(c, FIELD_SENDER, &p);
		}
		for (size_t i = 0; i < nrcpt; i++) {
			struct path p = c->atom[FIELD_RCPT][i].path;

			p.local = s->local[k];
			add_path(c, FIELD_RCPT, &p);
		}
	}
}

void
classes_names(struct classes *c)
{
	struct scan s = { .c = c };
	struct str name;
	size_t at = 0;
	void *v;

	for (size_t i = 0; i < c->npolicy; i++)
		names_of_config(c, c->policy[i]->cfg);
	for (size_t i = 0; c->more && i < c->more->nname; i++)
		name_of_address(c, c->more->name[i]);
	add_special(c);
	while (!c->failed && map_next(&c->names, &at, &name, &v))
		add_both(c, name);
	for (size_t i = 0; i < c->npolicy; i++)
		add_people(c, c->policy[i]->cfg);
	for (size_t i = 0; c->more && i < c->more->nname; i++)
		add_text(c, c->more->name[i]);
	s.local[s.nlocal++] = STR(FRESH "%" FRESH);
	for (s.policy = 0; s.policy < c->npolicy; s.policy++) {
		s.m = &c->policy[s.policy]->access;
		note_names(&s);
		scan_map(&s);
		map_done(&s.groups);
		idmap_done(&s.stands);
	}
	add_locals(c, &s);
}
