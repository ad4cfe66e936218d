/* SPDX-License-Identifier: ISC */
/*
 * value_test: words of postern.conf, a case a line.
 *
 * Each reader with what it takes, what it refuses and how it writes the value back.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/test.h"
#include "conf/errors.h"
#include "conf/value.h"

static const struct { const char *in; int64_t ms; const char *out; } times[] = {
	{ "0", 0, "0" }, { "30s", 30'000, "30s" }, { "5m", 300'000, "5m" },
	{ "4h", 14'400'000, "4h" },
	{ "5d", 432'000'000, "5d" }, { "1h30m", 5'400'000, "1h30m" }, { "250ms", 250, "250ms" },
	{ "90s", 90'000, "1m30s" }, { "1w", 604'800'000, "7d" },
	{ "", -1, "" }, { "5", -1, "" }, { "5x", -1, "" }, { "m", -1, "" }, { "-5s", -1, "" },
	{ "99999999999999999999s", -1, "" }, { "9999999999999d", -1, "" }, { "5m3", -1, "" },
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		int64_t ms = -1;
		const char *bad = value_ms(str_of(times[i].in), &ms);
		struct buf b;

		T_CASE(times[i].in);
		t_true((bad == NULL) == (times[i].ms >= 0));
		if (bad != NULL)
			continue;
		t_int(ms, times[i].ms);
		buf_init(&b, 64);
		format_ms(&b, ms);
		t_str(buf_str(&b), times[i].out);
		buf_done(&b);
	}
}

static const struct { const char *in; bool ok; uint64_t n; const char *out; } sizes[] = {
	{ "512", true, 512, "512" }, { "32K", true, 32768, "32K" },
	{ "50M", true, 52428800, "50M" },
	{ "1G", true, 1 << 30, "1G" }, { "50m", true, 52428800, "50M" },
	{ "1536", true, 1536, "1536" },
	{ "1024K", true, 1 << 20, "1M" }, { "", false, 0, "" }, { "K", false, 0, "" },
	{ "5T", false, 0, "" }, { "99999999999G", false, 0, "" }, { "1.5M", false, 0, "" },
};

static void
test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint64_t n = 0;
		struct buf b;

		T_CASE(sizes[i].in);
		t_true((value_bytes(str_of(sizes[i].in), &n) == NULL) == sizes[i].ok);
		if (!sizes[i].ok)
			continue;
		t_int(n, sizes[i].n);
		buf_init(&b, 64);
		format_bytes(&b, n);
		t_str(buf_str(&b), sizes[i].out);
		buf_done(&b);
	}
}

static const struct {
	const char *in;
	enum hop_kind kind;
	const char *host;		/* NULL: refused */
	unsigned port;
} hops[] = {
	{ "mx.example", HOP_MX, "mx.example", 25 },
	{ "MX.example:2525", HOP_MX, "mx.example", 2525 },
	{ "[mx.example]", HOP_HOST, "mx.example", 25 },
	{ "[mx.example]:26", HOP_HOST, "mx.example", 26 },
	{ "192.0.2.1", HOP_HOST, "192.0.2.1", 25 },
	{ "[192.0.2.1]:2525", HOP_HOST, "192.0.2.1", 2525 },
	{ "[IPv6:2001:db8::1]", HOP_HOST, "2001:db8::1", 25 },
	{ "[2001:db8::1]:27", HOP_HOST, "2001:db8::1", 27 },
	{ "smtp:[mx.g.example]:2525", HOP_HOST, "mx.g.example", 2525 },
	{ "esmtp:mx.example", HOP_MX, "mx.example", 25 },
	{ "relay:mx.example", HOP_MX, "mx.example", 25 },
	{ "lmtp:127.0.0.1:2424", HOP_LMTP, "127.0.0.1", 2424 },
	{ "lmtp:imap.example", HOP_LMTP, "imap.example", 24 },
	{ "lmtp:/run/lmtp", HOP_LMTP, "/run/lmtp", 0 },
	{ "lmtp:unix:/run/lmtp", HOP_LMTP, "/run/lmtp", 0 },
	{ "discard", HOP_DISCARD, "", 25 },
	{ "", HOP_MX, NULL, 0 }, { "smtp:", HOP_MX, NULL, 0 }, { "mx.example:", HOP_MX, NULL, 0 },
	{ "mx.example:0", HOP_MX, NULL, 0 }, { "mx.example:70000", HOP_MX, NULL, 0 },
	{ "[mx.example", HOP_MX, NULL, 0 }, { "[mx.example]x", HOP_MX, NULL, 0 },
	{ "a b", HOP_MX, NULL, 0 }, { "user@mx.example", HOP_MX, NULL, 0 },
};

static void
test_hops(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT(hops); i++) {
		struct hop h;

		T_CASE(hops[i].in);
		t_true((value_hop(str_of(hops[i].in), &a, &h) == NULL) == (hops[i].host != NULL));
		if (hops[i].host == NULL)
			continue;
		t_int(h.kind, hops[i].kind);
		t_str(h.host, hops[i].host);
		t_int(h.port, hops[i].port);
	}
	arena_done(&a);
}

static const struct { const char *in, *text; } errors[] = {
	{ "error:5.7.0:550 no", "550 5.7.0 no" },
	{ "error:5.7.0:no", "550 5.7.0 no" },
	{ "error:4.7.0:450 later", "450 4.7.0 later" },
	{ "error:nouser:no such user", "550 5.1.2 no such user" },
	{ "error:tempfail:try later", "450 4.0.0 try later" },
	{ "error:\"550 gone\"", "550 5.1.2 gone" },
};

static void
test_error_hops(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct hop h;

		T_CASE(errors[i].in);
		t_true(value_hop(str_of(errors[i].in), &a, &h) == NULL);
		t_int(h.kind, HOP_ERROR);
		t_str(h.text, errors[i].text);
	}
	arena_done(&a);
}

static const struct { const char *in; bool ok; } nets[] = {
	{ "192.0.2.0/24", true }, { "192.0.2.7", true }, { "2001:db8::/32", true }, { "::1", true },
	{ "192.0.2.7/24", false }, { "192.0.2.0/33", false }, { "192.0.2", false }, { "", false },
	{ "2001:db8::1/32", false }, { "a@b.example", false }, { "example.org", false },
};

static void
test_nets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(nets); i++) {
		struct net n;

		T_CASE(nets[i].in);
		t_true((value_net(str_of(nets[i].in), &n) == NULL) == nets[i].ok);
	}
}

static const struct { const char *a, *b; unsigned edits; } words[] = {
	{ "hostname", "hostname", 0 }, { "hostnam", "hostname", 1 }, { "hsotname", "hostname", 1 },
	{ "HOSTNAME", "hostname", 0 }, { "listne", "listen", 1 }, { "", "abc", 3 },
	{ "abc", "xyz", 3 },
	{ "kitten", "sitting", 3 },
};

static void
test_distance(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		T_CASE(words[i].a);
		t_int(conf_distance(str_of(words[i].a), str_of(words[i].b)), words[i].edits);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_hops), cmocka_unit_test(test_error_hops),
		cmocka_unit_test(test_nets), cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
