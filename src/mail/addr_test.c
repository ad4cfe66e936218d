/* SPDX-License-Identifier: ISC */
/*
 * addr_test: addr-specs, lists with all that mail really holds, encoded-words.
 */
#include "mail/addr.h"

#include "base/test.h"

static struct arena arena;

static void
test_spec(void **state)
{
	static const struct {
		const char *in, *out;			/* out NULL: refused */
		bool utf8;
	} cases[] = {
		{ "jdoe@machine.example", "jdoe@machine.example", false },
		{ "pete(his account)@silly.test(his host)", "pete@silly.test", false },	/* A.5 */
		{ "c@(Chris's host.)public.example", "c@public.example", false },
		{ "john . doe @ machine . example", "john.doe@machine.example", false },
		{ "\"joe.q\".public@x.example", "joe.q.public@x.example", false },
		{ "\"a b\".c@x.example", "\"a b.c\"@x.example", false },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]", false },
		{ "a@[ x\\]y ]", "a@[x\\]y]", false },
		{ "(\x07)a@b", "a@b", false },
		{ "\r\n a@b", "a@b", false },
		{ "\r\na@b", NULL, false },
		{ "a@b\r\n", NULL, false },
		{ "\na@b", NULL, false },
		{ "a..b@c", NULL, false },
		{ "a@b.", NULL, false },
		{ "a@-b", NULL, false },
		{ "a", NULL, false },
		{ "(a@b", NULL, false },
		{ "\"a@b", NULL, false },
		{ "a b@c", NULL, false },
		{ "a@b c", NULL, false },
		{ "<a@b>", NULL, false },
		{ "\xc3\xb6@b", NULL, false },
		{ "\xc3\xb6@b", "\xc3\xb6@b", true },
		{ "\xc3@b", NULL, true },
		{ "a\xe2\x80\xae@b", NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr one;

		T_CASE(cases[i].in);
		t_true(addr_spec_parse(str_of(cases[i].in), cases[i].utf8, &arena, &one) ==
		       (cases[i].out != NULL));
		if (cases[i].out != NULL)
			t_str(one.address, cases[i].out);
	}
	arena_reset(&arena);
}

static void
test_list(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *first, *name;
		unsigned facts;				/* all of the field */
	} cases[] = {
		{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>", 3,
		  "mary@x.test", "Mary Smith", 0 },				/* RFC 5322 A.1.2 */
		{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", 2,
		  "boss@nil.test", "", 0 },
		{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", 3,
		  "c@a.test", "Ed Jones", ADDR_GROUP },				/* A.1.3 */
		{ "Undisclosed recipients:;", 0, NULL, NULL, ADDR_GROUP },
		{ "Joe Q. Public <john.q.public@example.com>", 1, "john.q.public@example.com",
		  "Joe Q. Public", 0 },						/* A.6.1 */
		{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", 2,
		  "mary@example.net", "Mary Smith", ADDR_ROUTE | ADDR_EMPTY | ADDR_SPACE },
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", 1,
		  "pete@silly.test", "Pete", ADDR_COMMENT },
		{ "a@b.test (The Name)", 1, "a@b.test", "The Name", 0 },
		{ "=?ISO-8859-1?Q?Andr=E9?= Pirard <p@vm1.test>", 1, "p@vm1.test",
		  "Andr\xc3\xa9 Pirard", 0 },					/* RFC 2047 8 */
		{ "\"ceo@bank.test\" <x@evil.test>", 1, "x@evil.test", "ceo@bank.test",
		  ADDR_NAME_HAS_AT },
		{ "ceo@bank.test <x@evil.test>", 1, "x@evil.test", "ceo@bank.test",
		  ADDR_NAME_HAS_AT },
		{ "=?utf-8?q?ceo=40bank.test?= <x@evil.test>", 1, "x@evil.test", "ceo@bank.test",
		  ADDR_NAME_HAS_AT },
		{ "<=?utf-8?q?a=40b?=@c.test>", 1, "=?utf-8?q?a=40b?=@c.test", "", ADDR_ENCODED },
		{ "<a@b.test> <c@d.test>", 1, "a@b.test", "<c@d.test>",
		  ADDR_BAD | ADDR_NAME_HAS_AT },
		{ "X (ceo@bank.test) <x@evil.test> (y)", 1, "x@evil.test", "X", ADDR_NAME_HAS_AT },
		{ "a@b.test,c@d.test", 2, "a@b.test", "", 0 },
		{ "a@b.test;c@d.test", 2, "a@b.test", "", ADDR_BAD },
		{ "a@b@c.test", 1, "a@b@c.test", "", ADDR_BAD | ADDR_NO_DOMAIN },
		{ "just words", 1, "just words", "", ADDR_BAD | ADDR_NO_DOMAIN },
		{ "a\xc3\xb6@b.test", 1, "a\xc3\xb6@b.test", "", ADDR_UTF8 },
		{ "a\xe2\x80\xae@b.test", 1, "a\xe2\x80\xae@b.test", "",
		  ADDR_UTF8 | ADDR_CONTROL },
		{ "<a@[192.0.2.1]>", 1, "a@[192.0.2.1]", "", ADDR_LITERAL },
		{ "", 0, NULL, NULL, 0 },
		{ "((((((((((((((((((((((((", 1, NULL, NULL, ADDR_BAD | ADDR_NO_DOMAIN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr_list l;

		T_CASE(cases[i].in);
		t_true(addr_list_parse(str_of(cases[i].in), &arena, &l));
		t_int(l.n, cases[i].n);
		t_int(l.facts, cases[i].facts);
		if (cases[i].first != NULL) {
			t_str(l.addr[0].address, cases[i].first);
			t_str(l.addr[0].name, cases[i].name);
		}
	}
	arena_reset(&arena);
}

static void
test_decode(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "=?ISO-8859-1?Q?a?=", "a" },					/* RFC 2047 8 */
		{ "=?ISO-8859-1?Q?a?= b", "a b" },
		{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a_b?=", "a b" },
		{ "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b" },
		{ "=?utf-8?B?SMOpbGxv?=", "H\xc3\xa9llo" },
		{ "=?utf-8*en?q?x?=", "x" },
		{ "=?utf-8?q?=ff?=", "=?utf-8?q?=ff?=" },
		{ "=?x-none?q?abc?=", "abc" },
		{ "=?utf-8?x?abc?=", "=?utf-8?x?abc?=" },
		{ "=?utf-8?q?abc", "=?utf-8?q?abc" },
		{ "plain  text", "plain  text" },
		{ " folded\r\n\t text ", "folded text" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].in);
		t_str(text_decode(str_of(cases[i].in), &arena), cases[i].out);
	}
	arena_reset(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec), cmocka_unit_test(test_list),
		cmocka_unit_test(test_decode),
	};

	arena_init(&arena, 1 << 24);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
