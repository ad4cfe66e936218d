/* SPDX-License-Identifier: ISC */
/*
 * classes: signatures, merging, and the facts of a class.  See classes.h.
 *
 * A signature has two halves: "rest", everything that rules ask of this field alone, and the runs
 * of grants that cover it.  They are kept apart because the walk can forget grants that do not
 * matter for the sender at hand.
 */
#include "policy/classes.h"

#include <stdlib.h>

#include "base/num.h"
#include "policy/binding.h"

enum { MEMORY = 1 << 29, ATOMS_MAX = 1 << 18 };

/* ---- runs of grants ---- */

static bool
same_narrowing(const struct grant *a, const struct grant *b)
{
	if (a->nsending_as != b->nsending_as || a->sending_any != b->sending_any ||
	    a->test != b->test || !str_eq(a->ca_file, b->ca_file))
		return false;
	for (size_t i = 0; i < a->nsending_as; i++)
		if (!str_eq(a->sending_as[i], b->sending_as[i]))
			return false;
	return a->nsending_as > 0 || a->kind == b->kind;
}

static uint32_t
narrowing(struct runs *r, const struct grant *g)
{
	for (size_t i = 0; i < r->nnarrow; i++)
		if (same_narrowing(r->narrow[i], g))
			return (uint32_t)i;
	r->narrow[r->nnarrow] = g;
	return (uint32_t)r->nnarrow++;
}

static bool
runs_build(struct classes *c, struct runs *r, const struct config *cfg)
{
	r->run = arena_zalloc(&c->a, (cfg->ngrant + 1) * sizeof *r->run);
	r->narrow = arena_zalloc(&c->a, (cfg->ngrant + 1) * sizeof *r->narrow);
	r->of_grant = arena_zalloc(&c->a, (cfg->ngrant + 1) * sizeof *r->of_grant);
	if (!r->run || !r->narrow || !r->of_grant)
		return false;
	for (size_t i = 0; i < cfg->ngrant; i++) {
		const struct grant *g = &cfg->grant[i];
		uint32_t narrow;

		r->of_grant[i] = UINT32_MAX;
		if (g->kind == GRANT_DESTINATION)
			continue;
		narrow = narrowing(r, g);
		if (r->n == 0 || r->run[r->n - 1].kind != g->kind ||
		    r->run[r->n - 1].narrow != narrow)
			r->run[r->n++] = (struct run){ g->kind, narrow, g };
		r->of_grant[i] = (uint32_t)r->n - 1;
	}
	return true;
}

/* ---- facts ---- */

struct facts
class_facts(const struct door *d, const struct atom *const source[SOURCES])
{
	const struct atom *cl = source[FIELD_CLIENT], *host = source[FIELD_HOST],
	    *cert = source[FIELD_CERT], *auth = source[FIELD_AUTH], *pop = source[FIELD_POP],
	    *uid = source[FIELD_UID];
	struct facts f = {
		.listener = d->l->kind, .listener_name = d->l->name, .server_ip = d->server_ip,
		.helo = STR("client.invalid"), .tls = d->tls, .client_ca = d->l->client_ca,
	};

	f.tls_needed = d->l->tls == LTLS_REQUIRED || (d->l->tls != LTLS_OFF &&
	    d->l->kind == L_SUBMISSION);
	if (d->tls)
		f.tls_bits = 256, f.tls_version = STR("TLSv1.3"), f.verify = TV_NOT;
	if (cl && !d->unix_socket)
		f.have_ip = true, f.ip = cl->ip;
	if (host)
		f.id.host = host->name;
	if (cert && d->tls)
		f.id.cert = cert->name, f.verify = cert->verify, f.peer = cert->peer;
	if (auth)
		f.id.user = auth->name, f.id.trusted = auth->trusted;
	if (pop)
		f.id.pop_user = pop->name;
	if (uid && d->unix_socket)
		f.id.local = uid->local, f.id.uid = uid->uid, f.id.uid_name = uid->name;
	return f;
}

/* ---- signatures ---- */

void
sign_hit(struct buf *b, struct access_hit hit)
{
	buf_putc(b, (char)hit.act);
	if (hit.act == ACC_ERROR)
		buf_putc(b, hit.text.n > 0 ? hit.text.p[0] : '5');
	else if (hit.act == ACC_LEVEL)
		buf_put(b, hit.text);
}

