/* SPDX-License-Identifier: ISC */
/*
 * break_test: every sync, rename and write that break.h can leave out is needed: without it the
 * crash test finds a breach within a bounded number of power cuts; with all of them it finds none.
 *
 * Built with the spool's sources compiled again under SPOOL_BREAK.
 */
#include <stdlib.h>

#include "base/test.h"
#include "spool/break.h"
#include "spool/house.h"

unsigned spool_break_now;

enum { TRIES = 4000, QUIET_TRIES = 150 };

static const char *const names[BREAK_END] = {
	[BREAK_NONE] = "nothing left out",
	[BREAK_COMMIT_SYNC] = "sync of a commit",
	[BREAK_SEAL_WRITE] = "seal of a refused commit",
	[BREAK_BIG_SYNC] = "sync of a big file",
	[BREAK_CREATE_SYNC] = "sync of a new file",
	[BREAK_CREATE_RENAME] = "rename of a new file",
	[BREAK_CREATE_DIR_SYNC] = "sync of a new file's directory",
	[BREAK_MKDIR_SYNC] = "sync of the spool directory",
	[BREAK_RECYCLE_WRITE] = "new head of a recycled file",
	[BREAK_RECYCLE_SYNC] = "sync of the new head",
	[BREAK_ZERO_SYNC] = "sync of zeros",
	[BREAK_CLOCK_WRITE] = "clock mark",
	[BREAK_CLOCK_SYNC] = "sync of the clock mark",
	[BREAK_JOURNAL_SYNC] = "sync of the journal",
	[BREAK_JOURNAL_WRITE] = "write of the journal",
	[BREAK_CHECKPOINT_WRITE] = "checkpoint record",
	[BREAK_CHECKPOINT_SYNC] = "sync of a checkpoint",
	[BREAK_FINISH_WRITE] = "record of a finished segment",
	[BREAK_FINISH_SYNC] = "journal sync before a file is given back",
};

/* One house with drawn lives; what it breached, or NULL. */
static const char *
try_once(uint64_t seed, bool faults)
{
	static const enum survive how[] = { SURVIVE_NONE, SURVIVE_RANDOM, SURVIVE_RANDOM };
	static const struct house_plan nothing = {};
	struct survival all = { .how = SURVIVE_ALL };
	struct house h;
	const char *bad;

	house_init(&h, seed);
	for (unsigned lives = 1 + (unsigned)(seed % 3); lives > 0 && !h.bad; lives--) {
		struct house_plan plan = {
			.sessions = 1 + (unsigned)house_draw(&h, 6),
			.messages = 1 + (unsigned)house_draw(&h, 12), .faults = faults,
		};
		struct survival s = { .how = how[house_draw(&h, 3)],
			.seed = house_draw(&h, 1'000'000) };

		(void)house_live(&h, &plan, house_draw(&h, 40 + 20 * plan.sessions * plan.messages),
		    &s);
	}
	if (!h.bad)
		(void)house_live(&h, &nothing, UINT64_MAX, &all);
	if (!h.bad)
		(void)house_live(&h, &nothing, UINT64_MAX, &all);
	notes_final(&h);
	bad = h.bad;
	house_done(&h);
	return bad;
}

static void
every_break_is_found(void **state)
{
	(void)state;
	for (spool_break_now = 1; spool_break_now < BREAK_END; spool_break_now++) {
		const char *bad = NULL;
		unsigned n = 0;

		T_CASE(names[spool_break_now]);
		while (n < TRIES && !bad)
			bad = try_once(n++, spool_break_now == BREAK_SEAL_WRITE);
		print_message("without %s: after %u tries: %s\n", names[spool_break_now], n,
		    bad ? bad : "nothing");
		t_true(bad != NULL);
	}
}

static void
unbroken_is_quiet(void **state)
{
	(void)state;
	spool_break_now = BREAK_NONE;
	T_CASE(names[BREAK_NONE]);
	for (unsigned n = 0; n < QUIET_TRIES; n++) {
		t_true(try_once(n, false) == NULL);
		t_true(try_once(n, true) == NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unbroken_is_quiet),
		cmocka_unit_test(every_break_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
