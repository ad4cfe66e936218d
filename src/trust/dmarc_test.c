/* SPDX-License-Identifier: ISC */
/*
 * dmarc_test: records, the tree walk on zones given as text, and who
 * an Authentication-Results field claims to be from.
 */
#include "base/test.h"

#include "dns/zone.h"
#include "trust/authres.h"
#include "trust/dmarc.h"

static const struct { const char *text; bool valid, act_as_none; } records[] = {
	{ "v=DMARC1; p=reject", true, false }, { "v=DMARC1;p=reject;", true, false },
	{ "v = DMARC1 ; p = reject", true, false }, { "V=DMARC1; P=none", true, false },
	{ "v=dmarc1; p=reject", false, false }, { "p=reject; v=DMARC1", false, false },
	{ "v=DMARC1", false, false }, { "v=DMARC1; p=", false, false },
	{ "v=DMARC1; p=rejected", false, false }, { "v=DMARC1; p=none; p=none", false, false },
	{ "v=DMARC1; rua=mailto:a@b.example", true, true },
	{ "v=DMARC1; p=bad; rua=mailto:a@b.example!10m", true, true },
	{ "v=DMARC1; p=bad; rua=mailto:a@b.example!10x", false, false },
	{ "v=DMARC1; p=bad; rua=https://b.example/", false, false },
	{ "v=DMARC1; p=reject; sp=bad", false, false },
	{ "v=DMARC1; p=reject; sp=bad; rua=mailto:a@b.example", true, true },
	{ "v=DMARC1; p=reject; foo=bar; junk; ri=x; pct=900", true, false },
	{ "v=DMARC12; p=reject", false, false }, { "", false, false },
};

static void
test_T_DMARC_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
		struct dmarc_record r;
		const char *why;
		bool valid = dmarc_record_parse(str_of(records[i].text), &r, &why);

		if (valid != records[i].valid)
			fail_msg("%s: %d (%s)", records[i].text, valid, why);
		if (records[i].act_as_none)
			assert_int_equal(r.p, DMARC_P_NONE);
	}
}

static const char zone_text[] =
    "_dmarc.org.example. TXT \"v=DMARC1; p=reject; sp=quarantine; np=none\"\n"
    "org.example. A 192.0.2.1\nsub.org.example. A 192.0.2.1\n"
    "_dmarc.test.example. TXT \"v=DMARC1; p=reject; t=y\"\n"
    "_dmarc.deep.example. TXT \"v=DMARC1; p=reject\"\n"
    "a.b.c.d.e.f.g.h.i.j.deep.example. A 192.0.2.1\n"
    "_dmarc.two.example. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.two.example. TXT \"v=DMARC1; p=none\"\n"
    "x.two.example. A 192.0.2.1\n"
    "_dmarc.psd.example. TXT \"v=DMARC1; p=reject; np=quarantine; psd=y\"\n"
    "reg.psd.example. A 192.0.2.1\n"
    "_dmarc.split.example. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.own.split.example. TXT \"v=DMARC1; p=none; psd=n\"\n"
    "www.own.split.example. A 192.0.2.1\n"
    "_dmarc.strict.example. TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"\n"
    "_dmarc.slow.example. TIMEOUT TXT\n"
    "_dmarc.cname.example. CNAME _dmarc.org.example.\ncname.example. A 192.0.2.1\n"
    "none.example. A 192.0.2.1\n";

static const struct walk_case {
	const char *author, *dkim;
	enum auth_result want;
	const char *policy_tag, *org;
	enum dmarc_policy policy;
} walks[] = {
	{ "org.example", "", AUTH_FAIL, "p", "org.example", DMARC_P_REJECT },
	{ "org.example", "org.example", AUTH_PASS, "p", "org.example", DMARC_P_REJECT },
	{ "org.example", "sub.org.example", AUTH_PASS, "p", "org.example", DMARC_P_REJECT },
	{ "sub.org.example", "org.example", AUTH_PASS, "sp", "org.example", DMARC_P_QUARANTINE },
	{ "gone.org.example", "", AUTH_FAIL, "np", "org.example", DMARC_P_NONE },
	{ "org.example", "evilorg.example", AUTH_FAIL, "p", "org.example", DMARC_P_REJECT },
	{ "org.example", "example", AUTH_FAIL, "p", "org.example", DMARC_P_REJECT },
	{ "test.example", "", AUTH_FAIL, "p", "test.example", DMARC_P_QUARANTINE },
	{ "a.b.c.d.e.f.g.h.i.j.deep.example", "", AUTH_FAIL, "p", "deep.example", DMARC_P_REJECT },
	{ "two.example", "", AUTH_NONE, "p", "two.example", DMARC_P_NONE },
	{ "x.two.example", "", AUTH_NONE, "p", "x.two.example", DMARC_P_NONE },
	{ "reg.psd.example", "", AUTH_FAIL, "p", "reg.psd.example", DMARC_P_REJECT },
	{ "gone.psd.example", "", AUTH_FAIL, "np", "gone.psd.example", DMARC_P_QUARANTINE },
	{ "reg.psd.example", "other.psd.example", AUTH_FAIL, "p", "reg.psd.example",
	  DMARC_P_REJECT },
	{ "www.own.split.example", "own.split.example", AUTH_PASS, "p", "own.split.example",
	  DMARC_P_NONE },
	{ "www.own.split.example", "split.example", AUTH_FAIL, "p", "own.split.example",
	  DMARC_P_NONE },
	{ "split.example", "own.split.example", AUTH_FAIL, "p", "split.example", DMARC_P_REJECT },
	{ "strict.example", "a.strict.example", AUTH_FAIL, "p", "strict.example", DMARC_P_REJECT },
	{ "slow.example", "", AUTH_TEMPERROR, "p", "slow.example", DMARC_P_NONE },
	{ "cname.example", "", AUTH_FAIL, "p", "cname.example", DMARC_P_REJECT },
	{ "none.example", "none.example", AUTH_NONE, "p", "none.example", DMARC_P_NONE },
};

