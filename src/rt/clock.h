/* SPDX-License-Identifier: ISC */
/*
 * clock: what time it is, read once per turn of the loop.
 *
 * 1. now_ms never steps back; deadlines are points on it.  wall_ms is Unix time and may step.
 * 2. Between two suspensions both stand still, so that one turn's decisions agree.
 * 3. In a simulated world both come from the world; nothing below this file asks the kernel.
 */
#ifndef RT_CLOCK_H
#define RT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define FOREVER INT64_MAX

/* Milliseconds of the monotonic clock, as of this turn. */
int64_t now_ms(void);

/* Milliseconds since 1970, as of this turn. */
int64_t wall_ms(void);

/* Reads both clocks anew; the loop does so once a turn, long computations may. */
void clock_refresh(void);

/* Microseconds of the monotonic clock, not cached: for measuring only. */
int64_t clock_us(void);

/* now_ms() + ms, or FOREVER when that is what ms says. */
int64_t deadline_in(int64_t ms);

/* The sooner of two deadlines. */
static inline int64_t
deadline_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Simulated worlds only: from now on the clock stands at these until set again. */
void clock_simulate(int64_t mono_ms, int64_t unix_ms);

/* Back to the kernel's clocks. */
void clock_real(void);

bool clock_is_simulated(void);

#endif
