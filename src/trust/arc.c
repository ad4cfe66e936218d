/* SPDX-License-Identifier: ISC */
/*
 * arc: see arc.h.  The steps of RFC 8617 5.2, in their order.
 */
#include "trust/arc.h"

#include "base/num.h"
#include "trust/arc_parts.h"

struct set {				/* instance i is set[i - 1] */
	struct arc_fields f;
	struct sig_tags ams, as;
	bool ams_read;
	int body;
};

struct arc_work {
	const struct header *h;
	struct set *set;
	bool broken;			/* the structure is wrong: nothing more is asked */
};

static void
ends(struct arc *c, const char *why)
{
	c->result = AUTH_FAIL;
	c->why = why;
	c->work->broken = true;
}

/* i= of an ARC-Authentication-Results field, and what stands behind it. */
bool
arc_aar_read(struct str value, uint64_t *instance, struct str *payload)
{
	struct str rest = value, head = str_split(&rest, ';'), name, number;

	number = head;
	name = str_split(&number, '=');
	while (name.n > 0 && ascii_isspace(name.p[0]))
		name = str_skip(name, 1);
	while (name.n > 0 && ascii_isspace(name.p[name.n - 1]))
		name.n--;
	while (number.n > 0 && ascii_isspace(number.p[0]))
		number = str_skip(number, 1);
	while (number.n > 0 && ascii_isspace(number.p[number.n - 1]))
		number.n--;
	*payload = rest;
	return str_eq(name, STR("i")) && sig_instance(number, instance);
}

bool
arc_collect(const struct header *h, struct arena *a, struct arc_fields *out, unsigned *n,
    const char **why)
{
	static const struct str names[] = {
		STR_INIT("ARC-Authentication-Results"), STR_INIT("ARC-Message-Signature"),
		STR_INIT("ARC-Seal"),
	};

	*n = 0;
	*why = "";
	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->field[i], **at;
		struct str payload;
		uint64_t instance;
		struct tags t;
		size_t k = 0;

		while (k < COUNT(names) && !str_ieq(f->name, names[k]))
			k++;
		if (k == COUNT(names))
			continue;
		*n = MAX(*n, 1u);
		*why = "a field of the chain has no instance";
		if (k == 0 ? !arc_aar_read(f->value, &instance, &payload) :
		    !tags_parse(f->value, a, &t) || !tags_find(&t, "i") ||
		    !sig_instance(tags_find(&t, "i")->value, &instance))
			return false;
		at = k == 0 ? &out[instance - 1].aar : k == 1 ? &out[instance - 1].ams :
		    &out[instance - 1].as;
		*why = "an instance has a field twice";
		if (*at)
			return false;
		*at = f;
		*n = MAX(*n, (unsigned)instance);
	}
	*why = "an instance is not complete";
	for (unsigned i = 0; i < *n; i++)
		if (!out[i].aar || !out[i].ams || !out[i].as)
			return false;
	*why = "";
	return true;
}

/* Reads one set; wants the body hash of its AMS. */
static bool
read_set(struct arc *c, unsigned i, struct body_hashes *b, struct arena *a)
{
	struct set *s = &c->work->set[i];
	struct arc_set *out = &c->set[i];
	const char *why;
	uint64_t number;

	(void)arc_aar_read(s->f.aar->value, &number, &out->aar);
	s->body = -1;
	s->ams_read = sig_tags_read(s->f.ams->value, SIG_ARC_MESSAGE, false, a, &s->ams, &why);
	out->message_domain = s->ams.domain;
	for (size_t k = 0; k < s->ams.nname; k++) {
		out->ams_covers_from |= str_ieq(s->ams.name[k], STR("From"));
		if (str_ieq(s->ams.name[k], STR("ARC-Seal")))
			s->ams_read = false;			/* RFC 8617 4.1.2 */
	}
	if (s->ams_read)
		s->body = body_hash_want(b, (struct body_wish){ .relaxed = s->ams.relaxed_body,
		    .limited = s->ams.limited, .limit = s->ams.limit });
	if (!sig_tags_read(s->f.as->value, SIG_ARC_SEAL, false, a, &s->as, &why)) {
		ends(c, why);
		return false;
	}
	out->seal_domain = s->as.domain;
	out->seal_selector = s->as.selector;
	if (i + 1 == c->n && !s->ams_read) {
		ends(c, "the newest message signature is malformed");
		return false;
	}
	return true;
}

/* 5.2 steps 2 and 3: what the seals say of the chain before them. */
static void
check_cv(struct arc *c)
{
	const struct set *newest = &c->work->set[c->n - 1];

	if (str_ieq(newest->as.cv, STR("fail"))) {
		ends(c, "the chain had failed before");
		return;
	}
	for (unsigned i = 0; i < c->n; i++)
		if (!str_ieq(c->work->set[i].as.cv, i == 0 ? STR("none") : STR("pass")))
			ends(c, "a seal says something else of the chain before it");
}

bool
arc_begin(struct arc *c, const struct header *h, struct body_hashes *b, struct arena *a)
{
	struct arc_work *w = arena_zalloc(a, sizeof *w);
	struct arc_fields *fields = arena_zalloc(a, ARC_INSTANCES_MAX * sizeof *fields);

	*c = (struct arc){ .why = "", .work = w };
	if (!w || !fields)
		return false;
	w->h = h;
	if (!arc_collect(h, a, fields, &c->n, &c->why)) {
		c->result = AUTH_FAIL;
		w->broken = true;
		c->n = 0;
		return true;
	}
	if (c->n == 0)
		return true;
	w->set = arena_zalloc(a, c->n * sizeof *w->set);
	c->set = arena_zalloc(a, c->n * sizeof *c->set);
	if (!w->set || !c->set)
		return false;
	for (unsigned i = 0; i < c->n; i++)
		w->set[i].f = fields[i];
	for (unsigned i = 0; i < c->n; i++)
		if (!read_set(c, i, b, a))
			return true;
	check_cv(c);
	return true;
}

