/* SPDX-License-Identifier: ISC */
/*
 * classes_client: the address space, cut at every border that a configuration or map names.
 *
 * Networks are sorted and swept once; between two borders the open networks are a chain.  Networks
 * of the access map with equal values count as equal links, so that a map of a million lines has
 * few chains and each is looked at once.  IPv4 mapped into IPv6 is IPv4 (base/ip folds it).
 */
#include "policy/classes.h"

#include <stdlib.h>

#include "base/num.h"
#include "conf/config.h"

struct border {
	struct ip from, last;
	unsigned bits;
	uint32_t group;			/* equal ones cannot be told apart */
};

struct open { struct ip last; uint64_t chain; };
enum { OPEN_MAX = 260 };		/* lengths of both families */

struct sweep {
	struct classes *c;
	struct open *open;
	struct border *b;
	size_t n, cap;
	struct map groups;		/* value of an access line -> group */
	uint32_t ngroup;
	struct idmap chains;		/* parent chain and group -> chain */
	uint64_t nchain;
	struct idmap done;		/* chains that have their class */
};

static struct ip
last_of(struct net net)
{
	for (unsigned i = net.bits; i < (net.ip.v6 ? 128 : 32); i++)
		net.ip.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return net.ip;
}

static int
ip_order(struct ip a, struct ip b)
{
	if (a.v6 != b.v6)
		return a.v6 ? 1 : -1;
	return memcmp(a.b, b.b, a.v6 ? 16 : 4);
}

/* False: it was the last one of its family. */
static bool
ip_after(struct ip *ip)
{
	for (int i = ip->v6 ? 15 : 3; i >= 0; i--)
		if (++ip->b[i] != 0)
			return true;
	return false;
}

static struct ip
ip_before(struct ip ip)
{
	for (int i = ip.v6 ? 15 : 3; i >= 0; i--)
		if (ip.b[i]-- != 0)
			break;
	return ip;
}

static void
add(struct sweep *s, struct net net, uint32_t group)
{
	if (s->n == s->cap) {
		size_t cap = MAX(s->cap * 2, (size_t)256);
		struct border *more = realloc(s->b, cap * sizeof *more);

		if (!more) {
			s->c->failed = true;
			return;
		}
		s->b = more;
		s->cap = cap;
	}
	net = net_of(net.ip, net.bits);
	s->b[s->n++] = (struct border){ net.ip, last_of(net), net.bits, group };
}

static void
add_own(struct sweep *s, struct net net)
{
	add(s, net, ++s->ngroup);
}

static void
add_text(struct sweep *s, const char *z)
{
	struct net net;

	if (net_parse(str_of(z), &net))
		add_own(s, net);
}

static void
add_ip(struct sweep *s, struct ip ip)
{
	add_own(s, (struct net){ ip, ip.v6 ? 128 : 32 });
}

static void
add_nets(struct sweep *s, const struct nets *nets)
{
	for (size_t i = 0; i < nets->n; i++)
		add_own(s, nets->net[i]);
}

static void
add_config(struct sweep *s, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].kind == GRANT_NETWORK)
			add_own(s, cfg->grant[i].net);
	add_nets(s, &cfg->exempt);
	for (size_t i = 0; i < cfg->nlistener; i++) {
		add_nets(s, &cfg->listener[i].proxy_from);
		add_nets(s, &cfg->listener[i].xclient_from);
	}
}

static uint32_t
group_of(struct sweep *s, size_t policy, const struct access_entry *e)
{
	struct buf *b = &s->c->sig;
	void *found;
	struct str key;

	buf_reset(b);
	buf_putc(b, (char)policy);
	buf_putc(b, (char)e->tag);
	buf_putc(b, e->form);
	sign_hit(b, e->hit);
	found = map_get(&s->groups, buf_str(b));
	if (found)
		return (uint32_t)(uintptr_t)found;
	key = str_dup(&s->c->a, buf_str(b));
	(void)map_put(&s->groups, key, (void *)(uintptr_t)++s->ngroup);
	return s->ngroup;
}

