/* SPDX-License-Identifier: ISC */
/*
 * statements_senders: protect, vip, forwarder, outside-sender, arc-trust and allow-author.
 *
 * Exceptions end with the same words: [for ADDRESS ...] [inbox] [owner WHO] [reason TEXT] [until
 * DAY].  What is written wrong is told at its word.
 */
#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

enum { DAY_S = 86'400 };

/* The end of a day "2027-01-31", in Unix time. */
static const char *
value_day(struct str s, int64_t *out)
{
	static const uint16_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint32_t y, m, d;
	bool leap;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !num_parse_u32(str_sub(s, 0, 4), &y) ||
	    !num_parse_u32(str_sub(s, 5, 2), &m) || !num_parse_u32(str_sub(s, 8, 2), &d))
		return "is no day (YEAR-MONTH-DAY, 2027-01-31)";
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > days[m - 1] + (m == 2 && leap ? 1u : 0u))
		return "is no day of the calendar";
	y -= 1;
	*out = ((int64_t)y * 365 + y / 4 - y / 100 + y / 400 - 719'162 + before[m - 1] +
	    (m > 2 && leap) + d) * DAY_S;
	return NULL;
}

/* local@domain or @domain, in lower case as far as case does not matter. */
static bool
read_address(struct reader *r, const struct word *w, struct str *out)
{
	ssize_t at = str_rchr(w->s, '@');
	struct str domain;

	if (at < 0)
		return read_ok(r, w, "is no address (user@domain, or @domain for all of it)");
	if (!read_ok(r, w, value_domain(str_skip(w->s, (size_t)at + 1), r->a, &domain)))
		return false;
	*out = str_cat(r->a, str_lower(r->a, str_sub(w->s, 0, (size_t)at)), STR("@"), domain);
	return true;
}

static bool
is_tail(struct str s)
{
	return str_eq(s, STR("for")) || str_eq(s, STR("inbox")) || str_eq(s, STR("owner")) ||
	    str_eq(s, STR("reason")) || str_eq(s, STR("until"));
}

struct tail {
	struct exception *x;
	struct str **to;		/* NULL: not for some recipients */
	size_t *nto;
	bool *inbox;			/* NULL: the word has no meaning */
};

static size_t
read_for(struct reader *r, const struct node *n, size_t at, const struct tail *t)
{
	if (at == n->nword || is_tail(n->word[at].s))
		read_error(r, &n->word[at - 1], "for names nobody");
	for (; at < n->nword && !is_tail(n->word[at].s); at++) {
		struct str addr, *to;

		if (!read_address(r, &n->word[at], &addr))
			continue;
		to = read_push(r, (void **)t->to, t->nto, sizeof *to);
		if (to != NULL)
			*to = addr;
	}
	return at;
}

static void
read_told(struct reader *r, const struct word *what, const struct word *w, struct exception *x)
{
	if (str_eq(what->s, STR("owner"))) {
		x->owner = w->s;
	} else if (str_eq(what->s, STR("reason"))) {
		x->reason = w->s;
	} else if (read_ok(r, w, value_day(w->s, &x->until_s))) {
		x->until = w->s;
	}
}

static void
read_tail(struct reader *r, const struct node *n, size_t at, const struct tail *t)
{
	t->x->line = n->word[0].line;
	while (at < n->nword) {
		const struct word *w = &n->word[at];

		if (!is_tail(w->s) || (str_eq(w->s, STR("for")) && t->to == NULL) ||
		    (str_eq(w->s, STR("inbox")) && t->inbox == NULL)) {
			(void)read_ok(r, w, "is not expected here");
			return;
		}
		at++;
		if (str_eq(w->s, STR("for"))) {
			at = read_for(r, n, at, t);
		} else if (str_eq(w->s, STR("inbox"))) {
			*t->inbox = true;
		} else if (at == n->nword) {
			(void)read_ok(r, w, "says nothing");
		} else {
			read_told(r, w, &n->word[at++], t->x);
		}
	}
}

static void
read_names(struct reader *r, const struct node *n, struct str **list, size_t *nlist)
{
	if (n->nword < 2 || n->block) {
		read_error(r, &n->word[0], "write: " STR_F " DOMAIN ...", STR_A(n->word[0].s));
		return;
	}
	for (size_t i = 1; i < n->nword; i++) {
		struct str name, *to;

		if (!read_ok(r, &n->word[i], value_domain(n->word[i].s, r->a, &name)))
			continue;
		to = read_push(r, (void **)list, nlist, sizeof *to);
		if (to != NULL)
			*to = name;
	}
	read_origin(r, list, n->word[0].line);
}

void
take_protect(struct reader *r, const struct node *n, void *base)
{
	struct senders_conf *c = &((struct config *)base)->senders;

	if (str_eq(n->word[0].s, STR("protect")))
		read_names(r, n, &c->protect, &c->nprotect);
	else
		read_names(r, n, &c->arc_trust, &c->narc_trust);
}

/* vip "Jane Doe" ADDRESS ... */
void
take_vip(struct reader *r, const struct node *n, void *base)
{
	struct senders_conf *c = &((struct config *)base)->senders;
	struct vip *v;

	if (n->nword < 3 || n->block || n->word[1].s.n == 0) {
		read_error(r, &n->word[0], "write: vip \"NAME\" ADDRESS ...");
		return;
	}
	v = read_push(r, (void **)&c->vip, &c->nvip, sizeof *v);
	if (v == NULL)
		return;
	*v = (struct vip){ .name = n->word[1].s, .line = n->word[0].line };
	for (size_t i = 2; i < n->nword; i++) {
		struct str addr, *to;

		if (!read_address(r, &n->word[i], &addr))
			continue;
		to = read_push(r, (void **)&v->addr, &v->naddr, sizeof *to);
		if (to != NULL)
			*to = addr;
	}
}

