/* SPDX-License-Identifier: ISC */
/*
 * timer_test: the wheel against a sorted list, over random times, jumps and clears.
 */
#include <stdlib.h>

#include "base/test.h"
#include "rt/clock.h"
#include "rt/timer.h"

enum { TIMERS = 300, STEPS = 4000 };

static struct {
	struct timer timer[TIMERS];
	int64_t want[TIMERS];		/* 0: not set */
	int64_t now, before;		/* the step goes from before to now */
	uint64_t x;
	int wrong, fired;
} t;

static uint64_t
draw(uint64_t n)
{
	t.x ^= t.x << 13;
	t.x ^= t.x >> 7;
	t.x ^= t.x << 17;
	return t.x % n;
}

static void fired(void *arg);

static void
set_one(size_t i)
{
	static const int64_t range[] = { 2, 70, 5000, 300'000, 50'000'000, INT64_C(1) << 41 };
	int64_t at = t.now + (int64_t)draw((uint64_t)range[draw(COUNT(range))]) - 1;

	timer_set(&t.timer[i], at, fired, &t.timer[i]);
	t.want[i] = at;
}

static void
fired(void *arg)
{
	size_t i = (size_t)((struct timer *)arg - t.timer);

	t.fired++;
	/* Not before its time, and in the first step that reaches it. */
	if (t.want[i] == 0 || t.want[i] > t.now ||
	    (t.want[i] <= t.before && t.want[i] < t.before - 1))
		t.wrong++;
	t.want[i] = 0;
	if (draw(3) == 0)
		set_one(i);
}

static int64_t
soonest(void)
{
	int64_t at = FOREVER;

	for (size_t i = 0; i < TIMERS; i++)
		if (t.want[i] != 0)
			at = deadline_min(at, t.want[i]);
	return at;
}

static void
step(void)
{
	static const uint64_t jump[] = { 1, 2, 64, 5000, 400'000, UINT64_C(1) << 33 };
	size_t i = draw(TIMERS);
	int64_t next = timers_next(), due = soonest();

	/* Never later than the truth, nor before now without reason. */
	if (next > MAX(due, t.now) || (due > t.now && next <= t.now))
		t.wrong++;
	if (draw(4) == 0) {
		timer_clear(&t.timer[i]);
		t.want[i] = 0;
	} else {
		set_one(i);
	}
	if (draw(2) == 0)
		return;
	t.before = t.now;
	t.now += (int64_t)draw(jump[draw(COUNT(jump))] + 1);
	(void)timers_expire(t.now);
	/* A callback may have set one in the past: that is for the next turn. */
	(void)timers_expire(t.now);
	(void)timers_expire(t.now);
	for (size_t k = 0; k < TIMERS; k++)
		if (t.want[k] != 0 && t.want[k] < t.before)
			t.wrong++;
}

static void
test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&t, 0, sizeof t);
		t.x = seed * UINT64_C(0x9e3779b97f4a7c15);
		t.now = t.before = 1'000'000 + (int64_t)seed * 4095;
		timers_reset(t.now);
		for (int i = 0; i < STEPS; i++)
			step();
		t_int(t.wrong, 0);
		t_true(t.fired > 100);
		/* In the end everything comes. */
		for (int i = 0; i < 100'000 && soonest() != FOREVER; i++) {
			t.before = t.now;
			t.now = MAX(t.now, timers_next());
			(void)timers_expire(t.now);
		}
		t_int(soonest(), FOREVER);
		t_int(t.wrong, 0);
	}
}

static struct {
	int64_t at[64];
	size_t n;
	int64_t now;
} order;

static void
note_time(void *arg)
{
	order.at[order.n++] = ((struct timer *)arg)->at_ms;
}

/* Within one step they come in the order of their times. */
static void
test_order(void **state)
{
	static const int64_t at[] = { 5000, 64, 1, 4096, 63, 65, 128, 4095, 4097, 262144, 262143 };
	struct timer timer[COUNT(at)] = {};

	(void)state;
	timers_reset(0);
	for (size_t i = 0; i < COUNT(at); i++)
		timer_set(&timer[i], at[i], note_time, &timer[i]);
	t_int(timers_expire(300'000), COUNT(at));
	t_int(order.n, COUNT(at));
	for (size_t i = 1; i < order.n; i++)
		t_true(order.at[i - 1] < order.at[i]);
	t_int(timers_next(), FOREVER);
}

static void
again(void *arg)
{
	order.n++;
	timer_set(arg, 0, again, arg);
}

/* One that sets itself into the past fires once a turn. */
static void
test_again(void **state)
{
	struct timer timer = {};

	(void)state;
	order.n = 0;
	timers_reset(1000);
	timer_set(&timer, 1001, again, &timer);
	t_int(timers_expire(1000), 0);
	t_int(timers_expire(1001), 1);
	t_int(timers_expire(1001), 1);
	t_int(timers_expire(1001), 1);
	t_true(timers_next() <= 1001);
	timer_clear(&timer);
	t_int(timers_expire(5000), 0);
	t_int(order.n, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
