/* SPDX-License-Identifier: ISC */
/*
 * arc_seal: see arc_seal.h.
 */
#include "trust/arc_seal.h"

#include "base/base64.h"
#include "base/num.h"
#include "trust/arc_parts.h"
#include "trust/authres.h"

enum { FIELD_MAX = 64 << 10, BLOCK_MAX = 1 << 20 };

static struct str
trim(struct str s)
{
	while (s.n > 0 && ascii_isspace(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && ascii_isspace(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* What stands behind the authserv-id in each field of ours, joined. */
static bool
payload(const struct arc_sealer *s, const struct header *h, struct arena *a, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->field[i];
		struct str rest;

		if (!str_ieq(f->name, STR("Authentication-Results")) ||
		    !authres_claims(f, s->authserv_id, a))
			continue;
		rest = f->value;
		(void)str_split(&rest, ';');
		rest = trim(rest);
		while (rest.n > 0 && rest.p[rest.n - 1] == ';')
			rest = trim(str_sub(rest, 0, rest.n - 1));
		if (rest.n == 0)
			continue;
		if (any)
			(void)buf_puts(out, ";\r\n\t");
		(void)buf_put(out, rest);
		any = true;
	}
	if (!any)
		(void)buf_puts(out, "none");
	return !out->failed;
}

/* Does what we say of ourselves hold "arc=fail"? */
static bool
says_failed(struct str results)
{
	struct str rest = results;

	while (rest.n > 0) {
		struct str one = trim(str_split(&rest, ';'));

		if (str_istarts(one, STR("arc=fail")))
			return true;
	}
	return false;
}

static bool
put_signature(const struct arc_sealer *s, struct buf *field, const struct buf *block)
{
	struct buf sig, text;
	struct str rest;
	bool good;

	buf_init(&sig, 1024);
	buf_init(&text, 2048);
	good = !block->failed && s->sign(s->ctx, buf_str(block), &sig) &&
	    base64_encode(&text, buf_str(&sig));
	rest = buf_str(&text);
	while (good && rest.n > 0) {
		(void)buf_puts(field, "\r\n\t");
		(void)buf_put(field, str_sub(rest, 0, 64));
		rest = str_skip(rest, 64);
	}
	buf_done(&sig);
	buf_done(&text);
	return good && buf_puts(field, "\r\n");
}

static struct field
field_of(struct str name, const struct buf *b)
{
	return (struct field){ .name = name, .raw = buf_str(b),
		.value = str_skip(buf_str(b), name.n + 1) };
}

static bool
make_ams(const struct arc_sealer *s, const struct header *h, unsigned i, struct str body_hash,
    struct buf *out, struct arena *a)
{
	struct sig_choice fields = { h, s->name, s->nname, true, NULL };
	struct buf block;
	struct sig_sink to = { .buf = &block };
	struct field own;
	bool good;

	buf_init(&block, BLOCK_MAX);
	(void)buf_putf(out, "ARC-Message-Signature: i=%u; a=%s; c=relaxed/relaxed;\r\n\td=" STR_F
	    "; s=" STR_F "; t=%lld;\r\n\th=", i, s->ed25519 ? "ed25519-sha256" : "rsa-sha256",
	    STR_A(s->domain), STR_A(s->selector), (long long)s->now_s);
	for (size_t k = 0; k < s->nname; k++) {
		if (k > 0)
			(void)buf_puts(out, ":");
		if (k % 8 == 7)
			(void)buf_puts(out, "\r\n\t ");
		(void)buf_put(out, s->name[k]);
	}
	(void)buf_puts(out, ";\r\n\tbh=");
	(void)base64_encode(out, body_hash);
	(void)buf_puts(out, ";\r\n\tb=");
	own = field_of(STR("ARC-Message-Signature"), out);
	good = sig_put_fields(&to, &fields, a);
	sig_put_own(&to, &own, true, str_skip(own.raw, own.raw.n));
	good = good && put_signature(s, out, &block);
	buf_done(&block);
	return good;
}

static bool
make_seal(const struct arc_sealer *s, struct arc_fields *set, unsigned n, const char *cv,
    struct buf *out)
{
	struct buf block;
	struct sig_sink to = { .buf = &block };
	struct field own;
	bool good;

	buf_init(&block, BLOCK_MAX);
	(void)buf_putf(out, "ARC-Seal: i=%u; a=%s; cv=%s; d=" STR_F ";\r\n\ts=" STR_F
	    "; t=%lld;\r\n\tb=", n, s->ed25519 ? "ed25519-sha256" : "rsa-sha256", cv,
	    STR_A(s->domain), STR_A(s->selector), (long long)s->now_s);
	own = field_of(STR("ARC-Seal"), out);
	arc_put_sealed(&to, set, n, str_eq(str_of(cv), STR("fail")));
	sig_put_own(&to, &own, true, str_skip(own.raw, own.raw.n));
	good = put_signature(s, out, &block);
	buf_done(&block);
	return good;
}

/* The last seal said that the chain failed: nobody may add to it. */
static bool
closed(const struct arc_fields *set, unsigned n, struct arena *a)
{
	struct tags t;
	const struct tag *cv;

	if (n == 0)
		return false;
	if (n >= ARC_INSTANCES_MAX || !tags_parse(set[n - 1].as->value, a, &t))
		return true;
	cv = tags_find(&t, "cv");
	return !cv || str_ieq(cv->value, STR("fail"));
}

bool
arc_seal(const struct arc_sealer *s, const struct header *h, const struct arc *chain,
    struct str body_hash, struct arena *a, struct buf *out)
{
	struct arc_fields *set = arena_zalloc(a, ARC_INSTANCES_MAX * sizeof *set);
	struct buf results, aar, ams, seal;
	struct field faar, fams;
	const char *why, *cv;
	unsigned n;
	bool good;

	if (!set || !arc_collect(h, a, set, &n, &why) || closed(set, n, a) ||
	    chain->result == AUTH_TEMPERROR)
		return false;
	buf_init(&results, FIELD_MAX);
	buf_init(&aar, FIELD_MAX);
	buf_init(&ams, FIELD_MAX);
	buf_init(&seal, FIELD_MAX);
	good = payload(s, h, a, &results);
	cv = n == 0 ? "none" : chain->result == AUTH_PASS && !says_failed(buf_str(&results)) ?
	    "pass" : "fail";
	(void)buf_putf(&aar, "ARC-Authentication-Results: i=%u; " STR_F ";\r\n\t", n + 1,
	    STR_A(s->authserv_id));
	(void)buf_put(&aar, buf_str(&results));
	good = good && buf_puts(&aar, "\r\n") &&
	    make_ams(s, h, n + 1, body_hash, &ams, a);
	faar = field_of(STR("ARC-Authentication-Results"), &aar);
	fams = field_of(STR("ARC-Message-Signature"), &ams);
	set[n] = (struct arc_fields){ .aar = &faar, .ams = &fams };
	good = good && make_seal(s, set, n + 1, cv, &seal) && buf_put(out, buf_str(&seal)) &&
	    buf_put(out, buf_str(&ams)) && buf_put(out, buf_str(&aar));
	buf_done(&results);
	buf_done(&aar);
	buf_done(&ams);
	buf_done(&seal);
	return good;
}