static void
sign_client(struct classes *c, const struct policy *p, const struct atom *a)
{
	const struct access_map *m = &p->access;
	bool by_name;

	buf_putc(&c->sig, nets_have(&p->cfg->exempt, &a->ip) ? '1' : '0');
	buf_putc(&c->sig, ip_is_loopback(a->ip) ? '1' : '0');
	for (size_t i = 0; i < c->ndoor; i++)
		buf_putc(&c->sig, ip_eq(c->door[i].server_ip, a->ip) ? '1' : '0');
	sign_hit(&c->sig, access_connect(m, a->ip, STR("")));
	sign_hit(&c->sig, access_net(m, ACC_CONNECT, a->ip));
	sign_hit(&c->sig, access_relay_client(m, a->ip, STR(""), &by_name));
	sign_hit(&c->sig, access_host(m, ACC_TLS_CLT, a->ip, STR("")));
}

static void
sign_host(struct classes *c, const struct policy *p, const struct atom *a)
{
	const struct access_map *m = &p->access;

	sign_hit(&c->sig, access_domain(m, ACC_CONNECT, a->name));
	sign_hit(&c->sig, access_domain(m, ACC_TLS_CLT, a->name));
	buf_putc(&c->sig, letter_trusts_host(p, a->name) ? '1' : '0');
}

static void
sign_cert(struct classes *c, const struct policy *p, const struct atom *a)
{
	buf_putc(&c->sig, a->verify == TV_OK ? '1' : '0');
	buf_putc(&c->sig, a->name.n > 0 ? '1' : '0');
	if (a->peer && a->verify == TV_OK)
		sign_hit(&c->sig, access_cert(&p->access, a->peer->issuer_text,
		    a->peer->subject_text));
}

static void
sign_sender(struct classes *c, const struct policy *p, const struct atom *a)
{
	buf_putc(&c->sig, a->path.null ? 'n' : a->path.literal ? 'l' :
	    a->path.domain.n == 0 ? 'u' : 'd');
	sign_hit(&c->sig, access_from(&p->access, &a->path));
	buf_putc(&c->sig, !a->path.null && policy_own(p, a->path.domain) ? '1' : '0');
	buf_putc(&c->sig, !a->path.null && policy_own_under(p, a->path.domain) ? '1' : '0');
}

static bool
has_odd_sign(struct str local)
{
	for (size_t i = 0; i < local.n; i++)
		if (local.p[i] == '%' || local.p[i] == '!' || local.p[i] == '@')
			return true;
	return false;
}

static void
sign_rcpt(struct classes *c, const struct policy *p, const struct atom *a)
{
	bool plain = p->cfg->blocklist_recipients;
	struct grant_hit g = grants_destination(p, &a->path);

	buf_putc(&c->sig, a->path.literal ? 'l' : a->path.domain.n == 0 ? 'u' : 'd');
	buf_putc(&c->sig, has_odd_sign(a->path.local) ? '1' : '0');
	sign_hit(&c->sig, access_to(&p->access, &a->path, true, plain));
	sign_hit(&c->sig, access_to(&p->access, &a->path, false, plain));
	sign_hit(&c->sig, access_spam(&p->access, &a->path));
	buf_putc(&c->sig, g.yes ? '1' : '0');
}

static void
sign_rest(struct classes *c, enum field field, const struct policy *p, const struct atom *a)
{
	switch (field) {
	case FIELD_CLIENT:	sign_client(c, p, a); break;
	case FIELD_HOST:	sign_host(c, p, a); break;
	case FIELD_CERT:	sign_cert(c, p, a); break;
	case FIELD_AUTH:
		buf_putc(&c->sig, a->name.n == 0 ? '0' : a->trusted ? '2' : '1');
		break;
	case FIELD_POP:
		buf_putc(&c->sig, a->name.n == 0 ? '0' : '1');
		break;
	case FIELD_UID:
		buf_putc(&c->sig, !a->local ? '0' : a->uid == 0 ? '1' : '2');
		break;
	case FIELD_SENDER:	sign_sender(c, p, a); break;
	case FIELD_RCPT:	sign_rcpt(c, p, a); break;
	case FIELD_COUNT:	break;
	}
}

static uint32_t
intern(struct classes *c, struct str bytes)
{
	void *found = map_get(&c->rest, bytes);

	if (found)
		return (uint32_t)(uintptr_t)found;
	bytes = str_dup(&c->a, bytes);
	if (!bytes.p) {
		c->failed = true;
		return 0;
	}
	(void)map_put(&c->rest, bytes, (void *)(uintptr_t)++c->nrest);
	return c->nrest;
}

static uint64_t *
new_bits(struct classes *c, size_t n)
{
	uint64_t *bits = arena_zalloc(&c->a, (n / 64 + 1) * sizeof *bits);

	c->failed |= !bits;
	return bits;
}

