/* SPDX-License-Identifier: ISC */
/*
 * door_test: the PROXY header, the counters by address, bare addresses: what needs no session.
 */
#include "base/test.h"

#include "smtpd/limits.h"
#include "smtpd/proxy.h"
#include "smtpd/qualify.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
	const char *name, *in;
	size_t n;
	enum proxy answer;
	const char *src;		/* NULL: the proxy itself */
	unsigned port;
	size_t used;
} proxies[] = {
#define P(name_, in_, ...) { name_, in_, sizeof(in_) - 1, __VA_ARGS__ }
	P("v1", "PROXY TCP4 192.0.2.1 192.0.2.2 1234 25\r\nEHLO", PROXY_OK, "192.0.2.1", 1234, 40),
	P("v1 six", "PROXY TCP6 2001:db8::1 ::1 1 25\r\n", PROXY_OK, "2001:db8::1", 1, 33),
	P("v1 unknown", "PROXY UNKNOWN whatever\r\n", PROXY_OK, NULL, 0, 24),
	P("v1 short", "PROXY TCP4 192.0", PROXY_MORE, NULL, 0, 0),
	P("v1 begin", "PRO", PROXY_MORE, NULL, 0, 0),
	P("v1 bare LF", "PROXY UNKNOWN\n", PROXY_BAD, NULL, 0, 0),
	P("v1 family", "PROXY TCP4 ::1 ::1 1 25\r\n", PROXY_BAD, NULL, 0, 0),
	P("v1 port", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n", PROXY_BAD, NULL, 0, 0),
	P("v1 zero", "PROXY TCP4 192.0.2.1 192.0.2.2 01 25\r\n", PROXY_BAD, NULL, 0, 0),
	P("v1 missing", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", PROXY_BAD, NULL, 0, 0),
	P("smtp", "EHLO x\r\n", PROXY_BAD, NULL, 0, 0),
	P("v2", V2
	    "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x04\xd2\0\x19", PROXY_OK, "192.0.2.1", 1234, 28),
	P("v2 local", V2 "\x20\0\0\0", PROXY_OK, NULL, 0, 16),
	P("v2 short", V2 "\x21\x11\0\x0c\xc0", PROXY_MORE, NULL, 0, 0),
	P("v2 too short for its family", V2 "\x21\x11\0\x04\xc0\0\2\1", PROXY_BAD, NULL, 0, 0),
	P("v2 version", V2 "\x31\x11\0\0", PROXY_BAD, NULL, 0, 0),
	P("v2 command", V2 "\x22\x11\0\0", PROXY_BAD, NULL, 0, 0),
	P("v2 datagram", V2
	    "\x21\x12\0\x0c\xc0\0\2\1\xc0\0\2\2\x04\xd2\0\x19", PROXY_BAD, NULL, 0, 0),
	P("v2 huge", V2 "\x21\x11\xff\xff", PROXY_BAD, NULL, 0, 0),
	P("nothing", "", PROXY_MORE, NULL, 0, 0),
};

static void
test_proxy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(proxies); i++) {
		struct proxy_header h;
		struct ip want;
		size_t used;

		T_CASE(proxies[i].name);
		t_int(proxy_parse(str_from(proxies[i].in, proxies[i].n), &h, &used),
		    proxies[i].answer);
		if (proxies[i].answer != PROXY_OK)
			continue;
		t_int(used, proxies[i].used);
		t_int(h.local, proxies[i].src == NULL);
		if (h.local)
			continue;
		t_true(ip_parse(str_of(proxies[i].src), &want) && ip_eq(want, h.src));
		t_int(h.src_port, proxies[i].port);
		/* Any beginning of it asks for more, and never overreads. */
		for (size_t n = 0; n < used; n++)
			t_int(proxy_parse(str_from(proxies[i].in, n), &h, &used), PROXY_MORE);
	}
}

static struct ip
ip(const char *z)
{
	struct ip out;

	t_true(ip_parse(str_of(z), &out));
	return out;
}

static void
test_A48_limits_by_address(void **state)
{
	struct limiter *l = limiter_new(3);
	struct peer_count *a, *b, *c;

	(void)state;
	a = limiter_enter(l, ip("192.0.2.1"), 0);
	b = limiter_enter(l, ip("192.0.2.1"), 10);
	t_true(a == b);
	t_int(peer_live(a), 2);
	t_int(peer_rate(a), 2);
	limiter_leave(l, a, 20);
	t_int(peer_live(a), 1);
	t_int(peer_rate(a), 2);
	/* one /64 is one peer, two are two */
	b = limiter_enter(l, ip("2001:db8::1"), 20);
	c = limiter_enter(l, ip("2001:db8::ffff:1"), 20);
	t_true(b == c && b != a);
	c = limiter_enter(l, ip("2001:db8:0:1::1"), 20);
	t_true(c != b);
	t_int(limiter_count(l), 3);
	/* all in use: a fourth is not counted, and nobody is forgotten */
	t_true(limiter_enter(l, ip("192.0.2.9"), 30) == NULL);
	limiter_leave(l, NULL, 30);
	limiter_leave(l, c, 30);
	/* an idle one makes room at need, and goes by itself after its minute */
	c = limiter_enter(l, ip("192.0.2.9"), 40);
	t_true(c != NULL);
	limiter_leave(l, c, 50);
	limiter_leave(l, a, 70'000);
	t_int(limiter_count(l), 1);
	limiter_leave(l, b, 70'000);
	limiter_leave(l, b = limiter_enter(l, ip("2001:db8::1"), 130'001), 130'001);
	limiter_free(l);
}

static void
test_A48_rate_per_minute(void **state)
{
	struct limiter *l = limiter_new(10);
	struct peer_count *p = NULL;

	(void)state;
	for (int i = 0; i < 301; i++) {
		p = limiter_enter(l, ip("192.0.2.1"), i);
		limiter_leave(l, p, i);
	}
	p = limiter_enter(l, ip("192.0.2.1"), 59'999);
	t_int(peer_rate(p), 302);
	limiter_leave(l, p, 59'999);
	p = limiter_enter(l, ip("192.0.2.1"), 60'400);
	t_int(peer_rate(p), 1);
	limiter_leave(l, p, 60'400);
	limiter_free(l);
}

static void
test_qualify(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "FROM:<bob>", "FROM:<bob@d.example>" },
		{ "FROM:<bob> SIZE=3", "FROM:<bob@d.example> SIZE=3" },
		{ "FROM:<>", "FROM:<>" },
		{ "FROM:<bob@x.example>", "FROM:<bob@x.example>" },
		{ "FROM:<\"a@b\">", "FROM:<\"a@b\">" },
		{ "FROM:bob", "FROM:bob" },
		{ "", "" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 64 << 10);
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].in);
		t_str(qualify(&a, str_of(cases[i].in), STR("d.example")), cases[i].out);
	}
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_A48_limits_by_address),
		cmocka_unit_test(test_A48_rate_per_minute),
		cmocka_unit_test(test_qualify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
