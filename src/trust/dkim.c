/* SPDX-License-Identifier: ISC */
/*
 * dkim: see dkim.h.
 *
 * The order of judgement is that of RFC 6376 6.1: the field, the key, the hashes; what the
 * standards leave to the receiver (partial bodies, under-signed fields) comes last and is
 * AUTH_POLICY.
 */
#include "trust/dkim.h"

#include "base/num.h"
#include "trust/dkim_parts.h"

enum { BITS_MIN = 1024, BITS_LEGACY = 512, BITS_GOOD = 2048, BITS_MAX = 4096 };

struct one {
	const struct field *field;
	struct sig_tags tags;
	int body;			/* number of its body hash */
	bool usable;
};

struct dkim_work {
	const struct header *h;
	struct one one[DKIM_SIGNATURES_MAX];
};

static void
judged(struct dkim_sig *s, enum auth_result r, const char *why)
{
	s->result = r;
	s->why = why;
}

static void
read_one(struct dkim *d, struct dkim_sig *s, struct one *o, struct body_hashes *b, struct arena *a)
{
	struct body_wish wish;
	const char *why;

	*s = (struct dkim_sig){};
	o->usable = sig_tags_read(o->field->value, SIG_DKIM, d->legacy, a, &o->tags, &why);
	s->domain = o->tags.domain;
	s->selector = o->tags.selector;
	s->identity = o->tags.identity;
	s->algorithm = o->tags.algorithm;
	s->b = o->tags.b_text;
	s->signed_s = o->tags.t;
	s->expires_s = o->tags.x;
	s->covers_from = o->tags.nname > 0;
	if (!o->usable) {
		judged(s, AUTH_PERMERROR, why);
		return;
	}
	wish = (struct body_wish){ .relaxed = o->tags.relaxed_body, .limited = o->tags.limited,
		.limit = o->tags.limit,
		.alg = o->tags.alg == SIG_RSA_SHA1 ? BODY_SHA1 : BODY_SHA256 };
	o->body = body_hash_want(b, wish);
	if (o->body < 0) {
		o->usable = false;
		judged(s, AUTH_POLICY, "too many kinds of body hashes");
	}
}

bool
dkim_begin(struct dkim *d, const struct header *h, struct body_hashes *b, struct arena *a)
{
	struct dkim_work *w = arena_zalloc(a, sizeof *w);

	d->work = w;
	d->n = 0;
	d->result = AUTH_NONE;
	d->sig = arena_zalloc(a, DKIM_SIGNATURES_MAX * sizeof *d->sig);
	if (!w || !d->sig)
		return false;
	w->h = h;
	for (size_t i = 0; i < h->n && d->n < DKIM_SIGNATURES_MAX; i++) {
		if (!str_ieq(h->field[i].name, STR("DKIM-Signature")))
			continue;
		w->one[d->n].field = &h->field[i];
		read_one(d, &d->sig[d->n], &w->one[d->n], b, a);
		d->n++;
	}
	return true;
}

static size_t
signed_times(const struct sig_tags *t, struct str name)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nname; i++)
		n += str_ieq(t->name[i], name);
	return n;
}

/* A second field of a kind that may stand once, which the signature does not cover: what is shown
 * may not be what was signed. */
static bool
under_signed(const struct dkim_work *w, const struct sig_tags *t)
{
	static const struct str once[] = {
		STR_INIT("From"), STR_INIT("Subject"), STR_INIT("Date"), STR_INIT("To"),
		STR_INIT("Cc"), STR_INIT("Reply-To"), STR_INIT("Content-Type"),
		STR_INIT("MIME-Version"),
	};

	for (size_t i = 0; i < COUNT(once); i++) {
		size_t there = header_count(w->h, once[i]);

		if (there > 1 && signed_times(t, once[i]) < there)
			return true;
	}
	return false;
}

static bool
covers_all(const struct sig_tags *t)
{
	static const struct str all[] = {
		STR_INIT("From"), STR_INIT("To"), STR_INIT("Subject"), STR_INIT("Date"),
		STR_INIT("Message-ID"),
	};

	for (size_t i = 0; i < COUNT(all); i++)
		if (signed_times(t, all[i]) == 0)
			return false;
	return true;
}

static bool
header_fits(const struct dkim_work *w, const struct one *o, const struct sig_key *k,
    struct arena *a)
{
	const struct sig_tags *t = &o->tags;
	const EVP_MD *md = memo_md(t->alg == SIG_RSA_SHA1);
	struct sig_sink to = { .md = EVP_MD_CTX_new() };
	struct sig_choice fields = { w->h, t->name, t->nname, t->relaxed_header, o->field };
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *c = to.md;
	unsigned n = 0;
	bool good = c && EVP_DigestInit_ex(c, md, NULL) == 1 && sig_put_fields(&to, &fields, a);

