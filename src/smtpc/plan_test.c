/* SPDX-License-Identifier: ISC */
/*
 * plan_test: RFC 5321 5.1 and RFC 7505, a case a line: a zone, a next hop, what should come out.
 */
#include "base/test.h"

#include "base/buf.h"
#include "dns/zone.h"
#include "smtpc/plan.h"

#define ADDRS \
	"a.example A 192.0.2.1\n" "b.example A 192.0.2.2\n" "c.example A 192.0.2.3\n" \
	"me.example A 203.0.113.1\n" "six.example AAAA 2001:db8::6\n" \
	"both.example A 192.0.2.7\n" "both.example AAAA 2001:db8::7\n" \
	"both.example A 192.0.2.8\n" "both.example AAAA 2001:db8::8\n"

static const struct {
	const char *name, *zone, *hop, *want;
} cases[] = {
	{ "one exchanger", ADDRS "d.example MX 10 a.example", "d.example", "192.0.2.1:25" },
	{ "preference order", ADDRS "d.example MX 20 b.example\nd.example MX 10 a.example\n"
	    "d.example MX 30 c.example", "d.example", "192.0.2.1:25 192.0.2.2:25 192.0.2.3:25" },
	{ "same host twice counts once",
	    ADDRS "d.example MX 20 a.example\nd.example MX 10 A.example",
	    "d.example", "192.0.2.1:25" },
	{ "implicit mx on no data", ADDRS "d.example A 192.0.2.9", "d.example", "192.0.2.9:25" },
	{ "implicit mx, ipv6 only", ADDRS, "six.example", "[2001:db8::6]:25" },
	{ "families in turn, v6 first", ADDRS, "both.example",
	    "[2001:db8::7]:25 192.0.2.7:25 [2001:db8::8]:25 192.0.2.8:25" },
	{ "no implicit mx when the mx has no address", ADDRS "d.example MX 10 none.example\n"
	    "d.example A 192.0.2.9", "d.example", "perm 5.4.4" },
	{ "no such domain", ADDRS, "nowhere.example", "perm 5.1.2" },
	{ "no data at all", "d.example TXT x", "d.example", "perm 5.1.2" },
	{ "null mx", ADDRS "d.example MX 0 .", "d.example", "perm 5.1.10" },
	{ "null mx with another preference", ADDRS "d.example MX 10 .", "d.example", "perm 5.1.10"
	    },
	{ "null mx among others is passed over",
	    ADDRS "d.example MX 0 .\nd.example MX 10 a.example",
	    "d.example", "192.0.2.1:25" },
	{ "servfail for mx defers", "d.example SERVFAIL MX\nd.example A 192.0.2.9", "d.example",
	    "temp 4.4.3" },
	{ "timeout for mx defers", "d.example TIMEOUT *", "d.example", "temp 4.4.3" },
	{ "bogus mx defers", "d.example BOGUS *", "d.example", "temp 4.4.3" },
	{ "servfail for the exchanger defers", "d.example MX 10 x.example\nx.example SERVFAIL *",
	    "d.example", "temp 4.4.3" },
	{ "one exchanger in trouble, another fine", ADDRS "d.example MX 10 x.example\n"
	    "x.example SERVFAIL *\nd.example MX 20 a.example", "d.example", "192.0.2.1:25" },
	{ "domain is an alias", ADDRS "d.example CNAME e.example\ne.example MX 10 a.example",
	    "d.example", "192.0.2.1:25" },
	{ "alias to a bare host", ADDRS "d.example CNAME a.example", "d.example", "192.0.2.1:25" },
	{ "exchanger is an alias", ADDRS "d.example MX 10 x.example\nx.example CNAME a.example",
	    "d.example", "192.0.2.1:25" },
	{ "we are the only one", ADDRS "d.example MX 10 mail.me.test", "d.example", "perm 5.4.6" },
	{ "we are the only one, by address", ADDRS "d.example MX 10 me.example", "d.example",
	    "perm 5.4.6" },
	{ "we and worse are dropped",
	    ADDRS "d.example MX 10 a.example\nd.example MX 20 MAIL.me.test\n"
	    "d.example MX 30 b.example", "d.example", "192.0.2.1:25" },
	{ "we and equal are dropped",
	    ADDRS "d.example MX 10 a.example\nd.example MX 20 me.example\n"
	    "d.example MX 20 b.example", "d.example", "192.0.2.1:25" },
	{ "we are best", ADDRS "d.example MX 10 me.example\nd.example MX 20 b.example", "d.example",
	    "perm 5.4.6" },
	{ "exchanger on loopback is we", "d.example MX 10 x.example\nx.example A 127.0.0.1",
	    "d.example",
	    "perm 5.4.6" },
	{ "mapped loopback", "d.example MX 10 x.example\nx.example AAAA ::ffff:127.0.0.1",
	    "d.example",
	    "perm 5.4.6" },
	{ "the domain itself is we", "mail.me.test A 203.0.113.9", "mail.me.test", "perm 5.4.6" },
	{ "exchanger is an address", "d.example MX 10 192.0.2.1", "d.example", "perm 5.4.4" },
	{ "address among names", ADDRS "d.example MX 5 192.0.2.1\nd.example MX 10 b.example",
	    "d.example", "192.0.2.2:25" },
	{ "no host name", ADDRS "d.example MX 10 a\\032b.example", "d.example", "perm 5.4.4" },
	{ "address of no host",
	    "d.example MX 10 x.example\nx.example A 0.0.0.0\nx.example A 224.0.0.1",
	    "d.example", "perm 5.4.4" },
	{ "address literal", "", "[192.0.2.77]", "192.0.2.77:25" },
	{ "ipv6 address literal", "", "[IPv6:2001:db8::77]", "[2001:db8::77]:25" },
	{ "literal loopback from outside", "", "[127.0.0.1]", "perm 5.4.6" },
	{ "literal of our own", "", "[203.0.113.1]", "perm 5.4.6" },
	{ "literal mapped loopback", "", "[IPv6:::ffff:127.0.0.1]", "perm 5.4.6" },
	{ "literal of nobody", "", "[0.0.0.0]", "perm 5.1.2" },
	{ "literal without end", "", "[192.0.2.1", "perm 5.1.2" },
	{ "table: loopback with a port", "", "[127.0.0.1]:2525", "127.0.0.1:2525" },
	{ "table: address with a port", "", "127.0.0.1:2525", "127.0.0.1:2525" },
	{ "table: ipv6 with a port", "", "[::1]:2525", "[::1]:2525" },
	{ "table: host with a port, no mx", ADDRS "a.example MX 10 b.example", "a.example:587",
	    "192.0.2.1:587" },
	{ "table: localhost", "", "localhost:24", "127.0.0.1:24" },
	{ "table: our own address", ADDRS, "me.example:2525", "203.0.113.1:2525" },
	{ "table: host in brackets, no mx", ADDRS "a.example MX 10 b.example", "[a.example]",
	    "192.0.2.1:25" },
	{ "table: no such host", ADDRS, "none.example:25", "perm 5.4.4" },
	{ "table: port zero", ADDRS, "a.example:0", "perm 5.1.2" },
	{ "table: port too big", ADDRS, "a.example:65536", "perm 5.1.2" },
	{ "path", "", "/run/lmtp", "/run/lmtp" },
	{ "nonsense", "", "not a name", "perm 5.1.2" },
	{ "empty", "", "", "perm 5.1.2" },
	{ "unicode domain", ADDRS "xn--bcher-kva.example MX 10 a.example", "b\xc3\xbc"
	    "cher.example",
	    "192.0.2.1:25" },
};

