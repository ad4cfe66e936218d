/* SPDX-License-Identifier: ISC */
/*
 * zone: a zone text answers questions: wildcards (RFC 4592), aliases, failures as its lines say.
 * Pure: no wait, no clock; deadlines are ignored.
 */
#include "dns/zone_node.h"

#include <stdlib.h>

#include "base/num.h"

enum { ZONE_CHAIN_MAX = 8 };

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
		size_t e = zone_label_end(rest);

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
at_node(const struct node *d, uint16_t type, struct arena *a, struct dns_answer *out,
    struct str *alias)
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
	struct str key = zone_key(a, name);

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
		key = zone_key(a, alias);
	}
	if (out->res == DNS_TEMP || out->res == DNS_BOGUS)
		out->secure = false;
	return out->res;
}

struct dns_zone *
dns_zone_new(struct str text, struct dns_zone_error *err)
{
	struct dns_zone *z = calloc(1, sizeof *z);

	*err = (struct dns_zone_error){};
	if (!z)
		return NULL;
	arena_init(&z->arena, (size_t)64 << 20);
	z->fallback = FAIL_NXDOMAIN;
	z->ops = (struct dns_ops){ .ask = zone_ask, .ctx = z };
	if (zone_read(z, text, err))
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
