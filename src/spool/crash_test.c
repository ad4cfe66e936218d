/* SPDX-License-Identifier: ISC */
/*
 * crash_test: the spool loses power at every write, sync and rename, and keeps its promises.
 *
 * Small lives are cut at each operation under each policy for what was not synced; larger ones,
 * with failing syncs and a full disk, at drawn places, several lives in a row.  SPOOL_CRASH_SEEDS
 * sets how many of the latter (make crash-long); a failure prints what is needed to see it again.
 */
#include <stdlib.h>

#include "base/test.h"
#include "spool/house.h"

static const struct house_plan small = { .sessions = 2, .messages = 4 };
static const struct house_plan nothing = {};

static unsigned
seeds(unsigned dflt)
{
	const char *z = getenv("SPOOL_CRASH_SEEDS");
	uint64_t n;

	return z && num_parse_u64(str_of(z), &n) ? (unsigned)n : dflt;
}

static void
breach(const struct house *h, const char *where)
{
	char text[256];

	if (!h->bad)
		return;
	(void)snprintf(text, sizeof text, "%s: %s (id %llx)", where, h->bad,
	    (unsigned long long)h->bad_id);
	t_fail(text, __FILE__, __LINE__);
}

static void
lives_in_peace(void **state)
{
	static const struct house_plan busy = { .sessions = 6, .messages = 12 };
	struct survival all = { .how = SURVIVE_ALL };
	struct house h;

	(void)state;
	house_init(&h, 1);
	for (unsigned i = 0; i < 3; i++)
		(void)house_live(&h, &busy, UINT64_MAX, &all);
	notes_final(&h);
	breach(&h, "peace");
	t_true(h.acked > 100 && h.delivered == h.acked);
	t_true(h.rotations > 3 && h.recycled > 5 && h.zeroed > 2);
	house_done(&h);
}

/* The power fails at operation `at` of the first life, then again while the second recovers. */
static void
cut(uint64_t seed, uint64_t at, const struct survival *s)
{
	char where[128];
	struct house h;

	house_init(&h, seed);
	(void)house_live(&h, &small, at, s);
	if (at % 3 == 0)
		(void)house_live(&h, &nothing, house_draw(&h, 40), s);
	(void)house_live(&h, &nothing, UINT64_MAX, s);
	notes_final(&h);
	(void)snprintf(where, sizeof where, "seed %llu, operation %llu, policy %d",
	    (unsigned long long)seed, (unsigned long long)at, (int)s->how);
	breach(&h, where);
	house_done(&h);
}

static void
every_operation(void **state)
{
	struct survival all = { .how = SURVIVE_ALL };
	struct house h;
	uint64_t ops;

	(void)state;
	house_init(&h, 2);
	(void)house_live(&h, &small, UINT64_MAX, &all);
	breach(&h, "uncut");
	ops = h.ops;
	house_done(&h);
	t_true(ops > 50);
	for (uint64_t at = 0; at < ops; at++) {
		struct survival random = { .how = SURVIVE_RANDOM, .seed = at };

		cut(2, at, &(struct survival){ .how = SURVIVE_NONE });
		cut(2, at, &all);
		cut(2, at, &random);
		random.seed += ops;
		cut(2, at, &random);
	}
}

/* A few lives with drawn plans and ends. */
static void
random_lives(uint64_t seed, bool faults)
{
	static const enum survive how[] = { SURVIVE_NONE, SURVIVE_ALL, SURVIVE_RANDOM };
	struct survival all = { .how = SURVIVE_ALL };
	char where[64];
	struct house h;

	house_init(&h, seed);
	for (uint64_t lives = 1 + house_draw(&h, 4); lives > 0; lives--) {
		struct house_plan plan = {
			.sessions = 1 + (unsigned)house_draw(&h, 6),
			.messages = 1 + (unsigned)house_draw(&h, 12),
			.faults = faults && house_draw(&h, 3),
			    .no_space = faults && !house_draw(&h, 3),
		};
		struct survival s = { .how = how[house_draw(&h, 3)], .seed = house_draw(&h, 1000) };

		(void)house_live(&h, &plan, house_draw(&h, 40 + 20 * plan.sessions * plan.messages),
		    &s);
	}
	(void)house_live(&h, &nothing, UINT64_MAX, &all);
	(void)house_live(&h, &nothing, UINT64_MAX, &all);
	notes_final(&h);
	(void)snprintf(where, sizeof where, "seed %llu%s", (unsigned long long)seed,
	    faults ? ", with faults" : "");
	breach(&h, where);
	house_done(&h);
}

static void
drawn_lives(void **state)
{
	(void)state;
	for (unsigned i = 0; i < seeds(150); i++)
		random_lives(i, false);
}

static void
drawn_lives_with_faults(void **state)
{
	(void)state;
	for (unsigned i = 0; i < seeds(150); i++)
		random_lives(1'000'000 + i, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_in_peace),
		cmocka_unit_test(every_operation),
		cmocka_unit_test(drawn_lives),
		cmocka_unit_test(drawn_lives_with_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
