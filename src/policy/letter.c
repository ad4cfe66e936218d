/* SPDX-License-Identifier: ISC */
/*
 * letter: what the configuration says by its letter: who is entitled, what is ours.
 *
 * The theorems compare what the rules answer with this.  So it is written a second time here, as
 * plainly as possible, and shares nothing with grants.c but the look-ups of the access map.
 */
#include "policy/classes.h"

#include "conf/config.h"

static bool
bits_equal(struct ip a, struct ip b, unsigned bits)
{
	if (a.v6 != b.v6)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if ((a.b[i / 8] ^ b.b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

bool
letter_trusts(const struct policy *p, struct ip ip)
{
	bool by_name;

	for (size_t i = 0; i < p->cfg->ngrant; i++) {
		const struct grant *g = &p->cfg->grant[i];

		if (g->kind == GRANT_NETWORK && bits_equal(ip, g->net.ip, g->net.bits) &&
		    (g->test || !ip_is_loopback(ip)))
			return true;
	}
	return !ip_is_loopback(ip) &&
	    access_relay_client(&p->access, ip, STR(""), &by_name).act == ACC_RELAY;
}

/* ".x" is what is below x, "x" is x. */
static bool
name_covers(struct str want, struct str name)
{
	if (want.n == 0 || name.n == 0)
		return false;
	if (want.p[0] == '.')
		return name.n > want.n && str_iends(name, want);
	return str_ieq(want, name);
}

struct asked { struct str host; bool exact, yes; };

static void
on_relay_line(void *arg, const struct access_relay *r)
{
	struct asked *q = arg;

	if (r->form != 'h' || (r->tag != ACC_PLAIN && r->tag != ACC_CONNECT))
		return;
	q->yes |= str_ieq(r->name, q->host) || (!q->exact && q->host.n > r->name.n + 1 &&
	    q->host.p[q->host.n - r->name.n - 1] == '.' && str_iends(q->host, r->name));
}

bool
letter_trusts_host(const struct policy *p, struct str host)
{
	struct asked q = { host, p->access.exact_hosts, false };

	if (host.n == 0)
		return false;
	for (size_t i = 0; i < p->cfg->ngrant; i++)
		if (p->cfg->grant[i].kind == GRANT_HOSTNAME &&
		    name_covers(p->cfg->grant[i].domain, host))
			return true;
	if (access_domain(&p->access, ACC_CONNECT, host).act != ACC_RELAY)
		return false;
	access_relays(&p->access, on_relay_line, &q);
	return q.yes;
}

static bool
is_ours(const struct policy *p, const struct path *path, const struct classes *c)
{
	if (path->domain.n == 0)
		return true;			/* <Postmaster> */
	if (!path->literal)
		return config_domain(p->cfg, path->domain) != NULL ||
		    domain_eq(path->domain, p->cfg->hostname);
	for (size_t i = 0; i < c->nown; i++)
		if (ip_eq(c->own[i], path->ip))
			return true;
	for (size_t i = 0; i < p->cfg->nlistener; i++)
		if (p->cfg->listener[i].path.n == 0 && ip_eq(p->cfg->listener[i].ip, path->ip))
			return true;
	return ip_is_loopback(path->ip);
}

static const struct grant *
destination(const struct policy *p, const struct path *path)
{
	for (size_t i = 0; i < p->cfg->ngrant; i++)
		if (p->cfg->grant[i].kind == GRANT_DESTINATION && !path->literal &&
		    name_covers(p->cfg->grant[i].domain, path->domain))
			return &p->cfg->grant[i];
	return NULL;
}

void
letter_dest(const struct policy *p, const struct path *path, const struct classes *c,
    struct side *out)
{
	static const enum dest ours[TURN_COUNT] = {
		DEST_LOCAL, DEST_UNKNOWN, DEST_DISABLED, DEST_FULL, DEST_LATER,
	};
	const struct grant *g;

	out->foreign = false;
	if (is_ours(p, path, c)) {
		memcpy(out->dest, ours, sizeof ours);
		return;
	}
	g = destination(p, path);
	for (size_t i = 0; i < TURN_COUNT; i++)
		out->dest[i] = g ? DEST_RELAYED : DEST_REMOTE;
	if (g && g->recipients_file.n > 0) {
		out->dest[TURN_MISSING] = DEST_UNKNOWN;
		out->dest[TURN_LATER] = DEST_LATER;
	}
	out->foreign = !g && access_relay_to(&p->access, path).act != ACC_RELAY;
}
