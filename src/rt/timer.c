/* SPDX-License-Identifier: ISC */
/*
 * timer: the wheel.  Eight levels of 64 slots; a slot of level l is 64^l ms wide.
 *
 * 1. wheel.tick is the next millisecond to be expired.  A timer stands at the level of the highest
 *    six-bit digit in which its time differs from the tick, in the slot of that digit.
 * 2. So everything on a level comes before everything on the levels above, and the lowest bit of
 *    the lowest occupied level is the next slot.
 * 3. When the tick enters a slot above level 0, that slot is dealt out anew at once (advance).
 * 4. Times that have passed stand in `due`.
 */
#include <assert.h>
#include <stddef.h>

#include "rt/clock.h"
#include "rt/timer.h"

enum { LEVELS = 8, BITS = 6, SLOTS = 1 << BITS, LEVEL_DUE = 0xff };
static const int64_t SPAN_MAX = INT64_C(1) << (LEVELS * BITS - 1);

static struct {
	int64_t tick;
	uint64_t occupied[LEVELS];
	struct link slot[LEVELS][SLOTS];
	struct link due;
	bool up;
} wheel;

void
timers_reset(int64_t now)
{
	for (unsigned l = 0; l < LEVELS; l++) {
		wheel.occupied[l] = 0;
		for (unsigned s = 0; s < SLOTS; s++)
			link_init(&wheel.slot[l][s]);
	}
	link_init(&wheel.due);
	wheel.tick = now;
	wheel.up = true;
}

static void
place(struct timer *t)
{
	int64_t at = t->at_ms;
	unsigned level = 0;
	uint64_t differ;

	if (at < wheel.tick) {
		t->level = LEVEL_DUE;
		list_push(&wheel.due, &t->link);
		return;
	}
	if (at - wheel.tick > SPAN_MAX)
		at = wheel.tick + SPAN_MAX;		/* dealt out again when it comes near */
	differ = (uint64_t)at ^ (uint64_t)wheel.tick;
	if (differ != 0)
		level = (63 - (unsigned)__builtin_clzll(differ)) / BITS;
	if (level >= LEVELS) {		/* the tick is about to enter a new top slot */
		level = LEVELS - 1;
		at = wheel.tick | ((INT64_C(1) << (LEVELS * BITS)) - 1);
	}
	t->level = (uint8_t)level;
	t->slot = (uint8_t)((uint64_t)at >> (level * BITS) & (SLOTS - 1));
	wheel.occupied[level] |= UINT64_C(1) << t->slot;
	list_push(&wheel.slot[level][t->slot], &t->link);
}

void
timer_set(struct timer *t, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	if (!wheel.up)
		timers_reset(now_ms());
	timer_clear(t);
	t->at_ms = at_ms;
	t->fn = fn;
	t->arg = arg;
	t->set = true;
	place(t);
}

void
timer_clear(struct timer *t)
{
	if (!t->set)
		return;
	t->set = false;
	list_remove(&t->link);
	if (t->level != LEVEL_DUE && list_empty(&wheel.slot[t->level][t->slot]))
		wheel.occupied[t->level] &= ~(UINT64_C(1) << t->slot);
}

/* Moves all of one slot behind `to`. */
static void
take_slot(unsigned level, unsigned slot, struct link *to)
{
	struct link *l;

	wheel.occupied[level] &= ~(UINT64_C(1) << slot);
	while ((l = list_pop(&wheel.slot[level][slot])) != NULL) {
		CONTAINER_OF(l, struct timer, link)->level = LEVEL_DUE;
		list_push(to, l);
	}
}

static void
advance(int64_t tick)
{
	struct link moved, *l;

	wheel.tick = tick;
	link_init(&moved);
	for (unsigned level = LEVELS - 1; level > 0; level--) {
		unsigned slot = (unsigned)((uint64_t)tick >> (level * BITS) & (SLOTS - 1));

		if (wheel.occupied[level] & UINT64_C(1) << slot)
			take_slot(level, slot, &moved);
	}
	while ((l = list_pop(&moved)) != NULL)
		place(CONTAINER_OF(l, struct timer, link));
}

/* The beginning of the next occupied slot; FOREVER: none. */
static int64_t
next_slot(unsigned *level)
{
	for (unsigned l = 0; l < LEVELS; l++) {
		uint64_t below = (UINT64_C(1) << ((l + 1) * BITS)) - 1;

		if (wheel.occupied[l] == 0)
			continue;
		*level = l;
		return (int64_t)(((uint64_t)wheel.tick & ~below) |
		    (uint64_t)__builtin_ctzll(wheel.occupied[l]) << (l * BITS));
	}
	return FOREVER;
}

static unsigned
fire(struct link *list)
{
	struct link *l;
	unsigned n = 0;

	while ((l = list_pop(list)) != NULL) {
		struct timer *t = CONTAINER_OF(l, struct timer, link);

		if (t->at_ms >= wheel.tick) {		/* was beyond the wheel */
			place(t);
			continue;
		}
		t->set = false;
		t->fn(t->arg);
		n++;
	}
	return n;
}

unsigned
timers_expire(int64_t now)
{
	struct link ready, *l;
	unsigned n = 0, level = 0;
	int64_t at;

	if (!wheel.up)
		timers_reset(now);
	link_init(&ready);
	while ((l = list_pop(&wheel.due)) != NULL)
		list_push(&ready, l);
	n += fire(&ready);
	while (wheel.tick <= now && (at = next_slot(&level)) <= now) {
		if (at > wheel.tick)
			advance(at);
		if (level > 0)
			continue;
		take_slot(0, (unsigned)((uint64_t)at & (SLOTS - 1)), &ready);
		advance(at + 1);
		n += fire(&ready);
	}
	if (wheel.tick <= now)
		advance(now + 1);
	return n;
}

int64_t
timers_next(void)
{
	unsigned level;

	if (!wheel.up)
		return FOREVER;
	if (!list_empty(&wheel.due))
		return wheel.tick - 1;
	return next_slot(&level);
}
