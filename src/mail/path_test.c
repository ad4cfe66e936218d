/* SPDX-License-Identifier: ISC */
/*
 * path_test: envelope addresses, a case a line.  "=" in the fields means refused.
 */
#include "mail/path.h"

#include "base/test.h"

static struct arena arena;

static const struct {
	const char *in, *text;			/* text NULL: must not parse */
	unsigned how;				/* U utf8, N null allowed, P postmaster */
} paths[] = {
	{ "<a@b.example>", "a@b.example", 0 },
	{ "<>", "", 'N' },
	{ "<>", NULL, 0 },
	{ "<Jones@xyz.com>", "Jones@xyz.com", 0 },		/* RFC 5321 4.1.2 */
	{ "<\"Joe.\\,Jones\"@foo.com>", "\"Joe.,Jones\"@foo.com", 0 },
	{ "<\"abc\"@b.example>", "abc@b.example", 0 },		/* one spelling: 4.1.2 last part */
	{ "<\"a\\b c\"@b.example>", "\"ab c\"@b.example", 0 },
	{ "<\"\"@b.example>", "\"\"@b.example", 0 },
	{ "<\"a..b\"@b.example>", "\"a..b\"@b.example", 0 },
	{ "<\"a\\\"\\\\b\"@b.example>", "\"a\\\"\\\\b\"@b.example", 0 },
	{ "<@hosta.int,@jkl.org:userc@d.bar.org>", "userc@d.bar.org", 0 },	/* appendix C */
	{ "<@a:b@c>", "b@c", 0 },
	{ "<@a,:b@c>", NULL, 0 },
	{ "<@a;@b:b@c>", NULL, 0 },
	{ "<@:b@c>", NULL, 0 },
	{ "<a@[192.0.2.1]>", "a@[192.0.2.1]", 0 },
	{ "<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", 0 },
	{ "<a@[ipv6:::1]>", "a@[ipv6:::1]", 0 },
	{ "<a@[IPv6:192.0.2.1]>", NULL, 0 },
	{ "<a@[IPv6:1:2:3:4:5:6::]>", "a@[IPv6:1:2:3:4:5:6::]", 0 },
	{ "<a@[IPv6:1:2:3:4:5:6::8]>", NULL, 0 },
	{ "<a@[IPv6:1:2:3:4::192.0.2.1]>", "a@[IPv6:1:2:3:4::192.0.2.1]", 0 },
	{ "<a@[IPv6:1:2:3:4:5::192.0.2.1]>", NULL, 0 },
	{ "<a@[IPv6:1:2:3:4:5:6:192.0.2.1]>", "a@[IPv6:1:2:3:4:5:6:192.0.2.1]", 0 },
	{ "<a@[IPv6:1::2::3]>", NULL, 0 },
	{ "<a@[IPv6:fe80::1%eth0]>", NULL, 0 },
	{ "<a@[2001:db8::1]>", NULL, 0 },
	{ "<a@[192.0.2.256]>", NULL, 0 },
	{ "<a@[192.0.2]>", NULL, 0 },
	{ "<a@[192.0.2.1>", NULL, 0 },
	{ "<a@[x-tag:foo]>", NULL, 0 },
	{ "<a@[]>", NULL, 0 },
	{ "<Postmaster>", "Postmaster", 'P' },
	{ "<postmaster>", NULL, 0 },
	{ "<joe>", NULL, 'P' },
	{ "<a@b.example", NULL, 0 },
	{ "a@b.example", NULL, 0 },
	{ "<a@b..example>", NULL, 0 },
	{ "<a@b.example.>", NULL, 0 },
	{ "<a@-b.example>", NULL, 0 },
	{ "<a@b-.example>", NULL, 0 },
	{ "<a@b_c.example>", NULL, 0 },
	{ "<.a@b.example>", NULL, 0 },
	{ "<a.@b.example>", NULL, 0 },
	{ "<a b@b.example>", NULL, 0 },
	{ "<a@b@c.example>", NULL, 0 },
	{ "<a(c)@b.example>", NULL, 0 },
	{ "<a@b.example\r\n>", NULL, 0 },
	{ "<\"a\x01\"@b.example>", NULL, 0 },
	{ "<\"a\n\"@b.example>", NULL, 0 },
	{ "<user%dom@b.example>", "user%dom@b.example", 0 },
	{ "<d\xc3\xb6@b.example>", NULL, 0 },
	{ "<d\xc3\xb6@b.example>", "d\xc3\xb6@b.example", 'U' },
	{ "<d@m\xc3\xbcnchen.example>", "d@m\xc3\xbcnchen.example", 'U' },
	{ "<d\xc3@b.example>", NULL, 'U' },			/* cut UTF-8 */
	{ "<d\xc0\xaf@b.example>", NULL, 'U' },		/* overlong */
	{ "<a\xe2\x80\xae" "b@b.example>", NULL, 'U' },		/* U+202E */
	{ "<a\xe2\x80\x8b" "b@b.example>", NULL, 'U' },		/* U+200B */
	{ "<\"\\\xc3\xb6\"@b.example>", NULL, 'U' },		/* quoted-pair stays ASCII */
};

