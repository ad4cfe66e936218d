/* SPDX-License-Identifier: ISC */
/*
 * statements_relay: the closed list of grants.
 *
 * A grant is what lets somebody send elsewhere through this server.  The grammar has exactly the
 * seven kinds of enum grant_kind, and no word by which a sender address could be one: what looks
 * like an attempt is refused with the reason.  Networks too wide to be somebody's own are refused.
 */
#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

static struct grant *
grant_push(struct reader *r, const struct node *n, enum grant_kind kind)
{
	struct config *cfg = r->cfg;
	struct grant *g = read_push(r, (void **)&cfg->grant, &cfg->ngrant, sizeof *g);

	if (g != NULL)
		*g = (struct grant){ .kind = kind, .line = n->word[0].line,
		    .name = str_fmt(r->a, STR_F ":%u", STR_A(cfg->file), n->word[0].line) };
	return g;
}

/* How wide a network may be that can still be somebody's own (the proof's P6). */
static const char *
net_trustable(const struct net *net)
{
	bool private = ip_is_private(net->ip) && ip_is_private(net_of(net->ip, net->bits).ip);

	if (ip_is_loopback(net->ip))
		return "is this host itself: local users have 'relay from local-uid'";
	if (net->bits < (net->ip.v6 ? (private ? 7u : 32u) : (private ? 8u : 24u)))
		return private ? "is wider than a private network can be" :
		    "is wider than anybody's own network (/24, or /32 of IPv6, at most)";
	return NULL;
}

/* The words behind a grant that narrow it: [sending-as X ...]; gives them to the grants from
 * first on. */
static void
read_sending_as(struct reader *r, const struct node *n, size_t at, size_t first)
{
	struct str *list = NULL;
	size_t nlist = 0;

	if (at < n->nword && !str_eq(n->word[at].s, STR("sending-as"))) {
		(void)read_ok(r, &n->word[at], "is not expected here (sending-as DOMAIN ...?)");
		return;
	}
	if (at + 1 == n->nword)
		read_error(r, &n->word[at], "sending-as names nobody");
	if (at + 2 == n->nword && str_eq(n->word[at + 1].s, STR("any"))) {
		for (size_t i = first; i < r->cfg->ngrant; i++)
			r->cfg->grant[i].sending_any = true;
		return;
	}
	for (size_t i = at + 1; i < n->nword; i++) {
		const struct word *w = &n->word[i];
		ssize_t sep = str_rchr(w->s, '@');
		struct str domain = str_skip(w->s, (size_t)(sep + 1)), *to;

		if (domain.n > 1 && domain.p[0] == '.' && sep < 0)
			domain = str_skip(domain, 1);
		if (!read_ok(r, w, value_domain(domain, r->a, &domain)))
			continue;
		to = read_push(r, (void **)&list, &nlist, sizeof *list);
		if (to != NULL)
			*to = str_lower(r->a, w->s);
	}
	for (size_t i = first; i < r->cfg->ngrant; i++) {
		r->cfg->grant[i].sending_as = list;
		r->cfg->grant[i].nsending_as = nlist;
	}
}

static bool
is_narrowing(const struct node *n, size_t at)
{
	return str_eq(n->word[at].s, STR("sending-as"));
}

static size_t
read_networks(struct reader *r, const struct node *n, size_t at)
{
	if (at == n->nword || is_narrowing(n, at))
		read_error(r, &n->word[at - 1], "names no network");
	for (; at < n->nword && !is_narrowing(n, at); at++) {
		struct net net;
		struct grant *g;

		if (!read_ok(r, &n->word[at], value_net(n->word[at].s, &net)) ||
		    !read_ok(r, &n->word[at], net_trustable(&net)))
			continue;
		g = grant_push(r, n, GRANT_NETWORK);
		if (g != NULL)
			g->net = net;
	}
	return at;
}

static size_t
read_uids(struct reader *r, const struct node *n, size_t at)
{
	if (at == n->nword || is_narrowing(n, at))
		read_error(r, &n->word[at - 1], "names no user id (numbers, or any)");
	for (; at < n->nword && !is_narrowing(n, at); at++) {
		uint32_t uid = 0;
		bool any = str_eq(n->word[at].s, STR("any"));
		struct grant *g;

		if (!any && !num_parse_u32(n->word[at].s, &uid)) {
			(void)read_ok(r, &n->word[at], "is not a numeric user id");
			continue;
		}
		g = grant_push(r, n, GRANT_LOCAL_UID);
		if (g != NULL) {
			g->uid = uid;
			g->uid_any = any;
		}
	}
	return at;
}

