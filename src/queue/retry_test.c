/* SPDX-License-Identifier: ISC */
/*
 * retry_test: the schedule, its jitter, its bends by class.
 *
 * The limits are those of the defaults, written out.
 */
#include "base/test.h"
#include "queue/retry.h"

static const struct limits lim = {
	.retry_ms = { 120'000, 300'000, 600'000, 1'200'000, 2'400'000, 3'600'000, 3'600'000,
		3'600'000, 7'200'000 },
	.nretry = 9, .retry_jitter = 10, .give_up_ms = 432'000'000,
	.give_up_bounce_ms = 86'400'000,
};

static const struct {
	const char *name;
	enum out_class class;
	unsigned attempts;
	int64_t want_s;
} cases[] = {
	{ "first", CLASS_RCPT, 1, 120 }, { "second", CLASS_RCPT, 2, 300 },
	{ "sixth", CLASS_RCPT, 6, 3600 }, { "ninth", CLASS_RCPT, 9, 7200 },
	{ "later", CLASS_RCPT, 200, 7200 }, { "none yet", CLASS_RCPT, 0, 120 },
	{ "connect", CLASS_CONNECT, 3, 600 }, { "quota", CLASS_QUOTA, 1, 1800 },
	{ "quota later", CLASS_QUOTA, 9, 7200 }, { "auth", CLASS_AUTH, 2, 1800 },
	{ "own", CLASS_OWN, 1, 60 }, { "own later", CLASS_OWN, 50, 60 },
};

static void
test_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t least = retry_wait_ms(&lim, cases[i].class, cases[i].attempts, 0);
		int64_t most = retry_wait_ms(&lim, cases[i].class, cases[i].attempts, UINT32_MAX);
		int64_t mid = retry_wait_ms(&lim, cases[i].class, cases[i].attempts,
		    UINT32_MAX / 2);

		T_CASE(cases[i].name);
		t_int(least, cases[i].want_s * 900);
		t_int(most, cases[i].want_s * 1100);
		t_true(mid > cases[i].want_s * 990 && mid < cases[i].want_s * 1010);
	}
}

static void
test_life(void **state)
{
	(void)state;
	t_int(retry_life_ms(&lim, false), 432'000'000);
	t_int(retry_life_ms(&lim, true), 86'400'000);
	t_true(retry_counts(CLASS_RCPT));
	t_false(retry_counts(CLASS_OWN));
}

/* A short schedule is meant: the least waits do not lengthen it. */
static void
test_short(void **state)
{
	const struct limits quick = { .retry_ms = { 1000 }, .nretry = 1 };

	(void)state;
	t_int(retry_wait_ms(&quick, CLASS_QUOTA, 1, 0), 1000);
	t_int(retry_wait_ms(&quick, CLASS_QUOTA, 9, 77), 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits), cmocka_unit_test(test_life),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
