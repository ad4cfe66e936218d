/* SPDX-License-Identifier: ISC */
/*
 * clock: the two cached clocks.  See clock.h.
 */
#include <time.h>

#include "rt/clock.h"

static struct {
	int64_t mono, wall;
	bool simulated;
} clock_now;

static int64_t
clock_read_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1'000'000 + ts.tv_nsec / 1000;
}

void
clock_refresh(void)
{
	int64_t mono;

	if (clock_now.simulated)
		return;
	mono = clock_read_us(CLOCK_MONOTONIC) / 1000;
	if (mono > clock_now.mono)
		clock_now.mono = mono;
	clock_now.wall = clock_read_us(CLOCK_REALTIME) / 1000;
}

int64_t
now_ms(void)
{
	if (clock_now.mono == 0)
		clock_refresh();
	return clock_now.mono;
}

int64_t
wall_ms(void)
{
	if (clock_now.mono == 0)
		clock_refresh();
	return clock_now.wall;
}

int64_t
clock_us(void)
{
	return clock_now.simulated ? clock_now.mono * 1000 : clock_read_us(CLOCK_MONOTONIC);
}

int64_t
deadline_in(int64_t ms)
{
	int64_t at;

	return __builtin_add_overflow(now_ms(), ms, &at) ? FOREVER : at;
}

void
clock_simulate(int64_t mono_ms, int64_t unix_ms)
{
	clock_now.simulated = true;
	clock_now.mono = mono_ms;
	clock_now.wall = unix_ms;
}

void
clock_real(void)
{
	clock_now.simulated = false;
	clock_now.mono = 0;
}

bool
clock_is_simulated(void)
{
	return clock_now.simulated;
}