static void
add_map(struct sweep *s, size_t policy)
{
	const struct access_map *m = &s->c->policy[policy]->access;
	struct access_entry e;
	uint64_t at = 0;

	while (access_next(m, &at, &e)) {
		if ((e.form != 'n' && e.form != 'b') || (e.tag != ACC_PLAIN &&
		    e.tag != ACC_CONNECT && e.tag != ACC_TLS_CLT))
			continue;
		add(s, e.net, group_of(s, policy, &e));
	}
}

static int
by_place(const void *x, const void *y)
{
	const struct border *a = x, *b = y;
	int order = ip_order(a->from, b->from);

	if (order == 0)
		order = (a->bits > b->bits) - (a->bits < b->bits);
	return order ? order : (a->group > b->group) - (a->group < b->group);
}

static uint64_t
chain_of(struct sweep *s, uint64_t parent, uint32_t group)
{
	uint64_t key = parent << 32 | group;
	void *found = idmap_get(&s->chains, key);

	if (found)
		return (uint64_t)(uintptr_t)found;
	(void)idmap_put(&s->chains, key, (void *)(uintptr_t)++s->nchain);
	return s->nchain;
}

static void
interval(struct sweep *s, uint64_t chain, struct ip from, struct ip last)
{
	if (idmap_get(&s->done, chain))
		return;
	(void)idmap_put(&s->done, chain, s);
	classes_add(s->c, FIELD_CLIENT, (struct atom){ .ip = from, .last = last });
}

/* One family, sorted; the first border is the whole space. */
static void
sweep(struct sweep *s, const struct border *b, size_t n)
{
	struct open *open = s->open;
	size_t depth = 0;
	struct ip at = n > 0 ? b[0].from : (struct ip){};
	bool more = n > 0;

	for (size_t i = 0; more && i <= n; i++) {
		/* What ends before the next begins. */
		while (depth > 0 && (i == n || ip_order(open[depth - 1].last, b[i].from) < 0)) {
			if (more && ip_order(at, open[depth - 1].last) <= 0) {
				interval(s, open[depth - 1].chain, at, open[depth - 1].last);
				at = open[depth - 1].last;
				more = ip_after(&at);
			}
			depth--;
		}
		if (i == n || !more)
			break;
		if (depth > 0 && ip_order(at, b[i].from) < 0)
			interval(s, open[depth - 1].chain, at, ip_before(b[i].from));
		at = b[i].from;
		if (depth == OPEN_MAX) {
			s->c->failed = true;
			return;
		}
		open[depth].chain = chain_of(s, depth ? open[depth - 1].chain : 0, b[i].group);
		open[depth++].last = b[i].last;
	}
}

void
classes_clients(struct classes *c)
{
	static const char *const fixed[] = {
		"0.0.0.0/32", "127.0.0.0/8", "::/128", "::1/128", "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10",
	};
	struct sweep s = { .c = c };
	struct ip plain;
	size_t four = 0;

	/* A better example than the first address of all, if it is of the same class. */
	if (ip_parse(STR("198.51.100.7"), &plain))
		classes_add(c, FIELD_CLIENT, (struct atom){ .ip = plain, .last = plain });

	add_own(&s, (struct net){});
	add_own(&s, (struct net){ .ip = { .v6 = true } });
	for (size_t i = 0; i < COUNT(fixed); i++)
		add_text(&s, fixed[i]);
	for (size_t i = 0; i < c->nown; i++)
		add_ip(&s, c->own[i]);
	for (size_t i = 0; i < c->ndoor; i++)
		if (!c->door[i].unix_socket)
			add_ip(&s, c->door[i].server_ip);
	for (size_t i = 0; i < c->npolicy; i++) {
		add_config(&s, c->policy[i]->cfg);
		add_map(&s, i);
	}
	for (size_t i = 0; c->more && i < c->more->nnet; i++)
		add_own(&s, c->more->net[i]);
	s.open = calloc(OPEN_MAX, sizeof *s.open);
	if (!c->failed && s.open) {
		qsort(s.b, s.n, sizeof *s.b, by_place);
		while (four < s.n && !s.b[four].from.v6)
			four++;
		sweep(&s, s.b, four);
		sweep(&s, s.b + four, s.n - four);
	}
	c->failed |= !s.open;
	free(s.open);
	free(s.b);
	map_done(&s.groups);
	idmap_done(&s.chains);
	idmap_done(&s.done);
}