static uint64_t
not_random(void *ctx, uint64_t below)
{
	(void)ctx;
	(void)below;
	return 0;
}

static uint64_t
from_counter(void *ctx, uint64_t below)
{
	uint64_t *n = ctx;

	*n = *n * 6364136223846793005u + 1442695040888963407u;
	return (*n >> 33) % below;
}

static void
show(struct buf *b, const struct plan *p)
{
	char ip[IP_TEXT_MAX];

	buf_reset(b);
	if (p->n == 0)
		(void)buf_putf(b, "%s " STR_F, p->trouble.kind == OUT_PERM ? "perm" : "temp",
		    STR_A(p->trouble.status));
	for (size_t i = 0; i < p->n; i++) {
		const struct target *t = &p->target[i];

		if (i)
			(void)buf_putc(b, ' ');
		if (t->path.n)
			(void)buf_put(b, t->path);
		else
			(void)buf_putf(b, t->ip.v6 ? "[" STR_F "]:%u" : STR_F ":%u",
			    STR_A(ip_format(t->ip, ip)), (unsigned)t->port);
	}
}

static struct ip own_ip;

static bool
make(const char *zone, const char *hop, uint64_t (*random)(void *, uint64_t), void *ctx,
    struct arena *a, struct plan *p)
{
	struct self self = { .hostname = STR("mail.me.test"), .ip = &own_ip, .nip = 1, .v6 = true };
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(zone), &err);

	t_true(ip_parse(STR("203.0.113.1"), &own_ip));
	t_true(z != NULL);
	bool ok = plan_make(&(struct plan_ask){ .nexthop = str_of(hop), .dns = dns_zone_ops(z),
	    .self = &self, .random = random, .ctx = ctx }, a, p);
	t_int(ok, p->n > 0);
	dns_zone_free(z);
	return ok;
}

