/* SPDX-License-Identifier: ISC */
/*
 * spf_test: check_host() on zones given as text: what the published suites do not ask, and how much
 * a pass is worth.
 */
#include "base/test.h"

#include "dns/zone.h"
#include "trust/iprev.h"
#include "trust/spf.h"

static const char zone_text[] =
    "plain.example. TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
    "nothing.example. TXT \"v=spf1 -all\"\n"
    "everybody.example. TXT \"v=spf1 +all\"\n"
    "wide.example. TXT \"v=spf1 ip4:192.0.0.0/11 -all\"\n"
    "just.example. TXT \"v=spf1 ip4:192.0.0.0/12 -all\"\n"
    "many.example. TXT \"v=spf1 ip4:192.0.2.0/24 ip4:10.0.0.0/10 -all\"\n"
    "wide6.example. TXT \"v=spf1 ip6:2001:d00::/24 -all\"\n"
    "just6.example. TXT \"v=spf1 ip6:2001:db0::/28 -all\"\n"
    "ptr.example. TXT \"v=spf1 ptr -all\"\n"
    "2.2.0.192.in-addr.arpa. PTR host.ptr.example.\n"
    "host.ptr.example. A 192.0.2.2\n"
    "exists.example. TXT \"v=spf1 exists:%{i}.ok.example -all\"\n"
    "192.0.2.1.ok.example. A 127.0.0.2\n"
    "inner.example. TXT \"v=spf1 include:everybody.example -all\"\n"
    "neutral.example. TXT \"v=spf1 ?all\"\n"
    "host.example. TXT \"v=spf1 a:web.example/33 -all\"\n"
    "a.example. TXT \"v=spf1 a:web.example -all\"\n"
    "web.example. A 192.0.2.1\n"
    "late.example. TXT \"v=spf1 ip4:192.0.2.1 foo:bar -all\"\n"
    "twice.example. TXT \"v=spf1 redirect=a.example redirect=b.example\"\n"
    "two.example. TXT \"v=spf1 -all\"\ntwo.example. TXT \"v=spf1 +all\"\n"
    "loop.example. TXT \"v=spf1 include:loop.example -all\"\n"
    "void.example. TXT \"v=spf1 a:n1.example a:n2.example a:n3.example -all\"\n"
    "slow.example. TIMEOUT TXT\n"
    "slowa.example. TXT \"v=spf1 a:slow2.example -all\"\nslow2.example. TIMEOUT A\n"
    "exp.example. TXT \"v=spf1 -all exp=why.example\"\n"
    "why.example. TXT \"%{i} is not %{d}, says %{r}; %{L}\"\n"
    "bad.example. TXT \"v=spf1 -all exp=badwhy.example\"\n"
    "badwhy.example. TXT \"two\\010lines\"\n";

static const struct spf_case {
	const char *ip, *helo, *local, *domain;
	enum auth_result want;
	bool weak;
	const char *explanation;
} cases[] = {
	{ "192.0.2.1", "h.example", "u", "plain.example", AUTH_PASS, false, "" },
	{ "198.51.100.1", "h.example", "u", "plain.example", AUTH_FAIL, false, "" },
	{ "2001:db8::1", "h.example", "u", "plain.example", AUTH_FAIL, false, "" },
	{ "192.0.2.1", "h.example", "u", "everybody.example", AUTH_PASS, true, "" },
	{ "192.0.2.1", "h.example", "u", "inner.example", AUTH_PASS, true, "" },
	{ "192.0.2.1", "h.example", "u", "wide.example", AUTH_PASS, true, "" },
	{ "192.0.2.1", "h.example", "u", "just.example", AUTH_PASS, false, "" },
	{ "192.0.2.1", "h.example", "u", "many.example", AUTH_PASS, true, "" },
	{ "2001:d00::1", "h.example", "u", "wide6.example", AUTH_PASS, true, "" },
	{ "2001:db0::1", "h.example", "u", "just6.example", AUTH_PASS, false, "" },
	{ "192.0.2.2", "h.example", "u", "ptr.example", AUTH_PASS, true, "" },
	{ "192.0.2.3", "h.example", "u", "ptr.example", AUTH_FAIL, false, "" },
	{ "192.0.2.1", "h.example", "u", "exists.example", AUTH_PASS, true, "" },
	{ "192.0.2.1", "h.example", "u", "neutral.example", AUTH_NEUTRAL, false, "" },
	{ "192.0.2.1", "h.example", "u", "host.example", AUTH_PERMERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "a.example", AUTH_PASS, false, "" },
	{ "192.0.2.1", "h.example", "u", "late.example", AUTH_PERMERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "twice.example", AUTH_PERMERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "two.example", AUTH_PERMERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "loop.example", AUTH_PERMERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "void.example", AUTH_PERMERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "slow.example", AUTH_TEMPERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "slowa.example", AUTH_TEMPERROR, false, "" },
	{ "192.0.2.1", "h.example", "u", "absent.example", AUTH_NONE, false, "" },
	{ "192.0.2.1", "h.example", "u", "example", AUTH_NONE, false, "" },
	{ "192.0.2.1", "h.example", "u", "[192.0.2.1]", AUTH_NONE, false, "" },
	{ "192.0.2.1", "h.example", "u", "a..example", AUTH_NONE, false, "" },
	{ "192.0.2.1", "plain.example", "", "", AUTH_PASS, false, "" },
	{ "192.0.2.1", "[192.0.2.1]", "", "", AUTH_NONE, false, "" },
	{ "192.0.2.9", "h.example", "a b", "exp.example", AUTH_FAIL, false,
	  "192.0.2.9 is not exp.example, says mx.example; a%20b" },
	{ "192.0.2.9", "h.example", "u", "bad.example", AUTH_FAIL, false, "" },
};

