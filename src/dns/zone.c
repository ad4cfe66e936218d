/* SPDX-License-Identifier: ISC */
/*
 * zone: a zone file as text answers questions.  See zone.h for the form.
 *
 * Every name is a node; its entries hang in one list, records and failure lines alike, and each
 * ancestor of a listed name is a node too, so that "has names below it" is one look-up.
 */
#include "dns/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/num.h"

enum { ZONE_CHAIN_MAX = 8, ZONE_WORDS_MAX = 64, TYPE_STAR = 0 };

enum fail { FAIL_NONE, FAIL_TEMP, FAIL_BOGUS, FAIL_NXDOMAIN, FAIL_NODATA };

struct entry {
	struct entry *next;
	enum fail fail;			/* FAIL_NONE: a record */
	bool secure;
	uint32_t ttl;
	struct dns_rr rr;		/* of a failure: only the type, TYPE_STAR for all */
};

struct node {
	struct str name;
	struct entry *first, **tail;
	bool listed;
};

struct dns_zone {
	struct arena arena;
	struct map nodes;
	enum fail fallback;
	bool fallback_secure;
	unsigned queries;
	struct dns_ops ops;
};

struct word {
	struct str s;
	bool quoted;
};

struct line {
	struct word w[ZONE_WORDS_MAX];
	size_t n;
};

static const struct {
	struct str word;
	enum fail fail;
} fails[] = {
	{ { "TIMEOUT", 7 }, FAIL_TEMP }, { { "SERVFAIL", 8 }, FAIL_TEMP },
	{ { "REFUSED", 7 }, FAIL_TEMP }, { { "BOGUS", 5 }, FAIL_BOGUS },
	{ { "NXDOMAIN", 8 }, FAIL_NXDOMAIN }, { { "NODATA", 6 }, FAIL_NODATA },
};

static bool
fail_of(struct str word, enum fail *out)
{
	for (size_t i = 0; i < COUNT(fails); i++)
		if (str_ieq(word, fails[i].word)) {
			*out = fails[i].fail;
			return true;
		}
	return false;
}

static bool
complain(struct dns_zone_error *err, const char *what)
{
	size_t n = strlen(what);

	if (n >= sizeof err->what)
		n = sizeof err->what - 1;
	memcpy(err->what, what, n);
	err->what[n] = 0;
	return false;
}

/* One octet after a backslash: \DDD or the character itself. */
static bool
take_escape(struct str s, size_t *i, bool quoted, char *out, size_t *n)
{
	if (s.n - *i > 3 && ascii_isdigit(s.p[*i + 1]) && ascii_isdigit(s.p[*i + 2]) &&
	    ascii_isdigit(s.p[*i + 3])) {
		int v = (s.p[*i + 1] - '0') * 100 + (s.p[*i + 2] - '0') * 10 + (s.p[*i + 3] - '0');

		if (v > 255)
			return false;
		out[(*n)++] = (char)v;
		*i += 4;
		return true;
	}
	if (!quoted && s.p[*i + 1] == '.')
		out[(*n)++] = '\\';		/* an escaped dot stays inside its label */
	out[(*n)++] = s.p[*i + 1];
	*i += 2;
	return true;
}

/* The next word of s from *i; false at the end of the line or when it is malformed (err set). */
static bool
take_word(struct dns_zone *z, struct str s, size_t *i, struct word *w, struct dns_zone_error *err)
{
	while (*i < s.n && (s.p[*i] == ' ' || s.p[*i] == '\t'))
		++*i;
	if (*i == s.n || s.p[*i] == ';')
		return false;
	char *out = arena_alloc(&z->arena, s.n - *i + 1);
	if (!out)
		return complain(err, "no memory");
	size_t n = 0;
	bool quoted = s.p[*i] == '"', ended = !quoted;

	if (quoted)
		++*i;
	while (*i < s.n) {
		char c = s.p[*i];

		if (c == '\\' && *i + 1 < s.n) {
			if (!take_escape(s, i, quoted, out, &n))
				return complain(err, "escape over 255");
			continue;
		}
		if (quoted && c == '"') {
			ended = true;
			++*i;
			break;
		}
		if (!quoted && (c == ' ' || c == '\t' || c == ';' || c == '"'))
			break;
		out[n++] = c;
		++*i;
	}
	if (!ended)
		return complain(err, "unterminated string");
	*w = (struct word){ { out, n }, quoted };
	return true;
}

static struct str
zone_name(struct dns_zone *z, struct str s)
{
	if (s.n && s.p[s.n - 1] == '.' && !(s.n > 1 && s.p[s.n - 2] == '\\'))
		s.n--;
	return str_dup(&z->arena, s);
}

