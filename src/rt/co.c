/* SPDX-License-Identifier: ISC */
/*
 * co: the scheduler.
 *
 * Switching goes always between the loop's stack and a coroutine's.  struct co lies at the top of
 * its own stack, so that an idle coroutine is one page.  States:
 *
 *	spawn -> READY -> RUNNING -> PARKED -> READY ...      RUNNING -> ENDED
 *
 * READY ones are in sched.ready; PARKED ones in sched.parked in the order they parked, until
 * sched_trim has given their unused pages back.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/num.h"
#include "rt/sanitize.h"
#include "rt/sched.h"
#include "rt/stack.h"
#include "rt/switch.h"
#include "rt/timer.h"

enum co_state { CO_READY, CO_RUNNING, CO_PARKED, CO_ENDED };
enum { MAGIC = 0x60c0'40e5, DEFER_INLINE = 4, ARENA_MAX = 4 << 20, WORK_MAX = 256 << 10 };

struct defer {
	struct defer *next;
	void (*fn)(void *arg);
	void *arg;
};

struct co {
	struct ctx ctx;
	struct link ready;		/* in sched.ready */
	struct link idle;		/* in sched.parked */
	struct link all;		/* in sched.all */
	struct link sibling;		/* in its group */
	struct timer timer;
	unsigned magic;
	enum co_state state;
	bool cancelled, woken, hard, timed_out;
	int64_t parked_ms;
	size_t worked;
	struct stack *stack;
	struct group *group;
	const char *name;
	void (*fn)(void *arg);
	void *arg, *fake;
	struct defer *defers;
	struct defer defer_slot[DEFER_INLINE];
	unsigned ndefer;
	struct arena arena;
};

static struct {
	struct ctx main;
	struct co *running;
	struct link ready, parked, all;
	size_t nready, count;
	uint64_t *random;
	void (*main_fn)(void *arg);
	void *main_arg;
	const void *main_low;		/* for the sanitizer */
	size_t main_size;
	bool up, halted;
} sched;

static void
sched_init(void)
{
	link_init(&sched.ready);
	link_init(&sched.parked);
	link_init(&sched.all);
	sched.up = true;
}

struct co *
co_self(void)
{
	return sched.running;
}

const char *
co_name(const struct co *co)
{
	return co->name;
}

size_t
co_count(void)
{
	return sched.count;
}

static void
make_ready(struct co *co)
{
	if (co->state == CO_PARKED && link_linked(&co->idle))
		list_remove(&co->idle);
	co->state = CO_READY;
	list_push(&sched.ready, &co->ready);
	sched.nready++;
}

/* To the loop's stack; comes back when the scheduler runs us again. */
static void
leave(struct co *co)
{
	fiber_leave(co->state == CO_ENDED ? NULL : &co->fake, sched.main_low, sched.main_size);
	ctx_switch(&co->ctx, &sched.main);
	fiber_arrive(co->fake, NULL, NULL);
}

static void
run_defers(struct co *co)
{
	while (co->defers != NULL) {
		struct defer *d = co->defers;

		co->defers = d->next;
		d->fn(d->arg);
	}
}

/* The first function on each stack. */
static void
co_body(void *arg)
{
	struct co *co = arg;

	fiber_arrive(NULL, &sched.main_low, &sched.main_size);
	co->fn(co->arg);
	run_defers(co);
	arena_done(&co->arena);
	timer_clear(&co->timer);
	list_remove(&co->all);
	sched.count--;
	if (co->group != NULL)
		group_left(co->group, co);
	co->magic = 0;
	co->state = CO_ENDED;
	leave(co);
	abort();
}

struct co *
co_spawn_in(struct group *g, const char *name, void (*fn)(void *), void *arg)
{
	struct stack *s = stack_get();
	struct co *co;
	size_t room;

	if (s == NULL)
		return NULL;
	if (!sched.up)
		sched_init();
	room = (s->size - sizeof *co) & ~(size_t)63;
	co = (struct co *)(void *)(s->low + room);
	*co = (struct co){ .magic = MAGIC, .stack = s, .group = g, .name = name, .fn = fn,
	    .arg = arg };
	arena_init(&co->arena, ARENA_MAX);
	link_init(&co->sibling);
	link_init(&co->idle);
	ctx_make(&co->ctx, s->low, room, co_body, co);
	list_push(&sched.all, &co->all);
	sched.count++;
	make_ready(co);
	return co;
}

struct co *
co_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	return co_spawn_in(NULL, name, fn, arg);
}

struct link *
co_sibling(struct co *co)
{
	return &co->sibling;
}

struct co *
co_of_sibling(struct link *l)
{
	return CONTAINER_OF(l, struct co, sibling);
}

static void
on_deadline(void *arg)
{
	struct co *co = arg;

	co->timed_out = true;
	if (co->state == CO_PARKED)
		make_ready(co);
}

enum wake
co_park(int64_t deadline_ms)
{
	struct co *co = sched.running;

	assert(co != NULL);
	if (co->cancelled)
		return WAKE_CANCELLED;
	if (co->woken) {
		co->woken = false;
		return WAKE_OK;
	}
	if (deadline_ms <= now_ms())
		return WAKE_TIMEOUT;
	co->timed_out = co->hard = false;
	if (deadline_ms != FOREVER)
		timer_set(&co->timer, deadline_ms, on_deadline, co);
	co->state = CO_PARKED;
	co->parked_ms = now_ms();
	list_push(&sched.parked, &co->idle);
	leave(co);
	timer_clear(&co->timer);
	if (co->cancelled)
		return WAKE_CANCELLED;
	if (co->woken) {
		co->woken = false;
		return WAKE_OK;
	}
	return WAKE_TIMEOUT;
}

