/* SPDX-License-Identifier: ISC */
/*
 * batv_test: tags there and back, and what must not pass.
 */
#include "trust/batv.h"

#include "base/test.h"

enum { NOW = 1577836860, DAY = 86'400 };	/* day 18262 */

static struct arena arena;
static struct batv_conf conf = { .secret = { { "first", 5 }, { "before", 6 } },
	.number = { 12, 11 }, .nsecret = 2, .now_s = NOW };

static const struct { const char *in, *head; enum batv answer; } cases[] = {
	{ "alice@ours.example", "prvs=2269", BATV_OK },
	{ "Alice+x@Ours.example", "prvs=2269", BATV_OK },
	{ "\"a b\"@ours.example", "\"prvs=2269", BATV_OK },
	{ "prvs=2269abcdef=alice@ours.example", "prvs=2269abcdef=", BATV_UNCHANGED },
	{ "", "", BATV_UNCHANGED },
	{ "alice", NULL, BATV_ERROR },
};

static void
test_B13_tags(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *why = NULL;
		struct str out, back;

		T_CASE(cases[i].in);
		conf.now_s = NOW;
		t_int(batv_tag(&conf, str_of(cases[i].in), &arena, &out, &why), cases[i].answer);
		if (cases[i].head)
			t_true(str_starts(out, str_of(cases[i].head)));
		if (cases[i].answer != BATV_OK)
			continue;
		t_int(batv_untag(&conf, out, &arena, &back, &why), BATV_OK);
		t_str(back, cases[i].in);
		t_streq(batv_strip(out, &arena), back);
		t_int(batv_untag(&conf, str_lower(&arena, out), &arena, &back, &why), BATV_OK);
		conf.now_s = NOW + BATV_DAYS * DAY;
		t_int(batv_untag(&conf, out, &arena, &back, &why), BATV_OK);
		conf.now_s += DAY;
		t_int(batv_untag(&conf, out, &arena, &back, &why), BATV_ERROR);
		t_str(str_of(why), "time");
	}
	conf.now_s = NOW;
}

static void
test_S9_forged_tags(void **state)
{
	struct str good, out;
	const char *why;
	char bad[64];

	(void)state;
	t_int(batv_tag(&conf, STR("alice@ours.example"), &arena, &good, &why), BATV_OK);
	for (size_t i = 5; i < good.n; i++) {
		if (i == 15)
			continue;			/* the '=': no tag at all then */
		memcpy(bad, good.p, good.n);
		bad[i] = bad[i] == '0' ? '1' : '0';
		t_int(batv_untag(&conf, str_from(bad, good.n), &arena, &out, &why), BATV_ERROR);
	}
	conf.secret[0] = STR("other");
	t_int(batv_untag(&conf, good, &arena, &out, &why), BATV_ERROR);
	conf.secret[1] = STR("first"), conf.number[1] = 12;	/* an older key still verifies */
	t_int(batv_untag(&conf, good, &arena, &out, &why), BATV_OK);
	t_int(batv_untag(&conf, STR("alice@ours.example"), &arena, &out, &why), BATV_UNCHANGED);
	t_false(batv_looks_like(STR("prvs=short=x")) || batv_looks_like(STR("prvs=0123456789=")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_B13_tags), cmocka_unit_test(test_S9_forged_tags),
	};

	arena_init(&arena, 1 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
