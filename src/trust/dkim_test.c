/* SPDX-License-Identifier: ISC */
/*
 * dkim_test: bodies canonicalised in any chunking, signatures made and checked, and each way in
 * which one must not pass.
 */
#include "base/test.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/hex.h"
#include "dns/zone.h"
#include "trust/arc_seal.h"
#include "trust/dkim.h"
#include "trust/dkim_parts.h"
#include "trust/dkim_sign.h"

/* Digests of RFC 6376 3.4.3 and 3.4.4 for empty bodies, and of bodies by sha256sum. */
static const struct { bool relaxed; const char *body, *hash; } bodies[] = {
	{ false, "", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=" },
	{ true, "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
	{ false, "\r\n\r\n", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=" },
	{ true, " \r\n\t\r\n", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
	{ true, " C \r\nD \t E\r\n\r\n\r\n", NULL },
	{ false, " C \r\nD \t E\r\n\r\n\r\n", NULL },
	{ true, "a\rb\nc \r\r\n", NULL },
};

static struct str
digest_of(bool relaxed, struct str body, size_t chunk, char room[BODY_DIGEST_MAX])
{
	struct body_hashes b = {};
	struct str d;
	uint64_t len;
	int n = body_hash_want(&b, (struct body_wish){ .relaxed = relaxed });

	while (body.n > 0) {
		body_hash_feed(&b, str_sub(body, 0, chunk));
		body = str_skip(body, chunk);
	}
	body_hash_end(&b);
	d = body_hash_get(&b, n, &len);
	memcpy(room, d.p, d.n);
	body_hashes_done(&b);
	return str_from(room, d.n);
}

static void
test_bodies_in_any_chunking(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct str body = str_of(bodies[i].body);
		char one[BODY_DIGEST_MAX], other[BODY_DIGEST_MAX];
		struct str whole = digest_of(bodies[i].relaxed, body, 1 << 20, one);
		struct buf text;

		for (size_t chunk = 1; chunk < 6; chunk++)
			assert_true(str_eq(whole,
			    digest_of(bodies[i].relaxed, body, chunk, other)));
		buf_init(&text, 64);
		assert_true(base64_encode(&text, whole));
		if (bodies[i].hash)
			assert_true(str_eq(buf_str(&text), str_of(bodies[i].hash)));
		buf_done(&text);
	}
}

static void
test_relaxed_is_what_it_says(void **state)
{
	char one[BODY_DIGEST_MAX], other[BODY_DIGEST_MAX];

	(void)state;
	assert_true(str_eq(digest_of(true, STR(" C \r\nD \t E\r\n\r\n\r\n"), 99, one),
	    digest_of(false, STR(" C\r\nD E\r\n"), 99, other)));
	assert_true(str_eq(digest_of(true, STR("a  "), 99, one),
	    digest_of(false, STR("a"), 99, other)));
}

/* A domain with an RSA and an Ed25519 key. */
static struct {
	EVP_PKEY *rsa, *ed;
	struct dns_zone *zone;
} world;

static double
cpu_of(struct str piece, size_t n, bool relaxed)
{
	struct timespec begin, end;
	double best = 1e9;

	for (int run = 0; run < 5; run++) {
		struct body_hashes b = {};

		(void)body_hash_want(&b, (struct body_wish){ .relaxed = relaxed });
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
		for (size_t i = 0; i < n; i++)
			body_hash_feed(&b, piece);
		body_hash_feed(&b, STR("x"));
		body_hash_end(&b);
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		best = MIN(best, (double)(end.tv_sec - begin.tv_sec) +
		    (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
		body_hashes_done(&b);
	}
	return best;
}

/* What waits (white space, empty lines) is looked at once: four times the body takes about four
 * times as long, where another look at each would take sixteen times. */
static void
test_X5_T_ALGO_bodies_take_linear_time(void **state)
{
	static const char *const piece[] = { "\r\n", " ", " \r\n", "\r", "a \t", "\n" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof piece / sizeof piece[0]; i++) {
		struct str p = str_of(piece[i / 2]);
		double one = cpu_of(p, 100'000, i % 2), four = cpu_of(p, 400'000, i % 2);

		if (four > 7 * one + 0.002)
			fail_msg("piece %zu, relaxed %zu: %f and %f", i / 2, i % 2, one, four);
	}
}

static void
put_record(struct buf *zone, const char *selector, EVP_PKEY *key, const char *more)
{
	unsigned char *der = NULL, raw[32];
	size_t n = sizeof raw;
	bool ed = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	struct buf b64;

	buf_init(&b64, 8192);
	if (ed) {
		assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &n), 1);
		(void)base64_encode(&b64, str_from(raw, n));
	} else {
		int len = i2d_PUBKEY(key, &der);

		(void)base64_encode(&b64, str_from(der, (size_t)len));
		OPENSSL_free(der);
	}
	(void)buf_putf(zone, "%s._domainkey.example.org. TXT \"v=DKIM1; k=%s; %sp=\"", selector,
	    ed ? "ed25519" : "rsa", more);
	for (struct str rest = buf_str(&b64); rest.n > 0; rest = str_skip(rest, 200)) {
		(void)buf_puts(zone, " \"");
		(void)buf_put(zone, str_sub(rest, 0, 200));
		(void)buf_puts(zone, "\"");
	}
	(void)buf_puts(zone, "\n");
	buf_done(&b64);
}

static int
world_up(void **state)
{
	struct dns_zone_error err;
	struct buf zone;

	(void)state;
	world.rsa = EVP_RSA_gen(2048);
	world.ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	buf_init(&zone, 1 << 16);
	put_record(&zone, "r", world.rsa, "");
	put_record(&zone, "e", world.ed, "");
	put_record(&zone, "strict", world.rsa, "t=s; ");
	put_record(&zone, "tls", world.rsa, "s=tlsrpt; ");
	put_record(&zone, "sha1", world.rsa, "h=sha1; ");
	(void)buf_puts(&zone, "revoked._domainkey.example.org. TXT \"v=DKIM1; p=\"\n"
	    "slow._domainkey.example.org. TIMEOUT TXT\n");
	world.zone = dns_zone_new(buf_str(&zone), &err);
	buf_done(&zone);
	return world.zone && world.rsa && world.ed ? 0 : -1;
}

static int
world_down(void **state)
{
	(void)state;
	dns_zone_free(world.zone);
	EVP_PKEY_free(world.rsa);
	EVP_PKEY_free(world.ed);
	return 0;
}

static bool
sign_with(void *ctx, struct str block, struct buf *signature)
{
	return dkim_sign_locally(ctx, block, signature);
}

static const char mail[] =
    "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: one \r\n two\r\n"
    "Date: Tue, 10 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
    "Hello.  \r\n\r\nBye.\r\n";

/* mail signed with that selector's key; extra tags come from expires_s and identity. */
static struct str
signed_mail(const char *selector, EVP_PKEY *key, int64_t expires_s, const char *identity,
    struct arena *a)
{
	struct dkim_signer s = { .domain = STR("example.org"), .selector = str_of(selector),
		.identity = str_of(identity), .relaxed_header = true, .relaxed_body = true,
		.now_s = 1'770'000'000, .expires_s = expires_s, .sign = sign_with, .ctx = key,
		.ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 };
	struct str text = str_of(mail), out;
	char room[BODY_DIGEST_MAX];
	struct header h;
	struct buf field;

	buf_init(&field, 16384);
	assert_true(header_parse(text, a, 0, &h));
	assert_true(dkim_sign(&s, &h, digest_of(true, str_skip(text, h.body_at), 7, room), a,
	    &field));
	out = str_cat(a, buf_str(&field), text);
	buf_done(&field);
	return out;
}

static struct str
replaced(struct str text, const char *what, const char *with, struct arena *a)
{
	ssize_t at = str_find(text, str_of(what));

	assert_true(at >= 0);
	return str_cat(a, str_sub(text, 0, (size_t)at), str_of(with),
	    str_skip(text, (size_t)at + strlen(what)));
}

static struct dkim
verified(struct str text, int64_t now_s, struct trust_dns *dns, struct arena *a)
{
	struct dkim_rules rules = { .now_s = now_s };
	struct body_hashes b = {};
	static struct header h;
	struct dkim d = {};

	assert_true(header_parse(text, a, 0, &h));
	assert_true(dkim_begin(&d, &h, &b, a));
	body_hash_feed(&b, str_skip(text, h.body_at));
	body_hash_end(&b);
	dkim_end(&d, &b, &rules, dns, a);
	body_hashes_done(&b);
	return d;
}

enum change { NOTHING, SUBJECT, BODY, FROM_ADDED, CC_ADDED, LIST_ADDED, FOLDED, L_TAG, APPENDED };

static struct str
changed(struct str m, enum change c, struct arena *a)
{
	switch (c) {
	case NOTHING:
		return m;
	case SUBJECT:
		return replaced(m, "one", "two", a);
	case BODY:
		return replaced(m, "Bye", "Buy", a);
	case FROM_ADDED:
		return str_cat(a, STR("From: eve@evil.example\r\n"), m);
	case CC_ADDED:
		return str_cat(a, STR("Cc: eve@evil.example\r\n"), m);
	case LIST_ADDED:
		return str_cat(a, STR("List-Id: <l.example.net>\r\n"), m);
	case FOLDED:
		return replaced(m, "one \r\n two", "one two", a);
	case L_TAG:
		return replaced(m, "v=1;", "v=1; l=8;", a);
	case APPENDED:
		return str_cat(a, m, STR("More.\r\n"));
	}
	return m;
}

static const struct sig_case {
	const char *selector;
	bool ed;
	enum change change;
	int64_t x, now;
	const char *identity;
	enum auth_result want;
} sigs[] = {
	{ "r", false, NOTHING, 0, 1'770'000'100, "", AUTH_PASS },
	{ "e", true, NOTHING, 0, 1'770'000'100, "", AUTH_PASS },
	{ "r", false, NOTHING, 1'770'600'000, 1'770'000'100, "ann@example.org", AUTH_PASS },
	{ "r", false, NOTHING, 1'770'600'000, 1'770'600'001, "", AUTH_FAIL },
	{ "r", false, FOLDED, 0, 1'770'000'100, "", AUTH_PASS },
	{ "r", false, LIST_ADDED, 0, 1'770'000'100, "", AUTH_PASS },
	{ "r", false, SUBJECT, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "e", true, SUBJECT, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "r", false, BODY, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "r", false, APPENDED, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "r", false, FROM_ADDED, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "r", false, CC_ADDED, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "r", false, L_TAG, 0, 1'770'000'100, "", AUTH_FAIL },
	{ "e", false, NOTHING, 0, 1'770'000'100, "", AUTH_PERMERROR },
	{ "r", true, NOTHING, 0, 1'770'000'100, "", AUTH_PERMERROR },
	{ "strict", false, NOTHING, 0, 1'770'000'100, "a@b.example.org", AUTH_PERMERROR },
	{ "strict", false, NOTHING, 0, 1'770'000'100, "a@example.org", AUTH_PASS },
	{ "r", false, NOTHING, 0, 1'770'000'100, "a@b.example.org", AUTH_PASS },
	{ "r", false, NOTHING, 0, 1'770'000'100, "a@evilexample.org", AUTH_PERMERROR },
	{ "tls", false, NOTHING, 0, 1'770'000'100, "", AUTH_PERMERROR },
	{ "sha1", false, NOTHING, 0, 1'770'000'100, "", AUTH_PERMERROR },
	{ "revoked", false, NOTHING, 0, 1'770'000'100, "", AUTH_PERMERROR },
	{ "slow", false, NOTHING, 0, 1'770'000'100, "", AUTH_TEMPERROR },
	{ "absent", false, NOTHING, 0, 1'770'000'100, "", AUTH_PERMERROR },
};

static void
test_S18_T_DKIM_KEY_and_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sigs / sizeof sigs[0]; i++) {
		const struct sig_case *t = &sigs[i];
		struct trust_dns dns = { .ops = dns_zone_ops(world.zone), .queries_max = 60 };
		struct arena a;
		struct dkim d;
		struct str m;

		arena_init(&a, 8 << 20);
		m = signed_mail(t->selector, t->ed ? world.ed : world.rsa, t->x, t->identity, &a);
		d = verified(changed(m, t->change, &a), t->now, &dns, &a);
		assert_int_equal(d.n, 1);
		if (d.result != t->want)
			fail_msg("case %zu (%s): %s, %s", i, t->selector,
			    auth_result_name(d.result), d.sig[0].why);
		assert_int_equal(d.sig[0].covers_all, t->want == AUTH_PASS);
		arena_done(&a);
	}
}

/* Signed once where it stands twice: the upper one is what a reader sees. */
static void
test_S17_T_DKIM_DUP(void **state)
{
	static const struct str names[] = { STR_INIT("From"), STR_INIT("Subject") };
	struct trust_dns dns = { .ops = dns_zone_ops(world.zone), .queries_max = 60 };
	struct str m = str_of(mail), text;
	char room[BODY_DIGEST_MAX];
	struct buf field, block, sig;
	struct sig_sink to = { .buf = &block };
	struct sig_choice fields = { .name = names, .n = 2, .relaxed = true };
	struct header h;
	struct field own = { .name = STR("DKIM-Signature") };
	struct arena a;
	struct dkim d;

	(void)state;
	arena_init(&a, 8 << 20);
	buf_init(&field, 8192);
	buf_init(&block, 8192);
	buf_init(&sig, 1024);
	assert_true(header_parse(m, &a, 0, &h));
	fields.h = &h;
	(void)buf_puts(&field, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
	    "d=example.org; s=r; h=from:subject; bh=");
	(void)base64_encode(&field, digest_of(true, str_skip(m, h.body_at), 99, room));
	(void)buf_puts(&field, "; b=");
	own.raw = buf_str(&field);
	own.value = str_skip(own.raw, own.name.n + 1);
	assert_true(sig_put_fields(&to, &fields, &a));
	sig_put_own(&to, &own, true, str_skip(own.raw, own.raw.n));
	assert_true(dkim_sign_locally(world.rsa, buf_str(&block), &sig));
	(void)base64_encode(&field, buf_str(&sig));
	(void)buf_puts(&field, "\r\n");
	text = str_cat(&a, buf_str(&field), m);
	d = verified(text, 1'770'000'100, &dns, &a);
	assert_int_equal(d.result, AUTH_PASS);
	assert_false(d.sig[0].covers_all);
	d = verified(str_cat(&a, STR("Subject: evil\r\n"), text), 1'770'000'100, &dns, &a);
	assert_int_equal(d.result, AUTH_POLICY);
	d = verified(str_cat(&a, STR("X-Other: fine\r\n"), text), 1'770'000'100, &dns, &a);
	assert_int_equal(d.result, AUTH_PASS);
	buf_done(&field);
	buf_done(&block);
	buf_done(&sig);
	arena_done(&a);
}

/* The own key is used, and DNS is not asked, dead or forged as it may be. */
static struct str
own_key(void *ctx, struct str domain, struct str selector)
{
	return str_eq(domain, STR("example.org")) && str_eq(selector, STR("r")) ?
	    *(struct str *)ctx : (struct str){};
}

static void
test_own_keys_need_no_dns(void **state)
{
	struct trust_dns dns = {};
	unsigned char *der = NULL;
	struct str key = {};
	struct dkim_rules rules = { .now_s = 1'770'000'100, .own_key = own_key, .ctx = &key };
	struct body_hashes b = {};
	struct header h;
	struct arena a;
	struct dkim d = {};
	struct str m;

	(void)state;
	arena_init(&a, 8 << 20);
	key = str_from(der, 0);
	key.n = (size_t)i2d_PUBKEY(world.rsa, &der);
	key.p = (const char *)der;
	m = signed_mail("r", world.rsa, 0, "", &a);
	assert_true(header_parse(m, &a, 0, &h));
	assert_true(dkim_begin(&d, &h, &b, &a));
	body_hash_feed(&b, str_skip(m, h.body_at));
	body_hash_end(&b);
	dkim_end(&d, &b, &rules, &dns, &a);
	body_hashes_done(&b);
	assert_int_equal(d.result, AUTH_PASS);
	assert_int_equal(dns.queries, 0);
	OPENSSL_free(der);
	arena_done(&a);
}

static void
test_S13_refuses_to_sign(void **state)
{
	static const char *const rows[] = { "To: x@y.example\r\n\r\n",
		"From: a@b.example\r\nFrom: c@d.example\r\n\r\n", "\r\n", "junk\r\n\r\n" };
	struct arena a;
	struct header h;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		arena_init(&a, 1 << 20);
		assert_true(header_parse(str_of(rows[i]), &a, 0, &h));
		assert_non_null(dkim_sign_refuses(&h));
		arena_done(&a);
	}
}

static struct arc
chain_of(struct str m, struct header *h, struct trust_dns *dns, struct arena *a)
{
	struct body_hashes b = {};
	struct arc c;

	assert_true(header_parse(m, a, 0, h));
	assert_true(arc_begin(&c, h, &b, a));
	body_hash_feed(&b, str_skip(m, h->body_at));
	body_hash_end(&b);
	arc_end(&c, &b, 0, dns, a);
	body_hashes_done(&b);
	return c;
}

/* Sealed three times, changed once, sealed again: pass, fail, and never extended after that. */
static void
test_arc_chain(void **state)
{
	static const struct str names[] = { STR_INIT("From"), STR_INIT("Subject") };
	struct trust_dns dns = { .ops = dns_zone_ops(world.zone), .queries_max = 60 };
	struct arc_sealer s = { .domain = STR("example.org"), .selector = STR("r"),
		.authserv_id = STR("mx.example.org"), .name = names, .nname = 2,
		.now_s = 1'770'000'000, .sign = sign_with, .ctx = world.rsa };
	struct str m;
	char room[BODY_DIGEST_MAX];
	struct header h;
	struct arena a;
	struct arc c;

	(void)state;
	arena_init(&a, 64 << 20);
	m = str_of(mail);
	for (unsigned i = 0; i < 3; i++) {
		struct buf set;

		c = chain_of(m, &h, &dns, &a);
		assert_int_equal(c.result, i == 0 ? AUTH_NONE : AUTH_PASS);
		buf_init(&set, 1 << 16);
		assert_true(arc_seal(&s, &h, &c, digest_of(true, str_skip(m, h.body_at), 99,
		    room), &a, &set));
		m = str_cat(&a, buf_str(&set), m);
		buf_done(&set);
	}
	c = chain_of(m, &h, &dns, &a);
	assert_int_equal(c.result, AUTH_PASS);
	assert_int_equal(c.n, 3);
	m = replaced(m, "Bye", "Buy", &a);
	c = chain_of(m, &h, &dns, &a);
	assert_int_equal(c.result, AUTH_FAIL);
	for (unsigned i = 0; i < 2; i++) {
		struct buf set;
		bool sealed;

		buf_init(&set, 1 << 16);
		sealed = arc_seal(&s, &h, &c, digest_of(true, str_skip(m, h.body_at), 99, room),
		    &a, &set);
		assert_int_equal(sealed, i == 0);		/* cv=fail once, then never */
		m = str_cat(&a, buf_str(&set), m);
		buf_done(&set);
		c = chain_of(m, &h, &dns, &a);
		assert_int_equal(c.result, AUTH_FAIL);
	}
	arena_done(&a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies_in_any_chunking),
		cmocka_unit_test(test_relaxed_is_what_it_says),
		cmocka_unit_test(test_X5_T_ALGO_bodies_take_linear_time),
		cmocka_unit_test(test_S18_T_DKIM_KEY_and_changes),
		cmocka_unit_test(test_S17_T_DKIM_DUP),
		cmocka_unit_test(test_own_keys_need_no_dns),
		cmocka_unit_test(test_S13_refuses_to_sign),
		cmocka_unit_test(test_arc_chain),
	};

	return cmocka_run_group_tests(tests, world_up, world_down);
}
