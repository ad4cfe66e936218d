/* SPDX-License-Identifier: ISC */
/*
 * arena_test: alignment, limit, reset, the copies.
 *
 * Every block is filled, so that overlap shows.
 */
#include "base/arena.h"
#include "base/test.h"

static void
test_blocks(void **state)
{
	struct arena a;
	unsigned char *block[200];

	(void)state;
	arena_init(&a, 10'000'000);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT(block); i++) {
			block[i] = arena_alloc(&a, i * 37);
			t_true(block[i] != NULL);
			t_int((uintptr_t)block[i] % 8, 0);
			memset(block[i], (int)i, i * 37);
		}
		for (size_t i = 0; i < COUNT(block); i++)
			for (size_t k = 0; k < i * 37; k++)
				t_int(block[i][k], (unsigned char)i);
		arena_reset(&a);
		t_true(a.chunk == NULL);
		t_int(a.used, 0);
	}
	arena_done(&a);
	arena_trim();
}

static void
test_limit(void **state)
{
	struct arena a, none = {};

	(void)state;
	arena_init(&a, 100);
	t_true(arena_alloc(&a, 96) != NULL);
	t_true(arena_alloc(&a, 5) == NULL);
	t_true(arena_alloc(&a, SIZE_MAX) == NULL);
	t_true(arena_alloc(&a, SIZE_MAX - 6) == NULL);
	t_true(str_dup(&a, STR("too long")).p == NULL);
	arena_reset(&a);
	t_true(arena_alloc(&a, 101) == NULL);
	t_true(arena_alloc(&a, 8) != NULL);
	t_true(arena_alloc(&a, 8) != NULL);
	arena_done(&a);
	t_true(arena_alloc(&none, 1) == NULL);
	arena_trim();
}

static void
test_big_keeps_room(void **state)
{
	struct arena a;
	char *x, *y;

	(void)state;
	arena_init(&a, 1'000'000);
	x = arena_alloc(&a, 8);
	t_true(arena_alloc(&a, 100'000) != NULL);
	y = arena_alloc(&a, 8);
	t_int(y - x, 8);
	arena_done(&a);
	arena_init(&a, 1'000'000);
	memset(arena_alloc(&a, 100'000), 1, 100'000);
	memset(arena_alloc(&a, 500), 2, 500);
	arena_done(&a);
	arena_trim();
}

static void
test_copies(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 10'000);
	t_str(str_dup(&a, STR("abc")), "abc");
	t_str(str_cat(&a, STR("a"), (struct str){}, STR("bc")), "abc");
	t_str(str_lower(&a, STR("AbC.\xc4")), "abc.\xc4");
	t_str(str_fmt(&a, "%d-%s", 5, "x"), "5-x");
	t_int(strlen(str_z(&a, STR("abc"))), 3);
	arena_done(&a);
	arena_trim();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_big_keeps_room), cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
