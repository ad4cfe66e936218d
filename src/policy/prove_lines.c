/* SPDX-License-Identifier: ISC */
/*
 * prove_lines: what is wrong with a line by itself, whatever anybody asks: P6, P7, P8.
 *
 * The configuration's own grammar refuses most of this with a better place; here it is held for
 * every set of grants, however it was made.
 */
#include "base/num.h"
#include "policy/prove_parts.h"

static void
note(struct prover *w, enum theorem t, struct str where, const char *what)
{
	struct finding *f = prove_note(w->p, t, str_cat(&w->p->a, where, STR(": "),
	    str_of(what)));

	if (f)
		f->where = str_dup(&w->p->a, where);
}

static const char *
host_text(struct arena *a, const char *before, struct net net, const char *after)
{
	char room[IP_TEXT_MAX];

	return str_z(a, str_fmt(a, "%s" STR_F "/%u%s", before, STR_A(ip_format(net.ip, room)),
	    net.bits, after));
}

/* ---- P6: networks ---- */

static bool
net_holds(struct net outer, struct net inner)
{
	return outer.bits <= inner.bits && net_has(outer, inner.ip);
}

static bool
is_private(struct net net)
{
	struct ip last = net.ip;

	for (unsigned i = net.bits; i < (net.ip.v6 ? 128 : 32); i++)
		last.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return ip_is_private(net.ip) && ip_is_private(last);
}

static const char *
net_wrong(const struct prover *w, struct net net, unsigned public_bits, bool narrowed)
{
	static const struct net shared = { .ip = { .b = { 100, 64 } }, .bits = 10 };
	unsigned least = is_private(net) ? (net.ip.v6 ? 7 : 8) : net.ip.v6 ? 32 : public_bits;

	if (net.bits < least)
		return " is wider than a network that is somebody's own: everybody in it could "
		    "send anywhere";
	if (net_holds(shared, net) && !narrowed)
		return " is address space that a provider shares among customers: name whom it "
		    "may send as (sending-as)";
	for (size_t i = 0; i < w->p->nown; i++)
		if (net.bits == (net.ip.v6 ? 128 : 32) && ip_eq(net.ip, w->p->own[i]))
			return " is an address of this host or of its gateway: whoever comes "
			    "through it would be trusted";
	return NULL;
}

static void
network(struct prover *w, const struct grant *g)
{
	bool all = g->net.bits < (g->net.ip.v6 ? 7 : 8);
	const char *why = g->test ? NULL : net_wrong(w, g->net, 24,
	    g->sending_any || g->nsending_as > 0);

	if (!g->test && ip_is_loopback(g->net.ip))
		why = " is this host itself";
	if (g->test && all)
		why = " is everybody";
	if (why)
		note(w, PROVE_P6, g->name, host_text(&w->p->a, "network ", g->net, why));
}

static void
on_relay(void *arg, const struct access_relay *r)
{
	struct prover *w = arg;
	const char *why = NULL;
	struct str where;

	if ((r->form == 'n' || r->form == 'b') && !ip_is_loopback(r->net.ip)) {
		why = net_wrong(w, r->net, 16, true);
		if (why)
			why = host_text(&w->p->a, "network ", r->net, why);
	} else if (r->form == 'h' && str_chr(r->name, '.') < 0 &&
	    !str_ieq(r->name, STR("localhost"))) {
		why = r->tag == ACC_TO ? "a whole top-level domain is nobody's" :
		    "everybody with a name in a whole top-level domain would be trusted";
	}
	if (!why)
		return;
	where = str_fmt(&w->p->a, STR_F ":%u", STR_A(w->p->policy->access.file), r->line);
	note(w, r->tag == ACC_TO ? PROVE_P8 : PROVE_P6, where, why);
}

/* ---- P7: certificates ---- */

static bool
is_pin(struct str pin)
{
	for (size_t i = 0; i < pin.n; i++)
		if (!ascii_isdigit(pin.p[i]) && (pin.p[i] < 'a' || pin.p[i] > 'f'))
			return false;
	return pin.n == 64;
}

static void
certificate(struct prover *w, const struct grant *g)
{
	const char *why = NULL;

	if (g->pin.n > 0 && !is_pin(g->pin))
		why = "a pin is the SHA-256 of a public key, 64 digits of lower case hex";
	else if (g->pin.n == 0 && (g->san.n == 0 || g->san.p[0] == '*'))
		why = "an authority vouches for one name: name it (san NAME)";
	else if (g->pin.n == 0 && g->ca_file.n == 0)
		why = "neither a pin nor an authority";
	else if (g->pin.n == 0 && w->p->ca_wrong)
		why = w->p->ca_wrong(g->ca_file);
	if (why)
		note(w, PROVE_P7, g->name, why);
}

