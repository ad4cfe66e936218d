/* SPDX-License-Identifier: ISC */
/*
 * dkim_tags: the tags of DKIM-Signature (RFC 6376 3.5) and of ARC's two fields (RFC 8617 4.1),
 * each checked by its own grammar before anybody uses it.
 */
#include "base/num.h"
#include "trust/dkim_parts.h"

struct reading {
	const struct tags *tags;
	struct arena *a;
	struct sig_tags *out;
	const char **why;
};

static bool
wrong(const struct reading *r, const char *why)
{
	*r->why = why;
	return false;
}

bool
sig_domain_ok(struct str s)
{
	size_t label = 0;

	if (s.n == 0 || s.n > SIG_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if ((!ascii_isalnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_') || ++label > 63)
			return false;
	}
	return label > 0;
}

bool
sig_instance(struct str v, uint64_t *out)
{
	return v.n > 0 && v.n <= 2 && v.p[0] != '0' && num_parse_u64(v, out) && *out <= 50;
}

static bool
algorithm(const struct reading *r, bool legacy)
{
	const struct tag *t = tags_find(r->tags, "a");
	struct sig_tags *out = r->out;

	if (!t)
		return wrong(r, "no a= tag");
	out->algorithm = t->value;
	if (str_ieq(t->value, STR("rsa-sha256")))
		out->alg = SIG_RSA_SHA256;
	else if (str_ieq(t->value, STR("ed25519-sha256")))
		out->alg = SIG_ED25519;
	else if (str_ieq(t->value, STR("rsa-sha1")) && legacy)
		out->alg = SIG_RSA_SHA1;
	else
		return wrong(r, str_ieq(t->value, STR("rsa-sha1")) ?
		    "rsa-sha1 is not accepted" : "unknown algorithm");	/* RFC 8301 3.1 */
	return true;
}

static bool
canon_word(struct str s, bool *relaxed)
{
	*relaxed = str_ieq(s, STR("relaxed"));
	return *relaxed || str_ieq(s, STR("simple"));
}

static bool
canonicalization(const struct reading *r)
{
	const struct tag *t = tags_find(r->tags, "c");
	struct str head, body;
	ssize_t slash;

	if (!t)
		return true;					/* simple/simple */
	slash = str_chr(t->value, '/');
	head = slash < 0 ? t->value : str_sub(t->value, 0, (size_t)slash);
	body = slash < 0 ? STR("simple") : str_skip(t->value, (size_t)slash + 1);
	if (!canon_word(head, &r->out->relaxed_header) || !canon_word(body, &r->out->relaxed_body))
		return wrong(r, "unknown canonicalization");
	return true;
}

static bool
signature(const struct reading *r)
{
	const struct tag *t = tags_find(r->tags, "b");

	if (!t)
		return wrong(r, "no b= tag");
	r->out->b_raw = t->raw;
	r->out->b_text = tags_squeeze(t->value, r->a);
	if (!tags_base64(t->value, r->a, &r->out->b))
		return wrong(r, "b= is not base64");
	return true;
}

static bool
body_hash(const struct reading *r)
{
	const struct tag *t = tags_find(r->tags, "bh");

	if (!t)
		return wrong(r, "no bh= tag");
	if (!tags_base64(t->value, r->a, &r->out->bh))
		return wrong(r, "bh= is not base64");
	return true;
}

static bool
domains(const struct reading *r)
{
	const struct tag *d = tags_find(r->tags, "d"), *s = tags_find(r->tags, "s");
	struct sig_tags *out = r->out;

	if (!d || !s)
		return wrong(r, "no d= or s= tag");
	out->domain = d->value;
	out->selector = s->value;
	if (!sig_domain_ok(d->value) || str_chr(d->value, '.') < 0)
		return wrong(r, "d= is no domain");
	if (!sig_domain_ok(s->value))
		return wrong(r, "s= is no selector");
	if (d->value.n + s->value.n + sizeof "._domainkey." - 1 > SIG_NAME_MAX)
		return wrong(r, "the name of the key is too long");
	return true;
}

/* RFC 6376 5.4: From must be among them.  RFC 8617 does not ask that of an AMS, nor that it name
 * any. */
static bool
names(const struct reading *r, bool arc)
{
	const struct tag *t = tags_find(r->tags, "h");
	struct sig_tags *out = r->out;
	struct str rest;
	size_t count = 1;
	bool from = false;

	if (!t || (t->value.n == 0 && !arc))
		return wrong(r, "no h= tag");
	if (t->value.n == 0)
		return true;
	for (size_t i = 0; i < t->value.n; i++)
		count += t->value.p[i] == ':';
	if (count > SIG_NAMES_MAX)
		return wrong(r, "h= names too many fields");
	out->name = arena_alloc(r->a, count * sizeof *out->name);
	rest = tags_squeeze(t->value, r->a);
	if (!out->name || rest.n == 0)
		return wrong(r, "no memory");
	for (size_t i = 0; i < count; i++) {
		struct str one = str_split(&rest, ':');

		if (one.n == 0 && arc)
			continue;
		if (!field_name_valid(one))
			return wrong(r, "h= names no field");
		from |= str_ieq(one, STR("From"));
		out->name[out->nname++] = one;
	}
	return from || arc || wrong(r, "From is not signed");
}

/* A number of digits; what is too large for us is as large as can be. */
static bool
number(const struct reading *r, const char *name, uint64_t *out)
{
	const struct tag *t = tags_find(r->tags, name);

	*out = 0;
	if (!t)
		return true;
	if (t->value.n == 0 || t->value.n > 76)
		return false;
	for (size_t i = 0; i < t->value.n; i++)
		if (!ascii_isdigit(t->value.p[i]))
			return false;
	if (!num_parse_u64(t->value, out) || *out > INT64_MAX)
		*out = INT64_MAX;
	return true;
}

static bool
numbers(const struct reading *r)
{
	uint64_t t, x, l;

	if (!number(r, "t", &t) || !number(r, "x", &x) || !number(r, "l", &l))
		return wrong(r, "a number is expected in t=, x= or l=");
	r->out->t = (int64_t)t;
	r->out->x = (int64_t)x;
	r->out->limited = tags_find(r->tags, "l") != NULL;
	r->out->limit = l;
	if (tags_find(r->tags, "t") && tags_find(r->tags, "x") && x <= t)
		return wrong(r, "it expires before it was made");
	return true;
}

/* dkim-quoted-printable (RFC 6376 2.11) */
static bool
unquote(struct str s, struct arena *a, struct str *out)
{
	char *to = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (!to)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '=') {
			to[n++] = s.p[i];
			continue;
		}
		if (i + 2 >= s.n || !ascii_isxdigit(s.p[i + 1]) || !ascii_isxdigit(s.p[i + 2]))
			return false;
		high = ascii_xval(s.p[i + 1]);
		low = ascii_xval(s.p[i + 2]);
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*out = str_from(to, n);
	return true;
}

/* i=: below d= or in it. */
static bool
identity(const struct reading *r)
{
	const struct tag *t = tags_find(r->tags, "i");
	struct sig_tags *out = r->out;
	struct str domain;
	ssize_t at;

	if (!t) {
		out->identity = str_cat(r->a, STR("@"), out->domain);
		return true;
	}
	if (!unquote(tags_squeeze(t->value, r->a), r->a, &out->identity))
		return wrong(r, "i= is not well formed");
	at = str_rchr(out->identity, '@');
	if (at < 0)
		return wrong(r, "i= has no domain");
	domain = str_skip(out->identity, (size_t)at + 1);
	if (str_ieq(domain, out->domain))
		return true;
	if (!sig_domain_ok(domain) || domain.n <= out->domain.n + 1 ||
	    !str_iends(domain, out->domain) || domain.p[domain.n - out->domain.n - 1] != '.')
		return wrong(r, "i= is not within d=");
	return true;
}

static bool
version_and_query(const struct reading *r)
{
	const struct tag *v = tags_find(r->tags, "v"), *q = tags_find(r->tags, "q");

	if (!v || !str_eq(v->value, STR("1")))
		return wrong(r, "not version 1");
	if (q && !tags_list_has(q->value, STR("dns/txt")) && !tags_list_has(q->value, STR("dns")))
		return wrong(r, "no known way to the key");
	return true;
}

static bool
instance(const struct reading *r)
{
	const struct tag *t = tags_find(r->tags, "i");

	if (!t || !sig_instance(t->value, &r->out->instance))
		return wrong(r, "no instance");
	return true;
}

/* RFC 8617 4.1.3: no bh, no h, no c; cv= instead. */
static bool
seal(const struct reading *r)
{
	const struct tag *cv = tags_find(r->tags, "cv");

	if (tags_find(r->tags, "h"))
		return wrong(r, "a seal with h=");
	if (!cv)
		return wrong(r, "no cv= tag");
	r->out->cv = cv->value;
	r->out->relaxed_header = true;
	return true;
}

bool
sig_tags_read(struct str value, enum sig_kind kind, bool legacy, struct arena *a,
    struct sig_tags *out, const char **why)
{
	struct tags tags;
	struct reading r = { .tags = &tags, .a = a, .out = out, .why = why };

	*out = (struct sig_tags){};
	*why = "";
	if (value.n > SIG_FIELD_MAX)
		return wrong(&r, "too long");
	if (!tags_parse(value, a, &tags))
		return wrong(&r, "not a list of tags");
	/* Who it says it is first, so that a refusal can name it. */
	if (kind != SIG_DKIM && !instance(&r))
		return false;
	if (!domains(&r) || !signature(&r))
		return false;
	if (kind == SIG_DKIM && !version_and_query(&r))
		return false;
	if (!algorithm(&r, legacy) || !numbers(&r))
		return false;
	if (kind == SIG_ARC_SEAL)
		return seal(&r);
	if (!canonicalization(&r) || !body_hash(&r) || !names(&r, kind != SIG_DKIM))
		return false;
	return kind != SIG_DKIM || identity(&r);
}
