/* SPDX-License-Identifier: ISC */
/*
 * hop: where mail for other domains goes: route lines, the routes file, the default, MX.
 *
 * The next hop's text is what transport.h says: a bare domain means its MX, a port means none.
 */
#include "conf/value.h"
#include "route/expand.h"

static struct str
place(const struct hop *h, struct arena *a)
{
	struct ip ip;

	if (h->host.n > 0 && h->host.p[0] == '/')
		return h->host;
	if (h->kind == HOP_MX && h->port == 25)
		return h->host;
	if (ip_parse(h->host, &ip) && ip.v6)
		return str_fmt(a, "[" STR_F "]:%u", STR_A(h->host), h->port);
	return str_fmt(a, STR_F ":%u", STR_A(h->host), h->port);
}

static void
goal_of_hop(const struct hop *h, struct arena *a, struct goal *out)
{
	out->nexthop = (struct str){};
	switch (h->kind) {
	case HOP_MX:
	case HOP_HOST:
		out->kind = GOAL_SMTP;
		break;
	case HOP_LMTP:
		out->kind = GOAL_LMTP;
		break;
	case HOP_DISCARD:
		out->kind = GOAL_DISCARD;
		return;
	case HOP_ERROR:
		out->kind = GOAL_ERROR;
		out->text = h->text;
		return;
	}
	out->nexthop = place(h, a);
}

bool
route_goal_of_word(struct str word, struct arena *a, struct goal *out)
{
	struct hop h;

	if (value_hop(word, a, &h) != NULL)
		return false;
	goal_of_hop(&h, a, out);
	return true;
}

/* The longest of the lines that cover it; NULL: none but perhaps "*". */
static const struct route_line *
line_of(const struct config *cfg, struct str domain, const struct route_line **other)
{
	const struct route_line *best = NULL;

	for (size_t i = 0; i < cfg->nroute; i++) {
		const struct route_line *l = &cfg->route[i];

		if (str_eq(l->domain, STR("*")))
			*other = l;
		else if ((l->domain.p[0] == '.' ? domain.n > l->domain.n &&
		    str_iends(domain, l->domain) : domain_eq(domain, l->domain)) &&
		    (best == NULL || l->domain.n > best->domain.n))
			best = l;
	}
	return best;
}

bool
route_nexthop(const struct route *r, struct str domain, struct arena *a, struct goal *out)
{
	const struct route_line *other = NULL, *line = line_of(r->cfg, domain, &other);
	struct str text;

	out->kind = GOAL_SMTP;
	out->nexthop = domain;
	if (domain.n > 0 && domain.p[0] == '[') {		/* user@[192.0.2.1] */
		struct str inside = str_sub(domain, 1, domain.n - 2);
		struct ip ip;

		if (str_istarts(inside, STR("IPv6:")))
			inside = str_skip(inside, 5);
		if (ip_parse(inside, &ip))
			out->nexthop = str_fmt(a, "[" STR_F "]:25", STR_A(inside));
	}
	if (line == NULL && r->cfg->routes_file.n > 0) {
		switch (tables_route(&r->tables, r->cfg->routes_file, domain, &text)) {
		case FIND_LATER:
			return false;
		case FIND_YES:
			return route_goal_of_word(str_dup(a, text), a, out);
		case FIND_NO:
			break;
		}
	}
	if (line == NULL)
		line = other;
	if (line != NULL)
		goal_of_hop(&line->hop, a, out);
	return true;
}