static void
test_take_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct path_rules rules = {
			.arena = &arena, .utf8 = paths[i].how == 'U', .null = paths[i].how == 'N',
			.postmaster = paths[i].how == 'P',
		};
		struct cur c = cur_z(paths[i].in);
		struct path p;
		struct perr err = {};
		bool ok = take_path(&c, &rules, &p, &err);

		T_CASE(paths[i].in);
		t_true(ok == (paths[i].text != NULL));
		if (!ok) {
			t_true(err.what != NULL && err.code != 0 && c.p == c.start);
			continue;
		}
		t_str(path_text(&p, &arena), paths[i].text);
		t_true(c.p == c.end);
		t_true(p.routed == (paths[i].in[1] == '@'));
	}
	arena_reset(&arena);
}

static struct str
repeat(char ch, size_t n, const char *tail)
{
	static char text[1024];

	memset(text, ch, n);
	memcpy(text + n, tail, strlen(tail) + 1);
	return str_of(text);
}

static bool
parses(struct str s)
{
	struct path_rules rules = { .arena = &arena };
	struct perr err;
	struct path p;

	return path_parse(s, &rules, &p, &err);
}

static void
test_limits(void **state)
{
	(void)state;
	T_CASE("lengths");
	t_true(parses(repeat('a', 64, "@b.example")));		/* 4.5.3.1.1 */
	t_false(parses(repeat('a', 65, "@b.example")));
	t_true(parses(repeat('a', 1, "@b.example")));
	t_false(domain_valid(repeat('a', 64, ".example"), false));
	t_true(domain_valid(repeat('a', 63, ".example"), false));
	char d[300];

	for (size_t i = 0; i < sizeof d; i++)
		d[i] = i % 2 ? '.' : 'a';
	t_true(domain_valid(str_from(d, 255), false));
	t_false(domain_valid(str_from(d, 257), false));
	t_false(parses(str_from("a\0b@c.example", 13)));
}

static void
test_domains(void **state)
{
	(void)state;
	T_CASE("domains");
	t_true(domain_eq(STR("Example.ORG"), STR("example.org.")));
	t_true(domain_eq(STR("m\xc3\xbcnchen.example"), STR("XN--mnchen-3ya.example")));
	t_true(domain_eq(STR("stra\xc3\x9f" "e.example"), STR("xn--strae-oqa.example")));
	t_false(domain_eq(STR("stra\xc3\x9f" "e.example"), STR("strasse.example")));
	t_false(domain_eq(STR("a.example"), STR("b.example")));
	t_true(domain_under(STR("x.Example.org"), STR("example.ORG")));
	t_true(domain_under(STR("example.org"), STR("example.org")));
	t_false(domain_under(STR("xexample.org"), STR("example.org")));
	t_true(domain_under(STR("a.m\xc3\xbcnchen.example"), STR("xn--mnchen-3ya.example")));
	t_true(utf8_address_safe(STR("\xe4\xbc\x8a\xe6\x98\xad")));
	t_false(utf8_address_safe(STR("\xef\xbb\xbf")));
}

static void
test_local(void **state)
{
	struct path_rules rules = { .arena = &arena };
	struct path p, q;
	struct perr err;

	(void)state;
	T_CASE("local part");
	t_true(path_parse(STR("\"a \\\"b\"@c.example"), &rules, &p, &err));
	t_str(path_local_plain(&p, &arena), "a \"b");
	t_true(path_parse(STR("\"Bob\"@C.example"), &rules, &p, &err));
	t_true(path_parse(STR("Bob@c.Example"), &rules, &q, &err));
	t_true(path_eq(&p, &q));
	t_true(path_parse(STR("bob@c.Example"), &rules, &q, &err));
	t_false(path_eq(&p, &q));				/* 2.4: case is the host's matter */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_path), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_domains), cmocka_unit_test(test_local),
	};

	arena_init(&arena, 1 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