	if (good) {
		sig_put_own(&to, o->field, t->relaxed_header, t->b_raw);
		good = EVP_DigestFinal_ex(c, digest, &n) == 1 &&
		    sig_verify(k, t->alg, str_from(digest, n), t->b);
	}
	EVP_MD_CTX_free(c);
	return good;
}

/* What the key allows (RFC 6376 3.6.1, RFC 8301 3.2, RFC 8463 3).  NULL: all is well. */
static const char *
key_forbids(const struct dkim *d, const struct sig_key *k, const struct sig_tags *t,
    enum auth_result *r)
{
	*r = AUTH_PERMERROR;
	if (k->ed25519 != (t->alg == SIG_ED25519))
		return "the key is of another kind";
	if (t->alg == SIG_RSA_SHA1 ? !k->sha1 : !k->sha256)
		return "the key forbids that hash";
	if (k->strict && !str_ieq(str_skip(t->identity,
	    (size_t)str_rchr(t->identity, '@') + 1), t->domain))
		return "the key forbids identities below its domain";
	*r = AUTH_FAIL;
	if (!k->ed25519 && k->bits < (d->legacy ? BITS_LEGACY : BITS_MIN))
		return "the key is too short";
	*r = AUTH_POLICY;
	if (!k->ed25519 && k->bits > BITS_MAX)
		return "the key is too long";
	return NULL;
}

/* t= in the future is left alone (3.5 lets us): of two clocks nobody knows which is wrong. */
static void
judge_times(struct dkim_sig *s, const struct dkim_rules *r)
{
	if (s->expires_s != 0 && s->expires_s < r->now_s)
		judged(s, AUTH_FAIL, "expired");
}

/* With a key at hand. */
static void
judge(struct dkim *d, struct dkim_sig *s, const struct one *o, const struct sig_key *k,
    const struct body_hashes *b, struct arena *a)
{
	enum auth_result r;
	uint64_t body_len;
	struct str digest = body_hash_get(b, o->body, &body_len);
	const char *why = key_forbids(d, k, &o->tags, &r);

	s->key_bits = k->bits;
	s->testing = k->testing;
	s->limited = o->tags.limited && o->tags.limit < body_len;
	if (why)
		judged(s, r, why);
	else if (o->tags.limited && o->tags.limit > body_len)
		judged(s, AUTH_PERMERROR, "l= is larger than the body");
	else if (!str_eq(digest, o->tags.bh))
		judged(s, AUTH_FAIL, "the body was changed");
	else if (!header_fits(d->work, o, k, a))
		judged(s, AUTH_FAIL, "the header was changed");
	else if (s->limited)
		judged(s, AUTH_POLICY, "covers a part of the body alone");
	else if (under_signed(d->work, &o->tags))
		judged(s, AUTH_POLICY, "a field stands more often than it is signed");
	else
		judged(s, AUTH_PASS, "");
	s->weak_key = s->result == AUTH_PASS && !k->ed25519 && k->bits < BITS_GOOD;
}

/* suspends */
static void
end_one(struct dkim *d, size_t i, const struct body_hashes *b, const struct dkim_rules *r,
    struct trust_dns *dns, struct arena *a)
{
	const struct one *o = &d->work->one[i];
	struct dkim_sig *s = &d->sig[i];
	struct str own = {};
	struct sig_key k = {};
	enum auth_result got = AUTH_PASS;
	const char *why = "";

	if (r->own_key)
		own = r->own_key(r->ctx, s->domain, s->selector);
	if (own.n > 0 && sig_key_of(own, &k))
		s->key_found = true;
	else
		got = sig_key_fetch(s->selector, s->domain, dns, a, &k, &s->key_found, &why);
	if (got == AUTH_PASS)
		judge(d, s, o, &k, b, a);
	else
		judged(s, got, why);
	if (s->result == AUTH_PASS)
		judge_times(s, r);
	s->covers_all = s->result == AUTH_PASS && covers_all(&o->tags);
	sig_key_done(&k);
}

void
dkim_end(struct dkim *d, const struct body_hashes *b, const struct dkim_rules *r,
    struct trust_dns *dns, struct arena *a)
{
	unsigned keys = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (!d->work->one[i].usable)
			continue;
		if (keys++ < DKIM_KEYS_MAX)
			end_one(d, i, b, r, dns, a);
		else
			judged(&d->sig[i], AUTH_POLICY, "too many signatures");
	}
	d->result = d->n > 0 ? d->sig[0].result : AUTH_NONE;
	for (size_t i = 0; i < d->n; i++)
		if (d->sig[i].result == AUTH_PASS)
			d->result = AUTH_PASS;
}
