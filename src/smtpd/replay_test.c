/* SPDX-License-Identifier: ISC */
/*
 * replay_test: counts of signatures: exact for one, bounded in days, and a flood of others does not
 * wipe out one that comes often.
 */
#include "base/test.h"

#include "smtpd/replay.h"

enum { NOW = 1'800'000'000, DAY = 86'400 };

static void
test_S15_T_DKIM_REPLAY_counts(void **state)
{
	struct replay *r = replay_new();
	uint64_t a = replay_key(STR("a.example"), STR("AAAA")), b;

	(void)state;
	b = replay_key(STR("a.example"), STR("AAAB"));
	t_true(a != b && a != replay_key(STR("b.example"), STR("AAAA")) && a != 0);
	t_int(replay_seen(r, a, NOW), 0);
	for (uint32_t i = 1; i <= 60; i++) {
		replay_add(r, a, NOW);
		t_int(replay_seen(r, a, NOW), i);
	}
	t_int(replay_seen(r, b, NOW), 0);
	t_int(replay_seen(r, a, NOW + REPLAY_DAYS * DAY), 60);
	t_int(replay_seen(r, a, NOW + (REPLAY_DAYS + 1) * DAY), 0);
	replay_add(r, a, NOW + 20 * DAY);
	t_int(replay_seen(r, a, NOW + 20 * DAY), 1);
	replay_free(r);
}

static void
test_S15_flood(void **state)
{
	struct replay *r = replay_new();
	uint64_t a = replay_key(STR("a.example"), STR("often"));

	(void)state;
	for (int i = 0; i < 60; i++)
		replay_add(r, a, NOW);
	for (uint32_t i = 0; i < 200'000; i++)
		replay_add(r, replay_key(STR("x.example"), str_from((char *)&i, sizeof i)), NOW);
	t_int(replay_seen(r, a, NOW), 60);
	replay_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_S15_T_DKIM_REPLAY_counts), cmocka_unit_test(test_S15_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