static void
test_A36_B12_S12_spf_cases(void **state)
{
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(zone_text), &err);

	(void)state;
	assert_non_null(z);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct spf_case *t = &cases[i];
		struct trust_dns dns = { .ops = dns_zone_ops(z), .queries_max = 60 };
		struct arena a;
		struct spf_query q = { .helo = str_of(t->helo), .local = str_of(t->local),
			.domain = str_of(t->domain), .receiver = STR("mx.example"),
			.want_explanation = true, .dns = &dns, .a = &a };
		struct spf_result r;

		arena_init(&a, 8 << 20);
		assert_true(ip_parse(str_of(t->ip), &q.ip));
		spf_check(&q, &r);
		if (r.result != t->want || r.weak != t->weak ||
		    !str_eq(r.explanation, str_of(t->explanation)))
			fail_msg("%s from %s: %s, weak %d, '" STR_F "' (" STR_F ")", t->domain,
			    t->ip, auth_result_name(r.result), r.weak, STR_A(r.explanation),
			    STR_A(r.why));
		assert_int_equal(r.queries, dns.queries);
		assert_true(dns.queries <= 1 + 10 + 2 * 10 * 11);
		arena_done(&a);
	}
	dns_zone_free(z);
}

static void
test_A40_sends_nothing(void **state)
{
	static const struct { const char *domain; bool want; } rows[] = {
		{ "nothing.example", true }, { "plain.example", false }, { "exp.example", true },
		{ "everybody.example", false }, { "inner.example", false },
	};
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(zone_text), &err);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct trust_dns dns = { .ops = dns_zone_ops(z), .queries_max = 60 };
		struct arena a;
		struct spf_query q = { .helo = STR("h.example"), .local = STR("u"),
			.domain = str_of(rows[i].domain), .dns = &dns, .a = &a };
		struct spf_result r;

		arena_init(&a, 8 << 20);
		assert_true(ip_parse(STR("192.0.2.200"), &q.ip));
		spf_check(&q, &r);
		assert_int_equal(r.sends_nothing, rows[i].want);
		arena_done(&a);
	}
	dns_zone_free(z);
}

/* Over the budget of the message nothing is asked, and that is trouble, not an answer. */
static void
test_D2_T_SPF_LIM_budget(void **state)
{
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(zone_text), &err);
	struct trust_dns dns = { .ops = dns_zone_ops(z), .queries_max = 1 };
	struct arena a;
	struct spf_query q = { .helo = STR("h.example"), .local = STR("u"),
		.domain = STR("a.example"), .dns = &dns, .a = &a };
	struct spf_result r;

	(void)state;
	arena_init(&a, 8 << 20);
	assert_true(ip_parse(STR("192.0.2.1"), &q.ip));
	spf_check(&q, &r);
	assert_int_equal(r.result, AUTH_TEMPERROR);
	assert_true(dns.spent);
	assert_int_equal(dns_zone_queries(z), 1);
	arena_done(&a);
	dns_zone_free(z);
}

static void
test_iprev(void **state)
{
	static const char text[] =
	    "1.2.0.192.in-addr.arpa. PTR a.example.\na.example. A 192.0.2.1\n"
	    "2.2.0.192.in-addr.arpa. PTR liar.example.\nliar.example. A 192.0.2.9\n"
	    "3.2.0.192.in-addr.arpa. TIMEOUT PTR\n"
	    "4.2.0.192.in-addr.arpa. PTR slow.example.\nslow.example. TIMEOUT A\n"
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR "
	    "six.example.\nsix.example. AAAA 2001:db8::1\n";
	static const struct { const char *ip; enum auth_result want; const char *name; } rows[] = {
		{ "192.0.2.1", AUTH_PASS, "a.example" }, { "192.0.2.2", AUTH_FAIL, "" },
		{ "192.0.2.3", AUTH_TEMPERROR, "" }, { "192.0.2.4", AUTH_TEMPERROR, "" },
		{ "192.0.2.5", AUTH_PERMERROR, "" }, { "2001:db8::1", AUTH_PASS, "six.example" },
	};
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(text), &err);

	(void)state;
	assert_non_null(z);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct trust_dns dns = { .ops = dns_zone_ops(z), .queries_max = 60 };
		struct arena a;
		struct iprev r;
		struct ip ip;

		arena_init(&a, 1 << 20);
		assert_true(ip_parse(str_of(rows[i].ip), &ip));
		iprev_check(ip, &dns, &a, &r);
		assert_int_equal(r.result, rows[i].want);
		assert_true(str_eq(r.name, str_of(rows[i].name)));
		arena_done(&a);
	}
	dns_zone_free(z);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A36_B12_S12_spf_cases),
		cmocka_unit_test(test_A40_sends_nothing),
		cmocka_unit_test(test_D2_T_SPF_LIM_budget), cmocka_unit_test(test_iprev),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