static void
test_S19_T_DMARC_walk(void **state)
{
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(zone_text), &err);

	(void)state;
	assert_non_null(z);
	for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
		const struct walk_case *t = &walks[i];
		struct trust_dns dns = { .ops = dns_zone_ops(z), .queries_max = 60 };
		struct dmarc_auth dkim = { str_of(t->dkim), AUTH_PASS };
		struct arena a;
		struct dmarc_query q = { .author = str_of(t->author), .dkim = &dkim,
			.ndkim = t->dkim[0] != '\0', .dns = &dns, .a = &a };
		struct dmarc_result r;

		arena_init(&a, 4 << 20);
		dmarc_check(&q, &r);
		if (r.result != t->want || !str_eq(r.org_domain, str_of(t->org)) ||
		    r.policy != t->policy || strcmp(r.policy_tag, t->policy_tag) != 0)
			fail_msg("%s: %s %s %d org " STR_F " (%s)", t->author,
			    auth_result_name(r.result), r.policy_tag, (int)r.policy,
			    STR_A(r.org_domain), r.why);
		assert_true(dns.queries <= 8 + 1 + 8);
		arena_done(&a);
	}
	dns_zone_free(z);
}

/* Forms in which somebody may write our name above his own results. */
static const struct { const char *value; bool claims; } forged[] = {
	{ " mx.example.org; spf=pass", true }, { " MX.EXAMPLE.ORG; spf=pass", true },
	{ "mx.example.org;spf=pass", true }, { "\r\n\tmx.example.org;\r\n\tspf=pass", true },
	{ " (comment) mx.example.org; spf=pass", true },
	{ " (a (nested) \\) one) mx.example.org (b); spf=pass", true },
	{ " \"mx.example.org\"; spf=pass", true }, { " \"m\\x.example.org\"; spf=pass", true },
	{ " mx.example.org 1; spf=pass", true }, { " mx.example.org/1; spf=pass", false },
	{ " mx.example.org.; spf=pass", true }, { " mx.example.org", true },
	{ " mx.example.org(x); spf=pass", true }, { " mx.example.org\t1 ; none", true },
	{ " (unclosed mx.example.org; spf=pass", true }, { " \"mx.example.org; spf=pass", true },
	{ "", true }, { " ; spf=pass", true }, { " mx.ex\xc3\xa4mple.org; spf=pass", true },
	{ " mx.example.org\x01; spf=pass", true },
	{ " other.example.org; spf=pass", false }, { " mx.example.net; spf=pass", false },
	{ " (mx.example.org) other.example; spf=pass", false },
	{ " other.example; x=\"mx.example.org\"", false },
};

static void
test_S20_T_AR_01(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		struct field f = { .name = STR("AUTHENTICATION-results"),
			.value = str_of(forged[i].value) };
		struct arena a;

		arena_init(&a, 1 << 16);
		if (authres_forged(&f, STR("mx.example.org"), &a) != forged[i].claims)
			fail_msg("'%s'", forged[i].value);
		f.name = STR("X-Other");
		assert_false(authres_forged(&f, STR("mx.example.org"), &a));
		f.name = STR("postern-Verdict");
		assert_true(authres_forged(&f, STR("mx.example.org"), &a));
		arena_done(&a);
	}
}

/* Whatever a foreign value holds, it stays one value. */
static void
test_S10_written_values(void **state)
{
	static const struct { const char *value, *want; } rows[] = {
		{ "a@b.example", "a@b.example" }, { "b.example", "b.example" },
		{ "a b", "\"a b\"" }, { "x; dkim=pass", "\"x; dkim=pass\"" },
		{ "x\r\nFrom: y", "\"x??From: y\"" }, { "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "x(y", "\"x\\(y\"" }, { "", "\"\"" }, { "a@b@c", "\"a@b@c\"" },
		{ "\xc3\xa4@b", "\"??@b\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct authres r;
		struct buf b;

		buf_init(&b, 4096);
		assert_true(authres_begin(&r, &b, STR("mx.example")));
		buf_reset(&b);
		assert_true(authres_property(&r, "smtp.mailfrom", str_of(rows[i].value)));
		assert_true(str_eq(str_skip(buf_str(&b), sizeof " smtp.mailfrom=" - 1),
		    str_of(rows[i].want)));
		buf_done(&b);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_T_DMARC_records), cmocka_unit_test(test_S19_T_DMARC_walk),
		cmocka_unit_test(test_S20_T_AR_01), cmocka_unit_test(test_S10_written_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
