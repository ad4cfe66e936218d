/* SPDX-License-Identifier: ISC */
/*
 * sim: the world's turn.  See sim.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/num.h"
#include "rt/loop.h"
#include "rt/sched.h"
#include "rt/sim.h"
#include "rt/simnet.h"
#include "rt/timer.h"
#include "rt/turn.h"
#include "rt/work_sim.h"

enum { UNWIND_TURNS = 1'000'000 };
#define SIM_MONO_MS INT64_C(1'000'000)
#define SIM_UNIX_MS INT64_C(1'767'225'600'000)	/* 2026-01-01T00:00:00Z */

struct world {
	uint64_t random, order;
	int64_t mono_ms, unix_ms;	/* now; unix_ms steps */
	struct simnet *net;
	struct simdisk *disk;
	void *dns;
	struct work_item *work;		/* submitted and not begun */
	size_t nwork;
	bool unwinding;
};

static struct world *world;

uint64_t
sim_random(uint64_t *state, uint64_t n)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (x * UINT64_C(0x2545f4914f6cdd1d) >> 11) % n;
}

uint64_t
world_random(struct world *w, uint64_t n)
{
	return sim_random(&w->random, n);
}

struct world *
world_now(void)
{
	return world;
}

struct simnet *
world_net(void)
{
	return world->net;
}

void
world_set_dns(struct world *w, void *dns)
{
	w->dns = dns;
}

void *
world_dns(struct world *w)
{
	return w->dns;
}

struct simdisk *
world_disk(struct world *w)
{
	return w->disk;
}

void
world_give_disk(struct world *w, struct simdisk *d)
{
	simdisk_free(w->disk);
	w->disk = d;
	simdisk_mount(d);
}

struct simdisk *
world_take_disk(struct world *w)
{
	struct simdisk *d = w->disk;

	w->disk = NULL;
	simdisk_mount(NULL);
	return d;
}

void
world_shuffle(struct world *w, bool on)
{
	sched_shuffle(on ? &w->order : NULL);
}

void
world_wall_step(struct world *w, int64_t ms)
{
	w->unix_ms += ms;
	clock_simulate(w->mono_ms, w->unix_ms);
}

static void
clock_to(struct world *w, int64_t mono_ms)
{
	w->unix_ms += mono_ms - w->mono_ms;
	w->mono_ms = mono_ms;
	clock_simulate(w->mono_ms, w->unix_ms);
}

static void
take_work(struct work_item *item)
{
	struct work_item **last = &world->work;

	while (*last != NULL)
		last = &(*last)->next;
	item->next = NULL;
	*last = item;
	world->nwork++;
}

static void
work_over(void *arg)
{
	work_simulated(arg);
}

static void
work_step_run(void *arg)
{
	struct work_item *item = arg;

	item->fn(item->arg);
	co_on_main(work_over, item);
}

/* Begins one of the submitted items, drawn. */
static void
work_step(struct world *w)
{
	struct work_item **at = &w->work, *item;

	for (uint64_t n = sim_random(&w->order, w->nwork); n > 0; n--)
		at = &(*at)->next;
	item = *at;
	*at = item->next;
	w->nwork--;
	if (co_spawn("work", work_step_run, item) == NULL)
		abort();
}

struct world *
world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof *w);

	assert(world == NULL && co_count() == 0);
	if (w == NULL)
		abort();
	w->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	w->order = (seed + 1) * UINT64_C(0xbf58476d1ce4e5b9) | 1;
	w->mono_ms = SIM_MONO_MS;
	w->unix_ms = SIM_UNIX_MS;
	world = w;
	clock_simulate(w->mono_ms, w->unix_ms);
	timers_reset(w->mono_ms);
	loop_hooks_clear();
	(void)loop_stopped();
	work_simulate(take_work);
	w->net = simnet_new(&w->random);
	w->disk = simdisk_new(seed);
	simdisk_mount(w->disk);
	return w;
}

/* One turn; true: go on. */
static bool
world_turn(struct world *w, int64_t deadline_ms, enum world_end *end)
{
	int64_t next;

	(void)timers_expire(w->mono_ms);
	sched_turn();
	if (w->disk != NULL && simdisk_crashed(w->disk) && !w->unwinding) {
		*end = WORLD_CRASHED;
		return false;
	}
	loop_hooks_run();
	if (loop_stopped()) {
		*end = WORLD_STOPPED;
		return false;
	}
	/* A slow disk most of the time, a quick one now and then. */
	if (w->nwork > 0 && (!sched_ready() || sim_random(&w->order, 8) == 0)) {
		work_step(w);
		return true;
	}
	if (sched_ready())
		return true;
	next = timers_next();
	*end = next == FOREVER ? WORLD_IDLE : WORLD_LATE;
	if (next == FOREVER || next > deadline_ms) {
		if (deadline_ms != FOREVER && next != FOREVER)
			clock_to(w, MAX(w->mono_ms, deadline_ms));
		return false;
	}
	clock_to(w, MAX(w->mono_ms, next));
	return true;
}

enum world_end
world_run_until(struct world *w, int64_t deadline_ms)
{
	enum world_end end = WORLD_IDLE;

	assert(co_self() == NULL);
	while (world_turn(w, deadline_ms, &end))
		continue;
	return end;
}

enum world_end
world_run(struct world *w)
{
	return world_run_until(w, FOREVER);
}

size_t
world_free(struct world *w)
{
	size_t left = co_count();

	w->unwinding = true;
	if (w->disk != NULL && simdisk_crashed(w->disk))
		simdisk_unwind(w->disk);
	if (left > 0 || w->nwork > 0) {
		enum world_end end;

		simnet_down(w->net);
		sched_shuffle(NULL);
		for (int n = 0; n < UNWIND_TURNS && (co_count() > 0 || w->nwork > 0); n++) {
			sched_cancel_all();
			(void)world_turn(w, FOREVER, &end);
		}
		assert(co_count() == 0);
	}
	simnet_free(w->net);
	simdisk_mount(NULL);
	simdisk_free(w->disk);
	work_simulate(NULL);
	loop_hooks_clear();
	timers_reset(0);
	clock_real();
	sched_done();
	world = NULL;
	free(w);
	return left;
}