static struct str
name_key(struct arena *a, struct str s)
{
	if (s.n && s.p[s.n - 1] == '.' && !(s.n > 1 && s.p[s.n - 2] == '\\'))
		s.n--;
	return str_lower(a, s);
}

/* Where the name's first label ends: index of the dot, or n. */
static size_t
label_end(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' && (i == 0 || s.p[i - 1] != '\\'))
			return i;
	return s.n;
}

static struct node *
node_make(struct dns_zone *z, struct str key)
{
	struct node *d = map_get(&z->nodes, key);

	if (d)
		return d;
	d = arena_zalloc(&z->arena, sizeof *d);
	if (!d)
		return NULL;
	d->name = key;
	d->tail = &d->first;
	return map_put(&z->nodes, key, d) ? d : NULL;
}

/* The node of a listed owner, its ancestors made sure of. */
static struct node *
node_listed(struct dns_zone *z, struct str key)
{
	struct node *d = node_make(z, key);

	if (!d)
		return NULL;
	d->listed = true;
	for (size_t e = label_end(key); e < key.n; e = label_end(key)) {
		key = str_sub(key, e + 1, key.n - e - 1);
		if (!node_make(z, key))
			return NULL;
	}
	return d;
}

static bool
entry_add(struct dns_zone *z, struct node *d, struct entry e)
{
	struct entry *new = arena_alloc(&z->arena, sizeof *new);

	if (!new)
		return false;
	*new = e;
	new->next = NULL;
	*d->tail = new;
	d->tail = &new->next;
	return true;
}

static bool
rdata_join(struct dns_zone *z, const struct line *l, size_t from, struct str *out)
{
	size_t n = 0;

	for (size_t i = from; i < l->n; i++)
		n += l->w[i].s.n;
	char *p = arena_alloc(&z->arena, n + 1);
	if (!p)
		return false;
	*out = (struct str){ p, n };
	for (size_t i = from; i < l->n; i++) {
		memcpy(p, l->w[i].s.p, l->w[i].s.n);
		p += l->w[i].s.n;
	}
	return true;
}

static bool
rdata_tlsa(struct dns_zone *z, const struct line *l, size_t at, struct dns_tlsa *t)
{
	uint64_t v[3];
	struct str hex;

	if (l->n < at + 4 || !rdata_join(z, l, at + 3, &hex))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (!num_parse_u64(l->w[at + i].s, &v[i]) || v[i] > 255)
			return false;
	*t = (struct dns_tlsa){ (uint8_t)v[0], (uint8_t)v[1], (uint8_t)v[2], {} };
	return hex_decode(&z->arena, hex, &t->data);
}

static bool
rdata_read(struct dns_zone *z, const struct line *l, size_t at, struct dns_rr *rr)
{
	uint64_t v;

	switch (rr->type) {
	case DNS_A:
		return ip_parse(l->w[at].s, &rr->ip) && !rr->ip.v6;
	case DNS_AAAA:					/* ::ffff:1.2.3.4 folds to v4: let it be */
		return ip_parse(l->w[at].s, &rr->ip);
	case DNS_MX:
		if (l->n < at + 2 || !num_parse_u64(l->w[at].s, &v) || v > UINT16_MAX)
			return false;
		rr->mx = (struct dns_mx){ (uint16_t)v, zone_name(z, l->w[at + 1].s) };
		return rr->mx.host.p;
	case DNS_TXT:
	case DNS_SPF:
		return rdata_join(z, l, at, &rr->txt);
	case DNS_PTR:
	case DNS_CNAME:
	case DNS_NS:
		rr->name = zone_name(z, l->w[at].s);
		return rr->name.p;
	case DNS_TLSA:
		return rdata_tlsa(z, l, at, &rr->tlsa);
	}
	return true;					/* other types exist, no more */
}

static bool
directive(struct dns_zone *z, const struct line *l, bool *secure, struct dns_zone_error *err)
{
	struct str word = l->w[0].s, arg = l->n > 1 ? l->w[1].s : (struct str){};

	if (str_ieq(word, STR("$TTL")) || str_ieq(word, STR("$ORIGIN")))
		return true;
	if (str_ieq(word, STR("$SECURE"))) {
		*secure = str_ieq(arg, STR("yes")) || str_ieq(arg, STR("on")) || str_eq(arg, STR("1"));
		return true;
	}
	if (!str_ieq(word, STR("$DEFAULT")))
		return complain(err, "unknown directive");
	z->fallback_secure = *secure;
	return fail_of(arg, &z->fallback) || complain(err, "unknown $DEFAULT");
}

