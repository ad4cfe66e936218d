/* SPDX-License-Identifier: ISC */
/*
 * switch_test: both switches keep callee-saved registers, alignment and the way back.
 */
#include <stdlib.h>

#include "base/test.h"
#include "rt/switch.h"

enum { SIZE = 256 * 1024, ROUNDS = 1000 };

static struct {
	struct ctx main, co;
	struct uctx umain, uco;
	int steps;
	bool aligned;
} t;

/* On a new stack: vector code needs it aligned. */
static bool
is_aligned(void)
{
	_Alignas(16) volatile char c[16] = { 1 };

	return ((uintptr_t)c & 15) == 0 && c[0] == 1;
}

static void
body(void *arg)
{
	int *steps = arg;
	double f = 0.5;

	t.aligned = is_aligned();
	for (;;) {
		f *= 2;
		*steps += f > 0;
		ctx_switch(&t.co, &t.main);
	}
}

static void
ubody(void *arg)
{
	int *steps = arg;

	for (;;) {
		++*steps;
		uctx_switch(&t.uco, &t.umain);
	}
}

/* Many live values, so that callee-saved registers are in use over the switch. */
__attribute__((noinline)) static uint64_t
mixed(void (*step)(void), uint64_t seed)
{
	uint64_t a = seed, b = seed ^ 1, c = seed + 7, d = seed * 3, e = ~seed, f = seed << 5;

	for (int i = 0; i < ROUNDS; i++) {
		if (step != NULL)
			step();
		a += b ^ c;
		b = b * 31 + d;
		c ^= e >> 3;
		d += f;
		e = e * 17 + a;
		f ^= a + (uint64_t)i;
	}
	return a ^ b ^ c ^ d ^ e ^ f;
}

static void
step_native(void)
{
	ctx_switch(&t.main, &t.co);
}

static void
step_ucontext(void)
{
	uctx_switch(&t.umain, &t.uco);
}

static void
test_native(void **state)
{
	char *stack = malloc(SIZE);

	(void)state;
	t.steps = 0;
	ctx_make(&t.co, stack, SIZE, body, &t.steps);
	t_true(mixed(step_native, 42) == mixed(NULL, 42));
	t_int(t.steps, ROUNDS);
	t_true(t.aligned);
	free(stack);
}

static void
test_ucontext(void **state)
{
	char *stack = malloc(SIZE);

	(void)state;
	t.steps = 0;
	uctx_make(&t.uco, stack, SIZE, ubody, &t.steps);
	t_true(mixed(step_ucontext, 42) == mixed(NULL, 42));
	t_int(t.steps, ROUNDS);
	free(stack);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_ucontext),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
