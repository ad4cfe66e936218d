/* SPDX-License-Identifier: ISC */
/*
 * cur_test: takers consume on yes and nothing on no.
 *
 * The cursor's position is checked after each step.
 */
#include "base/cur.h"
#include "base/test.h"

static void
test_take(void **state)
{
	struct cur c = cur_z("mail FROM: 12345 99999999999");
	struct str word = {};
	uint32_t v = 0;

	(void)state;
	t_false(take_ch(&c, 'x'));
	t_false(take_lit(&c, STR("mailx")));
	t_int(cur_at(&c), 0);
	t_true(take_lit(&c, STR("MAIL")));
	t_true(take_wsp(&c));
	t_false(take_wsp(&c));
	t_true(take_while(&c, ascii_isalpha, &word));
	t_str(word, "FROM");
	t_false(take_while(&c, ascii_isalpha, &word));
	t_true(take_ch(&c, ':'));
	t_true(take_wsp(&c));
	t_false(take_u32(&c, 4, &v));
	t_int(cur_peek(&c), '1');
	t_true(take_u32(&c, 5, &v));
	t_int(v, 12345);
	t_true(take_wsp(&c));
	t_false(take_u32(&c, 20, &v));
	t_str(cur_rest(&c), "99999999999");
	c.p = c.end;
	t_int(cur_peek(&c), -1);
	t_int(cur_left(&c), 0);
	t_false(take_ch(&c, 0));
}

static void
test_perr(void **state)
{
	struct cur c = cur_z("ab");
	struct perr err = {};

	(void)state;
	t_true(take_ch(&c, 'a'));
	t_false(perr_code(&err, &c, 501, "first"));
	t_true(take_ch(&c, 'b'));
	t_false(perr_set(&err, &c, "second"));
	t_str(str_of(err.what), "first");
	t_int(err.at, 1);
	t_int(err.code, 501);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take), cmocka_unit_test(test_perr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