static bool
failure_line(struct dns_zone *z, struct node *d, const struct line *l, size_t at, struct entry e)
{
	if (at == l->n)
		return entry_add(z, d, e);
	for (; at < l->n; at++) {
		e.rr.type = TYPE_STAR;
		if (!str_eq(l->w[at].s, STR("*")) && !dns_type_parse(l->w[at].s, &e.rr.type))
			continue;			/* a type nobody here can ask for */
		if (!entry_add(z, d, e))
			return false;
	}
	return true;
}

static bool
record_line(struct dns_zone *z, const struct line *l, bool secure, struct dns_zone_error *err)
{
	struct entry e = { .secure = secure, .ttl = 300 };
	size_t at = 1;
	uint64_t ttl;

	for (; at < l->n && !l->w[at].quoted; at++) {
		if (num_parse_u64(l->w[at].s, &ttl))
			e.ttl = (uint32_t)MIN(ttl, (uint64_t)DNS_TTL_MAX);
		else if (!str_ieq(l->w[at].s, STR("IN")))
			break;
	}
	if (at == l->n)
		return complain(err, "no type");
	struct str key = name_key(&z->arena, l->w[0].s);
	struct node *d = key.p ? node_listed(z, key) : NULL;
	if (!d)
		return complain(err, "no memory");
	if (fail_of(l->w[at].s, &e.fail))
		return failure_line(z, d, l, at + 1, e) || complain(err, "no memory");
	if (at + 1 == l->n)
		return complain(err, "no rdata");
	if (!dns_type_parse(l->w[at].s, &e.rr.type))
		return true;				/* the name exists; nobody asks for this type */
	if (!rdata_read(z, l, at + 1, &e.rr))
		return complain(err, "bad rdata");
	return entry_add(z, d, e) || complain(err, "no memory");
}

static bool
zone_line(struct dns_zone *z, struct str text, bool *secure, struct line *l, struct dns_zone_error *err)
{
	size_t i = 0;

	l->n = 0;
	err->what[0] = 0;
	if (text.n && text.p[text.n - 1] == '\r')
		text.n--;
	for (;;) {
		struct word w;

		if (!take_word(z, text, &i, &w, err))
			break;
		if (l->n == ZONE_WORDS_MAX)
			return complain(err, "too many words");
		l->w[l->n++] = w;
	}
	if (err->what[0])
		return false;
	if (l->n == 0)
		return true;
	if (str_starts(l->w[0].s, STR("$")))
		return directive(z, l, secure, err);
	return record_line(z, l, *secure, err);
}

static enum fail
entry_fail(const struct node *d, uint16_t type, bool *secure)
{
	for (const struct entry *e = d->first; e; e = e->next)
		if (e->fail != FAIL_NONE && e->rr.type == type) {
			*secure = e->secure;
			return e->fail;
		}
	return FAIL_NONE;
}

static size_t
records_of(const struct node *d, uint16_t type)
{
	size_t n = 0;

	for (const struct entry *e = d->first; e; e = e->next)
		n += e->fail == FAIL_NONE && e->rr.type == type;
	return n;
}

/* The node that answers for name, by wildcard too.  *ent: it only has names below it. */
static struct node *
find(struct dns_zone *z, struct arena *a, struct str name, bool *ent)
{
	struct node *d = map_get(&z->nodes, name), *w;

	*ent = false;
	if (d && d->listed)
		return d;
	for (struct str rest = name; rest.n; ) {
		size_t e = label_end(rest);

		if (e == rest.n)
			break;
		rest = str_sub(rest, e + 1, rest.n - e - 1);
		char *p = arena_alloc(a, rest.n + 2);
		if (!p)
			return NULL;
		memcpy(p, "*.", 2);
		memcpy(p + 2, rest.p, rest.n);
		w = map_get(&z->nodes, (struct str){ p, rest.n + 2 });
		if (w && w->listed)
			return w;
		w = map_get(&z->nodes, rest);
		if (w && w->listed)
			break;				/* RFC 4592 3.3.1: the closest encloser */
	}
	*ent = d != NULL;
	return NULL;
}

static enum dns
of_fail(enum fail f)
{
	switch (f) {
	case FAIL_NONE:
	case FAIL_NODATA:	return DNS_NODATA;
	case FAIL_NXDOMAIN:	return DNS_NXDOMAIN;
	case FAIL_BOGUS:	return DNS_BOGUS;
	case FAIL_TEMP:		return DNS_TEMP;
	}
	return DNS_TEMP;
}

static bool
rr_copy(struct arena *a, const struct dns_rr *in, struct dns_rr *out)
{
	*out = *in;
	switch (in->type) {
	case DNS_MX:
		out->mx.host = str_dup(a, in->mx.host);
		return out->mx.host.p;
	case DNS_TXT:
	case DNS_SPF:
		out->txt = str_dup(a, in->txt);
		return out->txt.p;
	case DNS_PTR:
	case DNS_CNAME:
	case DNS_NS:
		out->name = str_dup(a, in->name);
		return out->name.p;
	case DNS_TLSA:
		out->tlsa.data = str_dup(a, in->tlsa.data);
		return out->tlsa.data.p;
	}
	return true;
}

