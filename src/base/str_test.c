/* SPDX-License-Identifier: ISC */
/*
 * str_test: slices compared, cut and searched.
 *
 * Table driven; no memory.
 */
#include "base/test.h"

static const struct {
	const char *a, *b;
	int cmp;
	bool ieq, starts, ends;
} pairs[] = {
	{ "", "", 0, true, true, true },
	{ "abc", "abc", 0, true, true, true },
	{ "abc", "ABC", 1, true, false, false },
	{ "abc", "ab", 1, false, true, false },
	{ "abc", "bc", -1, false, false, true },
	{ "a", "b", -1, false, false, false },
	{ "\xc3\xa4", "\xc3\x84", 1, false, false, false },
	{ "abc", "", 1, false, true, true },
	{ "ab", "abc", -1, false, false, false },
};

static void
test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct str a = str_of(pairs[i].a), b = str_of(pairs[i].b);
		int c = str_cmp(a, b);

		T_CASE(pairs[i].a);
		t_int((c > 0) - (c < 0), pairs[i].cmp);
		t_int(str_eq(a, b), pairs[i].cmp == 0);
		t_int(str_ieq(a, b), pairs[i].ieq);
		t_int(str_icmp(a, b) == 0, pairs[i].ieq);
		t_int(str_starts(a, b), pairs[i].starts);
		t_int(str_ends(a, b), pairs[i].ends);
	}
	t_true(str_istarts(STR("MAIL from"), STR("mail F")));
	t_true(str_iends(STR("a.EXAMPLE"), STR(".example")));
}

static void
test_cut(void **state)
{
	struct str rest = STR("a,b,,c"), empty = {};

	(void)state;
	t_str(str_sub(STR("hello"), 1, 3), "ell");
	t_str(str_sub(STR("hello"), 4, 9), "o");
	t_str(str_sub(STR("hello"), 9, 9), "");
	t_str(str_trim(STR(" \ta b\t ")), "a b");
	t_str(str_trim(STR(" \t ")), "");
	t_str(str_trim(STR("\r\n")), "\r\n");
	t_str(str_split(&rest, ','), "a");
	t_str(str_split(&rest, ','), "b");
	t_str(str_split(&rest, ','), "");
	t_str(str_split(&rest, ','), "c");
	t_true(str_empty(rest));
	t_true(str_eq(empty, STR("")));
}

static const struct {
	const char *in, *what;
	ssize_t at;
} finds[] = {
	{ "abcabc", "bc", 1 }, { "abc", "abcd", -1 }, { "abc", "", 0 }, { "", "", 0 },
	{ "", "a", -1 }, { "aab", "ab", 1 }, { "abc", "x", -1 },
};

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(finds); i++) {
		T_CASE(finds[i].in);
		t_int(str_find(str_of(finds[i].in), str_of(finds[i].what)), finds[i].at);
	}
	t_int(str_chr(STR("a@b@c"), '@'), 1);
	t_int(str_rchr(STR("a@b@c"), '@'), 3);
	t_int(str_chr(STR("abc"), '@'), -1);
	t_int(str_rchr((struct str){}, '@'), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