void
arc_put_sealed(const struct sig_sink *to, const struct arc_fields *set, unsigned n, bool failed)
{
	for (unsigned i = failed ? n - 1 : 0; i < n; i++) {
		sig_put_field(to, set[i].aar, true);
		sig_put_field(to, set[i].ams, true);
		if (i + 1 < n)
			sig_put_field(to, set[i].as, true);
	}
}

static enum auth_result
check_key(const struct sig_tags *t, const struct sig_key *k)
{
	if (k->ed25519 != (t->alg == SIG_ED25519) || !k->sha256)
		return AUTH_PERMERROR;
	return k->ed25519 || (k->bits >= 1024 && k->bits <= 4096) ? AUTH_PASS : AUTH_FAIL;
}

static enum auth_result
check_digest(EVP_MD_CTX *md, const struct sig_tags *t, const struct sig_key *k)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestFinal_ex(md, digest, &n) != 1)
		return AUTH_FAIL;
	return sig_verify(k, t->alg, str_from(digest, n), t->b) ? AUTH_PASS : AUTH_FAIL;
}

/* suspends */
static enum auth_result
check_ams(const struct arc *c, unsigned i, const struct body_hashes *b, struct trust_dns *dns,
    struct arena *a)
{
	const struct set *s = &c->work->set[i];
	struct sig_choice fields = { c->work->h, s->ams.name, s->ams.nname, s->ams.relaxed_header,
		s->f.ams };
	struct sig_sink to = { .md = EVP_MD_CTX_new() };
	enum auth_result r;
	struct sig_key k;
	const char *why;
	uint64_t len;
	bool found;

	r = sig_key_fetch(s->ams.selector, s->ams.domain, dns, a, &k, &found, &why);
	if (r == AUTH_PASS)
		r = check_key(&s->ams, &k);
	if (r == AUTH_PASS && (!str_eq(body_hash_get(b, s->body, &len), s->ams.bh) ||
	    (s->ams.limited && s->ams.limit != len)))
		r = AUTH_FAIL;
	if (r == AUTH_PASS && to.md && EVP_DigestInit_ex(to.md, EVP_sha256(), NULL) == 1 &&
	    sig_put_fields(&to, &fields, a)) {
		sig_put_own(&to, s->f.ams, s->ams.relaxed_header, s->ams.b_raw);
		r = check_digest(to.md, &s->ams, &k);
	}
	EVP_MD_CTX_free(to.md);
	sig_key_done(&k);
	return r;
}

/* suspends */
static enum auth_result
check_seal(const struct arc *c, unsigned i, struct trust_dns *dns, struct arena *a)
{
	const struct set *s = &c->work->set[i];
	struct arc_fields *sets = arena_alloc(a, (i + 1) * sizeof *sets);
	struct sig_sink to = { .md = EVP_MD_CTX_new() };
	enum auth_result r;
	struct sig_key k;
	const char *why;
	bool found;

	r = sig_key_fetch(s->as.selector, s->as.domain, dns, a, &k, &found, &why);
	if (r == AUTH_PASS)
		r = check_key(&s->as, &k);
	if (r == AUTH_PASS && (!to.md || !sets ||
	    EVP_DigestInit_ex(to.md, EVP_sha256(), NULL) != 1))
		r = AUTH_TEMPERROR;
	if (r == AUTH_PASS) {
		for (unsigned n = 0; n <= i; n++)
			sets[n] = c->work->set[n].f;
		arc_put_sealed(&to, sets, i + 1, false);
		sig_put_own(&to, s->f.as, true, s->as.b_raw);
		r = check_digest(to.md, &s->as, &k);
	}
	EVP_MD_CTX_free(to.md);
	sig_key_done(&k);
	return r;
}

static bool
holds(struct arc *c, enum auth_result r, const char *why)
{
	if (r == AUTH_PASS)
		return true;
	ends(c, r == AUTH_TEMPERROR ? "a key could not be looked up" : why);
	if (r == AUTH_TEMPERROR)
		c->result = AUTH_TEMPERROR;
	return false;
}

/* Which older message signatures still verify (5.2 step 5). */
static void
find_oldest(struct arc *c, const struct body_hashes *b, struct trust_dns *dns, struct arena *a)
{
	for (unsigned i = c->n - 1; i > 0; i--) {
		c->set[i - 1].ams_valid = c->work->set[i - 1].ams_read &&
		    check_ams(c, i - 1, b, dns, a) == AUTH_PASS;
		if (!c->set[i - 1].ams_valid) {
			c->oldest_pass = i + 1;
			return;
		}
	}
}

void
arc_end(struct arc *c, const struct body_hashes *b, int64_t now_s, struct trust_dns *dns,
    struct arena *a)
{
	(void)now_s;				/* neither field of a set expires */
	if (c->n == 0 || c->work->broken)
		return;
	if (!holds(c, check_ams(c, c->n - 1, b, dns, a),
	    "the newest message signature does not verify"))
		return;
	c->set[c->n - 1].ams_valid = true;
	for (unsigned i = c->n; i > 0; i--)
		if (!holds(c, check_seal(c, i - 1, dns, a), "a seal does not verify"))
			return;
	find_oldest(c, b, dns, a);
	c->result = AUTH_PASS;
}