static enum dns
records(const struct node *d, uint16_t type, size_t n, struct arena *a, struct dns_answer *out)
{
	out->rr = arena_alloc(a, n * sizeof *out->rr);
	if (!out->rr)
		return DNS_TEMP;
	for (const struct entry *e = d->first; e; e = e->next) {
		if (e->fail != FAIL_NONE || e->rr.type != type)
			continue;
		if (!rr_copy(a, &e->rr, &out->rr[out->nrr]))
			return DNS_TEMP;
		out->nrr++;
		out->secure = out->secure && e->secure;
		out->ttl = MIN(out->ttl, e->ttl);
	}
	return DNS_OK;
}

/* What d itself says.  *alias: it is an alias, to that name. */
static enum dns
at_node(const struct node *d, uint16_t type, struct arena *a, struct dns_answer *out, struct str *alias)
{
	size_t n = records_of(d, type);
	bool secure = false;
	enum fail f;

	if (n)
		return records(d, type, n, a, out);
	if ((f = entry_fail(d, type, &secure)) != FAIL_NONE) {
		out->secure = out->secure && secure;
		return of_fail(f);
	}
	for (const struct entry *e = d->first; e; e = e->next)
		if (e->fail == FAIL_NONE && e->rr.type == DNS_CNAME) {
			out->secure = out->secure && e->secure;
			out->ttl = MIN(out->ttl, e->ttl);
			*alias = e->rr.name;
			return DNS_OK;
		}
	if ((f = entry_fail(d, TYPE_STAR, &secure)) != FAIL_NONE) {
		out->secure = out->secure && secure;
		return of_fail(f);
	}
	for (const struct entry *e = d->first; e; e = e->next)
		out->secure = out->secure && (e->fail != FAIL_NONE || e->secure);
	return DNS_NODATA;
}

static enum dns
zone_ask(void *ctx, struct str name, uint16_t type, int64_t deadline, struct arena *a,
    struct dns_answer *out)
{
	struct dns_zone *z = ctx;
	struct str key = name_key(a, name);

	(void)deadline;
	z->queries++;
	*out = (struct dns_answer){ .res = DNS_TEMP, .secure = true, .ttl = 300 };
	for (unsigned hop = 0; key.p || key.n == 0; hop++) {
		struct str alias = {};
		bool ent;
		struct node *d = find(z, a, key, &ent);

		if (!d) {
			out->res = ent ? DNS_NODATA : of_fail(z->fallback);
			out->secure = out->secure && !ent && z->fallback_secure;
			break;
		}
		out->res = at_node(d, type, a, out, &alias);
		if (!alias.p)
			break;
		if (hop == ZONE_CHAIN_MAX) {
			out->res = DNS_TEMP;
			break;
		}
		out->cname_final = str_dup(a, alias);
		key = name_key(a, alias);
	}
	if (out->res == DNS_TEMP || out->res == DNS_BOGUS)
		out->secure = false;
	return out->res;
}

struct dns_zone *
dns_zone_new(struct str text, struct dns_zone_error *err)
{
	struct dns_zone *z = calloc(1, sizeof *z);
	struct line *l = malloc(sizeof *l);
	bool secure = false, ok = z && l;

	*err = (struct dns_zone_error){};
	if (z) {
		arena_init(&z->arena, (size_t)64 << 20);
		z->fallback = FAIL_NXDOMAIN;
		z->ops = (struct dns_ops){ .ask = zone_ask, .ctx = z };
	}
	while (ok && text.n) {
		ssize_t nl = str_chr(text, '\n');
		size_t n = nl < 0 ? text.n : (size_t)nl;

		err->line++;
		ok = zone_line(z, str_sub(text, 0, n), &secure, l, err);
		text = str_sub(text, MIN(n + 1, text.n), text.n - MIN(n + 1, text.n));
	}
	free(l);
	if (ok)
		return z;
	dns_zone_free(z);
	return NULL;
}

void
dns_zone_free(struct dns_zone *z)
{
	if (!z)
		return;
	map_done(&z->nodes);
	arena_done(&z->arena);
	free(z);
}

const struct dns_ops *
dns_zone_ops(struct dns_zone *z)
{
	return &z->ops;
}

unsigned
dns_zone_queries(const struct dns_zone *z)
{
	return z->queries;
}

void
dns_zone_reset_queries(struct dns_zone *z)
{
	z->queries = 0;
}