static void
test_A15_cases(void **state)
{
	struct arena a;
	struct buf b;

	(void)state;
	arena_init(&a, 8 << 20);
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct plan p;

		T_CASE(cases[i].name);
		(void)make(cases[i].zone, cases[i].hop, not_random, NULL, &a, &p);
		show(&b, &p);
		t_str(buf_str(&b), cases[i].want);
		arena_reset(&a);
	}
	buf_done(&b);
	arena_done(&a);
}

/* Each of three equals must come first sometimes; the better one always before them. */
static void
test_A15_random_within_equal(void **state)
{
	static const char zone[] = ADDRS "d.example MX 10 a.example\nd.example MX 10 b.example\n"
	    "d.example MX 10 c.example\nd.example MX 5 six.example";
	unsigned first[4] = {};
	uint64_t seed = 7;
	struct arena a;

	(void)state;
	arena_init(&a, 8 << 20);
	for (unsigned i = 0; i < 300; i++) {
		struct plan p;

		t_true(make(zone, "d.example", from_counter, &seed, &a, &p));
		t_int(p.n, 4);
		t_true(p.target[0].ip.v6);
		first[p.target[1].ip.b[3]]++;
		arena_reset(&a);
	}
	t_true(first[1] > 60 && first[2] > 60 && first[3] > 60);
	arena_done(&a);
}

/* A domain with a thousand exchangers of a hundred addresses costs no more than the caps. */
static void
test_A15_caps(void **state)
{
	struct buf zone;
	struct arena a;
	struct plan p;

	(void)state;
	arena_init(&a, 8 << 20);
	buf_init(&zone, 4 << 20);
	for (unsigned i = 0; i < 300; i++) {
		(void)buf_putf(&zone, "d.example MX %u m%u.example\n", 1000 - i, i);
		for (unsigned k = 1; k < 20; k++)
			(void)buf_putf(&zone, "m%u.example A 198.51.%u.%u\n", i, 100 + i / 250, k);
	}
	(void)buf_putc(&zone, 0);
	t_true(make(zone.p, "d.example", not_random, NULL, &a, &p));
	t_int(p.n, PLAN_TARGETS_MAX);
	t_int(p.target[0].pref, 701);
	t_int(p.target[PLAN_PER_HOST_MAX].pref, 702);
	buf_done(&zone);
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A15_cases), cmocka_unit_test(test_A15_random_within_equal),
		cmocka_unit_test(test_A15_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