void
co_park_hard(void)
{
	struct co *co = sched.running;

	assert(co != NULL);
	while (!co->woken) {
		co->hard = true;
		co->state = CO_PARKED;
		co->parked_ms = now_ms();
		list_push(&sched.parked, &co->idle);
		leave(co);
	}
	co->woken = co->hard = false;
}

void
co_wake(struct co *co)
{
	assert(co->magic == MAGIC);
	co->woken = true;
	if (co->state == CO_PARKED)
		make_ready(co);
}

void
co_cancel(struct co *co)
{
	assert(co->magic == MAGIC);
	co->cancelled = true;
	if (co->state == CO_PARKED && !co->hard)
		make_ready(co);
}

bool
co_cancelled(void)
{
	return sched.running != NULL && sched.running->cancelled;
}

enum wake
co_yield(void)
{
	struct co *co = sched.running;

	assert(co != NULL);
	make_ready(co);
	leave(co);
	return co->cancelled ? WAKE_CANCELLED : WAKE_OK;
}

enum wake
co_sleep(int64_t ms)
{
	int64_t until = deadline_in(ms);
	enum wake w;

	do
		w = co_park(until);
	while (w == WAKE_OK);
	return w == WAKE_TIMEOUT ? WAKE_OK : w;
}

void
co_worked(size_t n)
{
	struct co *co = sched.running;

	if (co == NULL)
		return;
	co->worked += n;
	if (co->worked >= WORK_MAX)
		(void)co_yield();
}

void
co_defer(void (*fn)(void *arg), void *arg)
{
	struct co *co = sched.running;
	struct defer *d;

	assert(co != NULL);
	d = co->ndefer < DEFER_INLINE ? &co->defer_slot[co->ndefer]
				      : arena_alloc(&co->arena, sizeof *d);
	if (d == NULL)
		abort();
	co->ndefer++;
	*d = (struct defer){ .next = co->defers, .fn = fn, .arg = arg };
	co->defers = d;
}

struct arena *
co_arena(void)
{
	assert(sched.running != NULL);
	return &sched.running->arena;
}

void
co_on_main(void (*fn)(void *arg), void *arg)
{
	struct co *co = sched.running;

	if (co == NULL) {
		fn(arg);
		return;
	}
	sched.main_fn = fn;
	sched.main_arg = arg;
	leave(co);
}

void
co_set_stack_kb(unsigned kb)
{
	stacks_size((size_t)kb * 1024);
}

size_t
co_stack_left(void)
{
	struct co *co = sched.running;

	char *here = __builtin_frame_address(0);

	return co == NULL ? SIZE_MAX : (size_t)(here - co->stack->low);
}

/* Runs co until it suspends or ends; calls on its behalf run here, in between. */
static void
enter(struct co *co)
{
	void *fake = NULL;

	co->state = CO_RUNNING;
	co->worked = 0;
	for (;;) {
		sched.running = co;
		fiber_leave(&fake, co->stack->low, co->stack->size);
		ctx_switch(&sched.main, &co->ctx);
		fiber_arrive(fake, NULL, NULL);
		sched.running = NULL;
		if (sched.main_fn == NULL)
			break;

		void (*fn)(void *) = sched.main_fn;

		sched.main_fn = NULL;
		fn(sched.main_arg);
	}
	if (co->state == CO_ENDED)
		stack_put(co->stack);
}

static struct co *
pick(void)
{
	struct link *l = list_first(&sched.ready);

	if (sched.random != NULL) {
		/* xorshift64*: good enough to order coroutines */
		uint64_t x = *sched.random;

		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		*sched.random = x;
		for (uint64_t n = (x * UINT64_C(0x2545f4914f6cdd1d)) % sched.nready; n > 0; n--)
			l = l->next;
	}
	list_remove(l);
	sched.nready--;
	return CONTAINER_OF(l, struct co, ready);
}

void
sched_turn(void)
{
	size_t n = sched.random != NULL ? MIN(sched.nready, (size_t)1) : sched.nready;

	assert(sched.running == NULL);
	for (; n > 0 && !sched.halted; n--)
		enter(pick());
}

void
sched_halt(bool on)
{
	sched.halted = on;
}

bool
sched_ready(void)
{
	return sched.nready > 0;
}

void
sched_shuffle(uint64_t *random)
{
	sched.random = random;
}

bool
sched_parked(void)
{
	return sched.up && !list_empty(&sched.parked);
}

size_t
sched_trim(int64_t parked_before_ms, size_t at_most)
{
	size_t n = 0;

	while (sched.up && n < at_most && !list_empty(&sched.parked)) {
		struct co *co = CONTAINER_OF(list_first(&sched.parked), struct co, idle);

		if (co->parked_ms >= parked_before_ms)
			break;
		list_remove(&co->idle);
		if (ctx_sp(&co->ctx) != NULL)
			stack_trim(co->stack, ctx_sp(&co->ctx));
		n++;
	}
	return n;
}

void
sched_cancel_all(void)
{
	if (!sched.up)
		return;
	LIST_EACH(l, &sched.all)
		co_cancel(CONTAINER_OF(l, struct co, all));
}

void
sched_done(void)
{
	assert(sched.count == 0);
	sched.random = NULL;
	sched.halted = false;
	stacks_done();
}