static bool
is_sha256(struct str s)
{
	size_t hex = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (ascii_isxdigit(s.p[i]))
			hex++;
		else if (s.p[i] != ':')
			return false;
	}
	return hex == 64;
}

/* certificate pin HASH | certificate ca FILE san NAME */
static size_t
read_certificate(struct reader *r, const struct node *n, size_t at)
{
	struct grant *g = grant_push(r, n, GRANT_CERTIFICATE);

	if (g == NULL)
		return n->nword;
	if (at + 1 < n->nword && str_eq(n->word[at].s, STR("pin"))) {
		g->pin = str_lower(r->a, n->word[at + 1].s);
		if (str_starts(g->pin, STR("sha256:")))
			g->pin = str_skip(g->pin, 7);
		if (!is_sha256(g->pin))
			(void)read_ok(r, &n->word[at + 1], "is not a SHA-256 pin (64 hex digits)");
		return at + 2;
	}
	if (at + 3 < n->nword && str_eq(n->word[at].s, STR("ca")) &&
	    str_eq(n->word[at + 2].s, STR("san"))) {
		(void)read_ok(r, &n->word[at + 1],
		    value_path(n->word[at + 1].s, r->dir, r->a, &g->ca_file));
		(void)read_ok(r, &n->word[at + 3],
		    value_domain(n->word[at + 3].s, r->a, &g->san));
		return at + 4;
	}
	read_error(r, &n->word[at - 1],
	    "write: certificate pin HASH, or certificate ca FILE san NAME (a CA alone is no "
	    "grant)");
	return n->nword;
}