static void
cover(struct classes *c, enum field field, struct atom *a, size_t i)
{
	const struct config *cfg = c->policy[i]->cfg;
	const struct atom *source[SOURCES] = {};
	struct listener any = { .kind = field == FIELD_UID ? L_LOCAL : L_MX };
	struct door d = { .l = &any, .unix_socket = field == FIELD_UID, .tls = true };
	struct facts f;
	uint64_t *bits = new_bits(c, c->runs[i].n);

	source[field] = a;
	f = class_facts(&d, source);
	a->of[i].runs = bits;
	for (size_t k = 0; bits && k < cfg->ngrant; k++) {
		const struct grant *g = &cfg->grant[k];

		if (g->kind == GRANT_DESTINATION)
			continue;
		f.client_ca = g->ca_file;	/* which door, is the walk's question */
		if (grant_covers(g, &f))
			bits[c->runs[i].of_grant[k] / 64] |=
			    UINT64_C(1) << c->runs[i].of_grant[k] % 64;
	}
}

static size_t
npeople(const struct classes *c)
{
	return c->n[FIELD_AUTH] + c->n[FIELD_POP] + c->n[FIELD_UID];
}

static void
sign_binding(struct classes *c, struct atom *a, size_t i)
{
	static const enum field people[] = { FIELD_AUTH, FIELD_POP, FIELD_UID };
	uint8_t *to = arena_zalloc(&c->a, npeople(c) + 1);
	size_t at = 0;

	a->of[i].bind = to;
	c->failed |= !to;
	for (size_t f = 0; to && f < COUNT(people); f++)
		for (size_t k = 0; k < c->n[people[f]]; k++) {
			const struct atom *source[SOURCES] = {};
			struct listener any = { .kind = L_MX };
			struct door d = { .l = &any, .unix_socket = people[f] == FIELD_UID };
			struct facts facts;

			source[people[f]] = &c->atom[people[f]][k];
			facts = class_facts(&d, source);
			to[at++] = a->path.null ? (uint8_t)FIND_NO :
			    (uint8_t)binding_covers(c->policy[i], &facts, a->path.local,
			    a->path.domain);
		}
}

static void
fit(struct classes *c, struct atom *a, size_t i)
{
	const struct runs *r = &c->runs[i];
	uint64_t *bits = new_bits(c, r->nnarrow);

	a->of[i].fits = bits;
	for (size_t k = 0; bits && k < r->nnarrow; k++) {
		struct grant_hit hit = { .yes = true, .kind = r->narrow[k]->kind,
		    .line_of = r->narrow[k] };

		if (a->path.null ||
		    binding_narrow(c->policy[i], &hit, a->path.local, a->path.domain))
			bits[k / 64] |= UINT64_C(1) << k % 64;
	}
}

static void
sign_more(struct classes *c, enum field field, struct atom *a, size_t i)
{
	struct side *s = &a->of[i];

	buf_putc(&c->sig, s->entitles ? '1' : '0');
	buf_putc(&c->sig, s->foreign ? '1' : '0');
	buf_putc(&c->sig, s->own ? '1' : '0');
	for (size_t k = 0; k < TURN_COUNT; k++)
		buf_putc(&c->sig, (char)('a' + (int)s->dest[k]));
	if (field <= FIELD_UID) {
		cover(c, field, a, i);
		if (s->runs)
			buf_put(&c->sig, str_from(s->runs, (c->runs[i].n / 64 + 1) * 8));
	}
	if (field == FIELD_AUTH || field == FIELD_POP || field == FIELD_UID) {
		buf_putu(&c->sig, a->uid);	/* their bindings differ */
		buf_put(&c->sig, a->name);
	}
	if (field == FIELD_SENDER) {
		fit(c, a, i);
		sign_binding(c, a, i);
		if (s->fits && s->bind) {
			buf_put(&c->sig, str_from(s->fits, (c->runs[i].nnarrow / 64 + 1) * 8));
			buf_put(&c->sig, str_from(s->bind, npeople(c)));
		}
	}
}

static void
sign(struct classes *c, enum field field, struct atom *a)
{
	buf_reset(&c->sig);
	for (size_t i = 0; i < c->npolicy; i++) {
		size_t from = c->sig.n;

		buf_putc(&c->sig, (char)('A' + (int)field));
		buf_putc(&c->sig, (char)('0' + (int)i));
		sign_rest(c, field, c->policy[i], a);
		if (c->more && c->more->sign)
			c->more->sign(c->more->ctx, field, a, &c->sig);
		a->of[i].rest = intern(c, str_skip(buf_str(&c->sig), from));
		sign_more(c, field, a, i);
	}
	c->failed |= c->sig.failed;
}

/* ---- what the letter says ---- */