static bool
is_pin(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isxdigit(s.p[i]))
			return false;
	return s.n == 64;
}

/* via spf-host | dkim | cert PIN | net NETWORK; the word behind it, 0: wrong */
static size_t
read_via(struct reader *r, const struct node *n, struct forwarder *f)
{
	static const char *const vias[] = { "spf-host", "dkim", "cert", "net" };
	const struct word *arg = n->nword > 4 ? &n->word[4] : NULL;
	size_t i = 0;

	while (i < COUNT(vias) && !str_eq(n->word[3].s, str_of(vias[i])))
		i++;
	if (i == COUNT(vias)) {
		(void)read_ok(r, &n->word[3], "is none of spf-host, dkim, cert PIN, net NETWORK");
		return 0;
	}
	f->via = (enum forwarder_via)i;
	if (f->via == VIA_SPF_HOST || f->via == VIA_DKIM)
		return 4;
	if (arg == NULL) {
		(void)read_ok(r, &n->word[3], "needs one more word");
		return 0;
	}
	if (f->via == VIA_NET)
		return read_ok(r, arg, value_net(arg->s, &f->net)) ? 5 : 0;
	f->pin = str_lower(r->a, arg->s);
	return read_ok(r, arg, is_pin(f->pin) ? NULL : "is not a SHA-256 pin (64 hex digits)") ?
	    5 : 0;
}

/* forwarder NAME via HOW [for ADDRESS ...] ... */
void
take_forwarder(struct reader *r, const struct node *n, void *base)
{
	struct senders_conf *c = &((struct config *)base)->senders;
	struct forwarder *f;
	struct tail t;
	size_t at;

	if (n->nword < 4 || n->block || !str_eq(n->word[2].s, STR("via"))) {
		read_error(r, &n->word[0],
		    "write: forwarder DOMAIN via spf-host | dkim | cert PIN | net NETWORK ...");
		return;
	}
	f = read_push(r, (void **)&c->forwarder, &c->nforwarder, sizeof *f);
	if (f == NULL)
		return;
	*f = (struct forwarder){};
	(void)read_ok(r, &n->word[1], value_domain(n->word[1].s, r->a, &f->name));
	t = (struct tail){ &f->x, &f->to, &f->nto, &f->inbox };
	at = read_via(r, n, f);
	if (at > 0)
		read_tail(r, n, at, &t);
	if (c->nforwarder > FORWARDERS_MAX)
		read_error(r, &n->word[0], "too many forwarders (30)");
}

/* What single statements cannot see: which domains are ours. */
void
check_senders(struct reader *r)
{
	const struct senders_conf *c = &r->cfg->senders;

	for (size_t i = 0; i < c->noutside; i++) {
		struct str d = c->outside[i].domain;
		ssize_t dot = 0;

		while (config_domain(r->cfg, d) == NULL && (dot = str_chr(d, '.')) >= 0)
			d = str_skip(d, (size_t)dot + 1);
		if (dot < 0)
			conf_error_add(r->errs, c->outside[i].x.line, 1,
			    "outside-sender: " STR_F " is no domain of this server, nor below one",
			    STR_A(c->outside[i].domain));
	}
	for (size_t i = 0; i < c->nallowed; i++) {
		struct str who = c->allowed[i].who;
		struct str d = str_skip(who, (size_t)(str_rchr(who, '@') + 1));

		if (config_domain(r->cfg, d) != NULL)
			conf_error_add(r->errs, c->allowed[i].x.line, 1,
			    "allow-author: " STR_F " is one of our domains: who writes in their "
			    "name must prove it", STR_A(d));
	}
}

/* outside-sender DOMAIN [owner ...] */
void
take_outside_sender(struct reader *r, const struct node *n, void *base)
{
	struct senders_conf *c = &((struct config *)base)->senders;
	struct outside_sender *o;

	if (n->nword < 2 || n->block) {
		read_error(r, &n->word[0], "write: outside-sender DOMAIN [owner WHO] [reason "
		    "TEXT] [until DAY]");
		return;
	}
	o = read_push(r, (void **)&c->outside, &c->noutside, sizeof *o);
	if (o == NULL)
		return;
	*o = (struct outside_sender){};
	(void)read_ok(r, &n->word[1], value_domain(n->word[1].s, r->a, &o->domain));
	read_tail(r, n, 2, &(struct tail){ .x = &o->x });
}

/* allow-author ADDRESS [for ADDRESS ...] ... */
void
take_allow_author(struct reader *r, const struct node *n, void *base)
{
	struct senders_conf *c = &((struct config *)base)->senders;
	struct allowed_author *al;
	struct tail t;

	if (n->nword < 2 || n->block) {
		read_error(r, &n->word[0], "write: allow-author ADDRESS [for ADDRESS ...] [owner "
		    "WHO] [reason TEXT] [until DAY]");
		return;
	}
	al = read_push(r, (void **)&c->allowed, &c->nallowed, sizeof *al);
	if (al == NULL)
		return;
	*al = (struct allowed_author){};
	(void)read_address(r, &n->word[1], &al->who);
	t = (struct tail){ &al->x, &al->to, &al->nto, NULL };
	read_tail(r, n, 2, &t);
	if (al->nto > 0 && c->nallowed > ALLOWED_MAX)
		read_error(r, &n->word[0], "too many lines for some recipients (30)");
}