static size_t
read_pop(struct reader *r, const struct node *n, size_t at)
{
	struct grant *g = grant_push(r, n, GRANT_POP);

	if (g == NULL)
		return n->nword;
	g->pop_ms = 10 * 60'000;
	if (at + 1 < n->nword && str_eq(n->word[at].s, STR("for"))) {
		if (read_ok(r, &n->word[at + 1], value_ms(n->word[at + 1].s, &g->pop_ms)) &&
		    (g->pop_ms <= 0 || g->pop_ms > 30 * 60'000))
			(void)read_ok(r, &n->word[at + 1], "is out of range (at most 30m)");
		return at + 2;
	}
	return at;
}

static void
relay_from(struct reader *r, const struct node *n)
{
	size_t first = r->cfg->ngrant, at = 3;
	const struct word *w = &n->word[2];

	if (str_eq(w->s, STR("authenticated"))) {
		(void)grant_push(r, n, GRANT_AUTHENTICATED);
	} else if (str_eq(w->s, STR("network"))) {
		at = read_networks(r, n, at);
	} else if (str_eq(w->s, STR("local-uid"))) {
		at = read_uids(r, n, at);
	} else if (str_eq(w->s, STR("certificate"))) {
		at = read_certificate(r, n, at);
	} else if (str_eq(w->s, STR("pop-login"))) {
		at = read_pop(r, n, at);
	} else if (str_eq(w->s, STR("host")) || str_eq(w->s, STR("hostname"))) {
		read_error(r, w, "a host name is a grant only as a RELAY line of an access map, "
		    "where "
		    "forward and reverse DNS are compared; a network or a certificate is better");
		return;
	} else if (str_eq(w->s, STR("sender")) || str_eq(w->s, STR("domain")) ||
	    str_eq(w->s, STR("address")) || str_chr(w->s, '@') >= 0) {
		read_error(r, w, "a sender can never be a grant: anybody can write one. It can "
		    "narrow "
		    "a grant: relay from network 192.0.2.0/24 sending-as example.org");
		return;
	} else {
		read_error(r, w, "'" STR_F "' is no kind of grant (authenticated, network, "
		    "local-uid, "
		    "certificate, pop-login)", (int)MIN(w->s.n, (size_t)60), w->s.p);
		return;
	}
	if (at < n->nword)
		read_sending_as(r, n, at, first);
}

/* relay to domain NAME ... [via HOP] [recipients FILE] */
static void
relay_to(struct reader *r, const struct node *n)
{
	size_t first = r->cfg->ngrant, at = 3;
	struct str via = {}, file = {};

	if (n->nword < 4 || !str_eq(n->word[2].s, STR("domain"))) {
		read_error(r, &n->word[1], "write: relay to domain NAME ... [via HOP]");
		return;
	}
	for (; at < n->nword && !str_eq(n->word[at].s, STR("via")) &&
	    !str_eq(n->word[at].s, STR("recipients")); at++) {
		struct str d = n->word[at].s, name;
		bool below = d.n > 1 && d.p[0] == '.';

		if (str_eq(d, STR("*"))) {
			(void)read_ok(r, &n->word[at], "would make an open relay");
			continue;
		}
		if (!read_ok(r, &n->word[at],
		    value_domain(below ? str_skip(d, 1) : d, r->a, &name)))
			continue;
		if (str_chr(name, '.') < 0) {
			(void)read_ok(r, &n->word[at], "is a whole top-level domain");
			continue;
		}
		struct grant *g = grant_push(r, n, GRANT_DESTINATION);

		if (g != NULL)
			g->domain = below ? str_cat(r->a, STR("."), name) : name;
	}
	for (; at + 1 < n->nword; at += 2) {
		struct hop hop;

		if (str_eq(n->word[at].s, STR("via"))) {
			if (read_ok(r, &n->word[at + 1], value_hop(n->word[at + 1].s, r->a, &hop)))
				via = n->word[at + 1].s;
		} else if (str_eq(n->word[at].s, STR("recipients"))) {
			(void)read_ok(r, &n->word[at + 1],
			    value_path(n->word[at + 1].s, r->dir, r->a, &file));
		} else {
			break;
		}
	}
	if (at < n->nword)
		(void)read_ok(r, &n->word[at], "is not expected here (via HOP, recipients FILE)");
	for (size_t i = first; i < r->cfg->ngrant; i++) {
		r->cfg->grant[i].via = via;
		r->cfg->grant[i].recipients_file = file;
	}
}

void
take_relay(struct reader *r, const struct node *n, void *base)
{
	(void)base;					/* grants go into the snapshot itself */
	if (n->nword >= 3 && !n->block && str_eq(n->word[1].s, STR("from")))
		relay_from(r, n);
	else if (n->nword >= 3 && !n->block && str_eq(n->word[1].s, STR("to")))
		relay_to(r, n);
	else
		read_error(r, &n->word[0],
		    "write: relay from WHOM ..., or relay to domain NAME ...");
}

/* may-send WHO ADDRESS ... */
void
take_may_send(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;
	struct may_send *m;
	struct str who, local, domain;

	if (n->nword < 3 || n->block) {
		read_error(r, &n->word[0], "write: may-send WHO ADDRESS ...");
		return;
	}
	who = n->word[1].s;
	if (str_starts(who, STR("members:")) && str_chr(who, '@') < 0)
		(void)read_ok(r, &n->word[1], "names no list (members:LIST@DOMAIN)");
	m = read_push(r, (void **)&cfg->may_send, &cfg->nmay_send, sizeof *m);
	if (m == NULL)
		return;
	*m = (struct may_send){ .who = who, .line = n->word[0].line };
	for (size_t i = 2; i < n->nword; i++) {
		const struct word *w = &n->word[i];
		ssize_t at = str_rchr(w->s, '@');
		struct str *to;

		local = str_sub(w->s, 0, at < 0 ? 0 : (size_t)at);
		domain = str_skip(w->s, (size_t)(at + 1));
		if (at < 0) {
			(void)read_ok(r, w,
			    "is no address (user@domain, or @domain for all of it)");
			continue;
		}
		if (!read_ok(r, w, value_domain(domain, r->a, &domain)))
			continue;
		to = read_push(r, (void **)&m->addr, &m->naddr, sizeof *to);
		if (to != NULL)
			*to = str_cat(r->a, local, STR("@"), domain);
	}
}

/* policy observe [RULE ...] */
void
take_policy(struct reader *r, const struct node *n, void *base)
{
	struct config *cfg = base;

	if (n->nword < 2 || n->block || !str_eq(n->word[1].s, STR("observe"))) {
		read_error(r, &n->word[0], "write: policy observe [RULE ...]");
		return;
	}
	cfg->observe_all |= n->nword == 2;
	for (size_t i = 2; i < n->nword; i++) {
		struct str *to = read_push(r, (void **)&cfg->observe, &cfg->nobserve, sizeof *to);

		if (to != NULL)
			*to = n->word[i].s;
	}
	read_origin(r, &cfg->observe, n->word[0].line);
}

void
take_test_relay(struct reader *r, const struct node *n, void *base)
{
	(void)base;
	if (n->nword < 2)
		read_error(r, &n->word[0], "names no network");
	for (size_t i = 1; i < n->nword; i++) {
		struct net net;
		struct grant *g;

		if (!read_ok(r, &n->word[i], value_net(n->word[i].s, &net)))
			continue;
		g = grant_push(r, n, GRANT_NETWORK);
		if (g != NULL) {
			g->net = net;
			g->test = true;
		}
	}
}
