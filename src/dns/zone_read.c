/* SPDX-License-Identifier: ISC */
/*
 * zone_read: the text form of a zone, line by line, into nodes and entries.  See zone.h.
 *
 * Words are copied unescaped into the zone's arena and stay there; a line has at most 64.
 */
#include "dns/zone_node.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/hex.h"
#include "base/num.h"

enum { ZONE_WORDS_MAX = 4096 };

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

struct str
zone_key(struct arena *a, struct str s)
{
	if (s.n && s.p[s.n - 1] == '.' && !(s.n > 1 && s.p[s.n - 2] == '\\'))
		s.n--;
	return str_lower(a, s);
}

/* Where the name's first label ends: index of the dot, or n. */
size_t
zone_label_end(struct str s)
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
	(void)map_put(&z->nodes, key, d);
	return d;
}

/* The node of a listed owner, its ancestors made sure of. */
static struct node *
node_listed(struct dns_zone *z, struct str key)
{
	struct node *d = node_make(z, key);

	if (!d)
		return NULL;
	d->listed = true;
	for (size_t e = zone_label_end(key); e < key.n; e = zone_label_end(key)) {
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
	struct buf bytes;

	if (l->n < at + 4 || !rdata_join(z, l, at + 3, &hex))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (!num_parse_u64(l->w[at + i].s, &v[i]) || v[i] > 255)
			return false;
	*t = (struct dns_tlsa){ (uint8_t)v[0], (uint8_t)v[1], (uint8_t)v[2], {} };
	buf_init(&bytes, hex.n);
	bool ok = hex_decode(&bytes, hex) && (t->data = str_dup(&z->arena, buf_str(&bytes))).p;
	buf_done(&bytes);
	return ok;
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
		*secure = str_ieq(arg, STR("yes")) || str_ieq(arg, STR("on")) || str_eq(arg,
		    STR("1"));
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
	struct str key = zone_key(&z->arena, l->w[0].s);
	struct node *d = key.p ? node_listed(z, key) : NULL;
	if (!d)
		return complain(err, "no memory");
	if (fail_of(l->w[at].s, &e.fail))
		return failure_line(z, d, l, at + 1, e) || complain(err, "no memory");
	if (at + 1 == l->n)
		return complain(err, "no rdata");
	if (!dns_type_parse(l->w[at].s, &e.rr.type))
		return true;			/* the name exists; nobody asks for this type */
	if (!rdata_read(z, l, at + 1, &e.rr))
		return complain(err, "bad rdata");
	return entry_add(z, d, e) || complain(err, "no memory");
}

static bool
zone_line(struct dns_zone *z, struct str text, bool *secure, struct line *l,
    struct dns_zone_error *err)
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

bool
zone_read(struct dns_zone *z, struct str text, struct dns_zone_error *err)
{
	struct line *l = malloc(sizeof *l);
	bool secure = false, ok = l;

	while (ok && text.n) {
		struct str line = str_split(&text, '\n');

		err->line++;
		ok = zone_line(z, line, &secure, l, err);
	}
	free(l);
	return ok;
}
