/* SPDX-License-Identifier: ISC */
/*
 * dnsbl_test: what counts as listed, which lists are believed, and what trouble does.
 */
#include "trust/dnsbl.h"

#include "base/test.h"
#include "dns/zone.h"

#define V6(last) last ".0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"

static const char zone_text[] =
    "2.0.0.127.good.example. A 127.0.0.2\n"
    V6("2") ".good.example. A 127.0.0.2\n"
    "9.2.0.192.good.example. A 127.0.0.4\n"
    "9.2.0.192.good.example. TXT \"see https://good.example/?ip=192.0.2.9\"\n"
    "10.2.0.192.good.example. A 127.255.255.254\n"
    "11.2.0.192.good.example. A 192.0.2.80\n"
    "12.2.0.192.good.example. A 127.0.0.4\n"
    "12.2.0.192.good.example. A 127.255.255.255\n"
    "13.2.0.192.good.example. TIMEOUT *\n"
    "14.2.0.192.good.example. A 127.0.0.2\n"
    "14.2.0.192.good.example. TXT \"a\\013\\010250 ok\"\n"
    "15.2.0.192.good.example. A 127.0.0.255\n"
    "1.0.0.10.good.example. A 127.0.0.2\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.good.example. "
    "A 127.0.0.3\n"
    "*.all.example. A 127.0.0.2\n"
    "9.2.0.192.none.example. A 127.0.0.2\n"
    "2.0.0.127.second.example. A 127.0.0.2\n"
    "9.2.0.192.second.example. A 127.0.0.2\n"
    "2.0.0.127.down.example. TIMEOUT *\n";

static struct arena arena;
static struct dns_zone *zone;

static struct ip
ip(const char *text)
{
	struct ip out = { 0 };

	t_true(ip_parse(str_of(text), &out));
	return out;
}

static enum dnsbl
look(struct dnsbl_list *l, const char *from, int64_t now, struct str *reason)
{
	struct trust_dns dns = { .ops = dns_zone_ops(zone), .queries_max = 60 };
	struct dnsbl_ask q = { .ip = ip(from), .dns = &dns, .now_ms = now };

	return dnsbl_look(&q, l, &arena, reason);
}

static const struct { const char *zone, *ip; enum dnsbl want; const char *reason; } cases[] = {
	{ "good.example", "192.0.2.9", DNSBL_LISTED, "see https://good.example/?ip=192.0.2.9" },
	{ "good.example", "192.0.2.8", DNSBL_CLEAR, "" },
	{ "good.example", "192.0.2.10", DNSBL_UNKNOWN, "" },
	{ "good.example", "192.0.2.11", DNSBL_UNKNOWN, "" },
	{ "good.example", "192.0.2.12", DNSBL_UNKNOWN, "" },
	{ "good.example", "192.0.2.13", DNSBL_UNKNOWN, "" },
	{ "good.example", "192.0.2.14", DNSBL_LISTED, "a??250 ok" },
	{ "good.example", "192.0.2.15", DNSBL_LISTED, "" },
	{ "good.example", "2001:db8::1", DNSBL_LISTED, "" },
	{ "good.example", "2001:db8::2", DNSBL_CLEAR, "" },
	{ "second.example", "2001:db8::1", DNSBL_UNKNOWN, "" },	/* no test point of IPv6 */
	{ "all.example", "192.0.2.9", DNSBL_UNKNOWN, "" },	/* lists 127.0.0.1 */
	{ "none.example", "192.0.2.9", DNSBL_UNKNOWN, "" },	/* does not list 127.0.0.2 */
	{ "down.example", "192.0.2.9", DNSBL_UNKNOWN, "" },
};

static void
test_A50_what_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dnsbl_list l = { .zone = str_of(cases[i].zone), .weight = 1 };
		struct str reason;

		T_CASE(cases[i].ip);
		t_int(look(&l, cases[i].ip, 0, &reason), cases[i].want);
		t_str(reason, cases[i].reason);
	}
}

static void
test_A50_a_bad_list_is_tested_again(void **state)
{
	struct dnsbl_list l = { .zone = STR("none.example") };

	(void)state;
	t_int(look(&l, "192.0.2.9", 0, NULL), DNSBL_UNKNOWN);
	t_int(l.test[0].trust, DNSBL_BAD);
	dns_zone_reset_queries(zone);
	t_int(look(&l, "192.0.2.9", 1000, NULL), DNSBL_UNKNOWN);
	t_int(dns_zone_queries(zone), 0);
	l.zone = STR("good.example");			/* mended */
	t_int(look(&l, "192.0.2.9", 600'000, NULL), DNSBL_LISTED);
	dns_zone_reset_queries(zone);
	t_int(look(&l, "192.0.2.9", 600'001, NULL), DNSBL_LISTED);
	t_int(dns_zone_queries(zone), 1);		/* no test is due */
}

static void
test_A50_a_dead_list_is_left_alone(void **state)
{
	struct dnsbl_list l = { .zone = STR("down.example") };

	(void)state;
	for (int i = 0; i < 5; i++)
		t_int(look(&l, "192.0.2.9", i, NULL), DNSBL_UNKNOWN);
	dns_zone_reset_queries(zone);
	t_int(look(&l, "192.0.2.9", 60'003, NULL), DNSBL_UNKNOWN);
	t_int(dns_zone_queries(zone), 0);
	l.zone = STR("good.example");			/* back */
	t_int(look(&l, "192.0.2.9", 60'004, NULL), DNSBL_LISTED);
}

static void
test_A50_score(void **state)
{
	struct dnsbl_list l[] = {
		{ .zone = STR("down.example"), .weight = 9 },
		{ .zone = STR("good.example"), .weight = 2 },
		{ .zone = STR("second.example"), .weight = 3 },
	};
	struct trust_dns dns = { .ops = dns_zone_ops(zone), .queries_max = 60 };
	struct dnsbl_ask q = { .list = l, .n = COUNT(l), .ip = ip("192.0.2.9"), .dns = &dns };
	struct dnsbl_hit hit;

	(void)state;
	dnsbl_score(&q, &arena, &hit);
	t_int(hit.score, 5);
	t_str(hit.zone, "good.example");
	t_str(hit.text, "see https://good.example/?ip=192.0.2.9");
	q.enough = 2;
	dnsbl_score(&q, &arena, &hit);
	t_int(hit.score, 2);
	q.ip = ip("10.0.0.1");				/* listed, but nobody's business */
	dnsbl_score(&q, &arena, &hit);
	t_int(hit.score, 0);
	dns = (struct trust_dns){ .ops = dns_zone_ops(zone), .queries_max = 0 };
	q.ip = ip("192.0.2.9");
	l[1].failures = 4;
	dnsbl_score(&q, &arena, &hit);			/* a spent budget blames no list */
	t_int(hit.score, 0);
	t_int(l[1].rest_until_ms, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A50_what_counts),
		cmocka_unit_test(test_A50_a_bad_list_is_tested_again),
		cmocka_unit_test(test_A50_a_dead_list_is_left_alone),
		cmocka_unit_test(test_A50_score),
	};
	struct dns_zone_error err;
	int failed;

	arena_init(&arena, 1 << 20);
	zone = dns_zone_new(str_of(zone_text), &err);
	if (!zone) {
		(void)fprintf(stderr, "zone line %u: %s\n", err.line, err.what);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	dns_zone_free(zone);
	return failed;
}
