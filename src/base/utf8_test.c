/* SPDX-License-Identifier: ISC */
/*
 * utf8_test: the borders of RFC 3629 4 and the classic abuses.
 *
 * Every code point goes out and comes back.
 */
#include "base/test.h"
#include "base/utf8.h"

static const struct {
	const char *in;
	bool valid;
} cases[] = {
	{ "", true }, { "plain ascii, longer than eight", true }, { "\xc3\xa4\xc3\xb6", true },
	{ "\xe2\x82\xac", true }, { "\xf0\x9f\x93\xa7 mail", true },
	{ "\xc0\x80", false },			/* overlong NUL */
	{ "\xc1\xbf", false }, { "\xe0\x9f\xbf", false }, { "\xe0\xa0\x80", true },
	{ "\xed\x9f\xbf", true }, { "\xed\xa0\x80", false },	/* surrogates */
	{ "\xee\x80\x80", true }, { "\xf0\x8f\xbf\xbf", false }, { "\xf0\x90\x80\x80", true },
	{ "\xf4\x8f\xbf\xbf", true }, { "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false },
	{ "\x80", false }, { "\xbf", false }, { "\xff", false }, { "abcdefgh\xc3", false },
	{ "\xe2\x82", false }, { "\xc3(", false }, { "\xe2(\xac", false },
};

static void
test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].in);
		t_int(utf8_valid(str_of(cases[i].in)), cases[i].valid);
	}
	t_true(utf8_is_ascii(STR("abcdefghij")));
	t_false(utf8_is_ascii(STR("abcdefghi\xc3\xa4")));
}

static void
test_round(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	for (uint32_t cp = 0; cp <= 0x110010; cp++) {
		bool ok = cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
		struct str s;
		uint32_t got = 0;

		buf_reset(&b);
		t_int(utf8_put(&b, cp), ok);
		s = buf_str(&b);
		t_int(utf8_next(&s, &got), ok);
		t_int(s.n, 0);
		if (ok)
			t_int(got, cp);
	}
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid), cmocka_unit_test(test_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