static void
judge(const struct classes *c, enum field field, struct atom *a, size_t i)
{
	const struct policy *p = c->policy[i];
	struct side *s = &a->of[i];

	switch (field) {
	case FIELD_CLIENT:
		s->entitles = letter_trusts(p, a->ip);
		break;
	case FIELD_HOST:
		s->entitles = letter_trusts_host(p, a->name);
		break;
	case FIELD_AUTH:
		s->entitles = a->name.n > 0 && a->trusted;
		break;
	case FIELD_POP:
		s->entitles = a->name.n > 0;
		break;
	case FIELD_UID:
		s->entitles = a->local;
		break;
	case FIELD_SENDER:
		s->own = !a->path.null && !a->path.literal && a->path.domain.n > 0 &&
		    config_domain(p->cfg, a->path.domain) != NULL;
		s->dest[TURN_EXISTS] = s->own ? DEST_LOCAL : DEST_NONE;
		s->dest[TURN_MISSING] = s->own ? DEST_UNKNOWN : DEST_NONE;
		break;
	case FIELD_RCPT:
		letter_dest(p, &a->path, c, s);
		break;
	case FIELD_CERT:		/* classes_people says it: it made them */
	case FIELD_COUNT:
		break;
	}
}

void
classes_add(struct classes *c, enum field field, struct atom a)
{
	struct str sig;

	c->seen[field]++;
	for (size_t i = 0; i < c->npolicy; i++)
		judge(c, field, &a, i);
	sign(c, field, &a);
	if (c->failed || map_get(&c->index[field], buf_str(&c->sig)))
		return;
	if (c->n[field] == c->cap[field]) {
		size_t cap = c->cap[field] ? c->cap[field] * 2 : 32;
		struct atom *more = cap > ATOMS_MAX ? NULL :
		    realloc(c->atom[field], cap * sizeof *more);

		if (!more) {
			c->failed = true;
			return;
		}
		c->atom[field] = more;
		c->cap[field] = cap;
	}
	sig = str_dup(&c->a, buf_str(&c->sig));
	if (!sig.p) {
		c->failed = true;
		return;
	}
	c->atom[field][c->n[field]++] = a;
	(void)map_put(&c->index[field], sig, (void *)(uintptr_t)c->n[field]);
}

ssize_t
class_of(struct classes *c, enum field field, const struct atom *a)
{
	struct atom copy = *a;

	for (size_t i = 0; i < c->npolicy; i++)
		judge(c, field, &copy, i);
	if (field == FIELD_CERT)
		for (size_t i = 0; i < c->npolicy; i++)
			copy.of[i].entitles = a->of[i].entitles;
	sign(c, field, &copy);
	return (ssize_t)(uintptr_t)map_get(&c->index[field], buf_str(&c->sig)) - 1;
}

/* ---- doors ---- */

static bool
same_door(const struct door *a, const struct door *b)
{
	return a->l->kind == b->l->kind && a->l->tls == b->l->tls && a->tls == b->tls &&
	    a->unix_socket == b->unix_socket && str_eq(a->l->client_ca, b->l->client_ca) &&
	    ip_eq(a->server_ip, b->server_ip);
}

static void
add_door(struct classes *c, const struct listener *l, bool tls)
{
	struct door d = { .l = l, .tls = tls, .unix_socket = l->path.n > 0 };

	if (!d.unix_socket && !ip_is_any(l->ip))
		d.server_ip = l->ip;
	else if (!d.unix_socket && c->nown > 0)
		d.server_ip = c->own[0];
	for (size_t i = 0; i < c->ndoor; i++)
		if (same_door(&c->door[i], &d))
			return;
	c->door[c->ndoor++] = d;
}

static bool
doors_build(struct classes *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->npolicy; i++)
		n += c->policy[i]->cfg->nlistener;
	c->door = arena_zalloc(&c->a, (2 * n + 1) * sizeof *c->door);
	for (size_t i = 0; c->door && i < c->npolicy; i++)
		for (size_t k = 0; k < c->policy[i]->cfg->nlistener; k++) {
			const struct listener *l = &c->policy[i]->cfg->listener[k];

			if (l->tls != LTLS_IMPLICIT)
				add_door(c, l, false);
			if (l->tls != LTLS_OFF)
				add_door(c, l, true);
		}
	return c->door != NULL;
}

bool
classes_build(struct classes *c)
{
	arena_init(&c->a, MEMORY);
	buf_init(&c->sig, 16 << 20);
	if (!doors_build(c))
		return false;
	for (size_t i = 0; i < c->npolicy; i++)
		if (!runs_build(c, &c->runs[i], c->policy[i]->cfg))
			return false;
	classes_clients(c);
	classes_people(c);
	classes_names(c);
	return !c->failed;
}

void
classes_done(struct classes *c)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		free(c->atom[i]);
		map_done(&c->index[i]);
	}
	map_done(&c->rest);
	map_done(&c->names);
	buf_done(&c->sig);
	arena_done(&c->a);
	*c = (struct classes){};
}