/* ---- P8: lines without meaning ---- */

/* Whatever sender fits g fits h. */
static bool
as_wide(const struct grant *h, const struct grant *g)
{
	if (h->sending_any || h->test)
		return true;
	if (g->sending_any || g->test)
		return false;
	if (h->nsending_as == 0 || g->nsending_as == 0)
		return h->nsending_as == 0 && (g->nsending_as == 0 ||
		    h->kind == GRANT_AUTHENTICATED || h->kind == GRANT_LOCAL_UID ||
		    h->kind == GRANT_POP);
	for (size_t i = 0; i < g->nsending_as; i++) {
		size_t k = 0;

		while (k < h->nsending_as && !str_ieq(g->sending_as[i], h->sending_as[k]))
			k++;
		if (k == h->nsending_as)
			return false;
	}
	return true;
}

/* Is every address of the network in an earlier line as wide as g? */
static bool
net_taken(const struct config *cfg, size_t before, struct net net, const struct grant *g)
{
	bool inside = false;
	struct net low = net, high;

	for (size_t i = 0; i < before; i++) {
		const struct grant *h = &cfg->grant[i];

		if (h->kind != GRANT_NETWORK || !as_wide(h, g))
			continue;
		if (net_holds(h->net, net))
			return true;
		inside |= net_holds(net, h->net);
	}
	if (!inside)
		return false;
	low.bits++;
	high = low;
	high.ip.b[net.bits / 8] |= (uint8_t)(0x80 >> net.bits % 8);
	return net_taken(cfg, before, low, g) && net_taken(cfg, before, high, g);
}

static bool
covers_source(const struct grant *h, const struct grant *g)
{
	if (h->kind != g->kind || !as_wide(h, g))
		return false;
	switch (g->kind) {
	case GRANT_AUTHENTICATED:
	case GRANT_POP:
		return true;
	case GRANT_LOCAL_UID:
		return h->uid_any || (!g->uid_any && h->uid == g->uid);
	case GRANT_CERTIFICATE:
		return str_eq(h->pin, g->pin) && str_eq(h->ca_file, g->ca_file) &&
		    str_ieq(h->san, g->san);
	case GRANT_HOSTNAME:
		return str_ieq(h->domain, g->domain);
	case GRANT_NETWORK:
	case GRANT_DESTINATION:
		break;
	}
	return false;
}

static void
shadow(struct prover *w, size_t i)
{
	const struct config *cfg = w->p->policy->cfg;
	const struct grant *g = &cfg->grant[i];
	bool taken = g->kind == GRANT_NETWORK && net_taken(cfg, i, g->net, g);

	for (size_t k = 0; k < i && !taken; k++) {
		const struct grant *h = &cfg->grant[k];

		taken = covers_source(h, g) || (g->kind == GRANT_DESTINATION &&
		    h->kind == GRANT_DESTINATION && domain_eq(h->domain, g->domain));
	}
	if (taken)
		note(w, PROVE_P8, g->name,
		    "never speaks: lines before it cover all that it covers");
}

static bool
is_top(struct str domain)
{
	if (domain.n > 0 && domain.p[0] == '.')
		domain = str_skip(domain, 1);
	return domain.n == 0 || str_chr(domain, '.') < 0;
}

void
prove_lines(struct prover *w)
{
	const struct config *cfg = w->p->policy->cfg;

	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];

		if (g->kind == GRANT_NETWORK)
			network(w, g);
		if (g->kind == GRANT_CERTIFICATE)
			certificate(w, g);
		if (g->kind == GRANT_HOSTNAME && is_top(g->domain))
			note(w, PROVE_P6, g->name, "everybody with a name in a whole top-level "
			    "domain would be trusted");
		if (g->kind == GRANT_DESTINATION && is_top(g->domain))
			note(w, PROVE_P8, g->name, "a whole top-level domain is nobody's");
		shadow(w, i);
	}
	for (size_t i = 0; i < cfg->ndomain; i++)
		if (is_top(cfg->domain[i].name) && !cfg->test.on)
			note(w, PROVE_P8, str_fmt(&w->p->a, STR_F ":%u", STR_A(cfg->file),
			    cfg->domain[i].line), "a whole top-level domain is nobody's");
	access_relays(&w->p->policy->access, on_relay, w);
}
