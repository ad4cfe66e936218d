/* SPDX-License-Identifier: ISC */
/*
 * co_test: many coroutines, wakes, deadlines, cancelling at every kind of wait, groups, stacks.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "rt/chan.h"
#include "rt/conn.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "rt/sanitize.h"
#include "rt/sched.h"
#include "rt/stack.h"
#include "rt/work.h"

enum { MANY = 10000 };

static int
up(void **state)
{
	(void)state;
	loop_init();
	work_init(2);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	work_done();
	loop_done();
	return 0;
}

static void
count_run(void *arg)
{
	int *n = arg;

	for (int i = 0; i < 3; i++)
		(void)co_yield();
	(void)co_sleep(rand() % 20);
	++*n;
}

static void
test_many(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		t_true(co_spawn("count", count_run, &n) != NULL);
	t_int(co_count(), MANY);
	loop_run();
	t_int(n, MANY);
	t_int(co_count(), 0);
}

/* Wakes and deadlines. */
static struct {
	struct co *sleeper;
	enum wake first, second, third;
	int64_t waited;
} wk;

static void
sleeper_run(void *arg)
{
	int64_t from = now_ms();

	(void)arg;
	(void)co_yield();			/* the waker wakes us while we are not parked */
	wk.first = co_park(FOREVER);
	wk.second = co_park(now_ms() + 30);
	wk.waited = now_ms() - from;
	wk.third = co_park(now_ms());
}

static void
waker_run(void *arg)
{
	(void)arg;
	co_wake(wk.sleeper);
	co_wake(wk.sleeper);
}

static void
test_wake(void **state)
{
	(void)state;
	wk.sleeper = co_spawn("sleeper", sleeper_run, NULL);
	(void)co_spawn("waker", waker_run, NULL);
	loop_run();
	t_int(wk.first, WAKE_OK);
	t_int(wk.second, WAKE_TIMEOUT);
	t_true(wk.waited >= 30 && wk.waited < 1000);
	t_int(wk.third, WAKE_TIMEOUT);
}

/* Every kind of wait answers cancelled, again and again. */
enum wait { WAIT_PARK, WAIT_SLEEP, WAIT_FD, WAIT_LINE, WAIT_FLUSH, WAIT_PUT, WAIT_GET, WAIT_GROUP,
	WAIT_ROOM, WAIT_YIELD, WAITS };

static const char *const wait_name[] = { "park", "sleep", "fd", "line", "flush", "put", "get",
	"group", "room", "yield" };

static struct {
	int pair[2];
	struct chan *full, *empty;
	bool cancelled[WAITS], again[WAITS], child_ended;
} cx;

static void
forever_run(void *arg)
{
	while (co_park(FOREVER) == WAKE_OK)
		continue;
	(void)co_sleep(1);
	*(bool *)arg = true;
}

static bool
wait_on_conn(enum wait kind)
{
	static char block[8 << 20];
	struct conn *c = conn_new(dup(cx.pair[0]));
	struct str line;
	enum io io = kind == WAIT_LINE ? conn_line(c, 100, &line)
				       : conn_write(c, str_from(block, sizeof block));

	conn_close(c);
	return io == IO_CANCELLED;
}

static bool
wait_on_group(enum wait kind)
{
	struct group *g = group_open(FOREVER);
	bool ended = false, ok = true;

	(void)group_go(g, "forever", forever_run, &ended);
	if (kind == WAIT_ROOM) {
		ok = group_room(g, 1, FOREVER) == WAKE_CANCELLED;
		group_cancel(g);
	}
	ok = group_wait(&g) == WAKE_CANCELLED && ok;
	cx.child_ended = ended;
	return ok && ended;
}

static bool
wait_once(enum wait kind)
{
	void *p;

	switch (kind) {
	case WAIT_PARK:		return co_park(FOREVER) == WAKE_CANCELLED;
	case WAIT_SLEEP:	return co_sleep(100'000) == WAKE_CANCELLED;
	case WAIT_FD:		return fd_wait(cx.pair[0], FD_READ, FOREVER) == WAKE_CANCELLED;
	case WAIT_LINE:
	case WAIT_FLUSH:	return wait_on_conn(kind);
	case WAIT_PUT:		return chan_put(cx.full, &cx, FOREVER) == IO_CANCELLED;
	case WAIT_GET:		return chan_get(cx.empty, &p, FOREVER) == IO_CANCELLED;
	case WAIT_GROUP:
	case WAIT_ROOM:		return wait_on_group(kind);
	case WAIT_YIELD:
		while (co_yield() == WAKE_OK)
			continue;
		return co_cancelled();
	case WAITS:		break;
	}
	return false;
}

static void
waits_run(void *arg)
{
	enum wait kind = *(enum wait *)arg;

	cx.cancelled[kind] = wait_once(kind);
	cx.again[kind] = wait_once(kind);
}

static void
cancel_run(void *arg)
{
	(void)co_sleep(5);
	co_cancel(arg);
}

static void
test_cancel(void **state)
{
	(void)state;
	for (enum wait kind = 0; kind < WAITS; kind++) {
		T_CASE(wait_name[kind]);
		memset(&cx, 0, sizeof cx);
		t_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, cx.pair), 0);
		cx.full = chan_new(1);
		cx.empty = chan_new(1);
		t_true(chan_try_put(cx.full, &cx));
		(void)co_spawn("cancel", cancel_run, co_spawn("waits", waits_run, &kind));
		loop_run();
		t_true(cx.cancelled[kind]);
		t_true(cx.again[kind]);
		fd_forget(cx.pair[0]);
		(void)close(cx.pair[0]);
		(void)close(cx.pair[1]);
		chan_free(cx.full);
		chan_free(cx.empty);
	}
}

/* work_call is not broken off. */
static void
slow(void *arg)
{
	usleep(30'000);
	*(bool *)arg = true;
}

static void
work_run(void *arg)
{
	bool done = false;

	work_call(slow, &done);
	*(int *)arg = done && co_cancelled() && co_park(FOREVER) == WAKE_CANCELLED;
}

static void
test_work(void **state)
{
	int ok = 0;

	(void)state;
	(void)co_spawn("cancel", cancel_run, co_spawn("work", work_run, &ok));
	loop_run();
	t_int(ok, 1);
}

struct batch {
	struct work_item item[200];
	int ran[200], done;
};

static void
batch_fn(void *arg)
{
	++*(int *)arg;
}

static struct batch batch;

static void
batch_done(void *arg)
{
	batch.done += *(int *)arg == 1;
}

static void
test_submit(void **state)
{
	(void)state;
	batch = (struct batch){};
	for (size_t i = 0; i < COUNT(batch.item); i++) {
		batch.item[i] = (struct work_item){ .fn = batch_fn, .done = batch_done,
		    .arg = &batch.ran[i] };
		work_submit(&batch.item[i]);
	}
	loop_run();
	t_int(batch.done, COUNT(batch.item));
	t_int(work_pending(), 0);
}

/* Groups. */
static struct {
	int ended;
	enum wake deadline, plain;
	int ended_at_return, most;
} gr;

static void
child_run(void *arg)
{
	(void)co_sleep(*(int *)arg);
	gr.ended++;
}

static void
parent_run(void *arg)
{
	static int quick = 2, slow_ms = 60'000;
	struct group *g = group_open(FOREVER);

	(void)arg;
	for (int i = 0; i < 20; i++) {
		(void)group_room(g, 5, FOREVER);
		(void)group_go(g, "child", child_run, &quick);
		gr.most = MAX(gr.most, (int)group_count(g));
	}
	gr.plain = group_wait(&g);
	g = group_open(now_ms() + 20);
	(void)group_go(g, "child", child_run, &quick);
	(void)group_go(g, "child", child_run, &slow_ms);
	gr.deadline = group_wait(&g);
	gr.ended_at_return = gr.ended;
}

static void
test_group(void **state)
{
	(void)state;
	(void)co_spawn("parent", parent_run, NULL);
	loop_run();
	t_int(gr.plain, WAKE_OK);
	t_int(gr.most, 5);
	t_int(gr.deadline, WAKE_TIMEOUT);
	t_int(gr.ended_at_return, 22);
}

/* Deferred calls, arena, calls on the loop's stack. */
static struct {
	char order[16];
	size_t n;
	bool on_main, back;
} df;

static void
note(void *arg)
{
	df.order[df.n++] = *(const char *)arg;
}

static void
note_main(void *arg)
{
	df.on_main = co_self() == NULL;
	*(bool *)arg = true;
}

static void
defer_run(void *arg)
{
	bool called = false;

	(void)arg;
	for (const char *p = "abcdefg"; *p != '\0'; p++)
		co_defer(note, (void *)(uintptr_t)p);
	(void)str_dup(co_arena(), STR("kept"));
	co_on_main(note_main, &called);
	df.back = called && co_self() != NULL;
	note((void *)(uintptr_t)"z");
}

static void
test_defer(void **state)
{
	(void)state;
	(void)co_spawn("defer", defer_run, NULL);
	loop_run();
	t_str(str_from(df.order, df.n), "zgfedcba");
	t_true(df.on_main && df.back);
}

/* Stacks: an overflow meets the guard. */
__attribute__((noinline)) static void
dig(size_t depth, volatile char *above)
{
	volatile char c[1024];

	c[0] = above != NULL ? above[0] : 1;
	if (depth > 0)
		dig(depth - 1, c);
	if (above != NULL)
		above[1] = c[1];
}

static void
overflow_run(void *arg)
{
	dig(10 * STACK_SIZE_DEFAULT / 1024, arg);
}

static void
test_overflow(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		char n[2];

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)close(STDERR_FILENO);
		(void)co_spawn("overflow", overflow_run, n);
		sched_turn();
		_exit(0);
	}
	t_int(waitpid(pid, &status, 0), pid);
	t_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#ifndef RT_ASAN
	t_int(WTERMSIG(status), SIGSEGV);
#endif
}

static void
left_run(void *arg)
{
	*(size_t *)arg = co_stack_left();
}

static void
test_stack_left(void **state)
{
	size_t left = 0;

	(void)state;
	(void)co_spawn("left", left_run, &left);
	loop_run();
	t_true(left > STACK_SIZE_DEFAULT - 4096 && left < STACK_SIZE_DEFAULT);
	t_int(stacks_out(), 0);
}

/* Pages of long waiters go back, and what is in use stays. */
static void
trimmed_run(void *arg)
{
	volatile char kept[256];

	dig(24, NULL);
	for (size_t i = 0; i < sizeof kept; i++)
		kept[i] = (char)i;
	(void)co_sleep(30);
	for (size_t i = 0; i < sizeof kept; i++)
		*(int *)arg += kept[i] == (char)i;
	dig(24, NULL);
}

static void
trim_run(void *arg)
{
	(void)co_sleep(10);
	*(size_t *)arg = sched_trim(now_ms() - 5, 100);
}

static void
test_trim(void **state)
{
	int kept = 0;
	size_t n = 0;

	(void)state;
	(void)co_spawn("trimmed", trimmed_run, &kept);
	(void)co_spawn("trim", trim_run, &n);
	loop_run();
	t_int(n, 1);
	t_int(kept, 256);
}

/* A channel hands everything on, in order, between several of each side. */
static struct {
	struct chan *ch;
	uintptr_t sum, got;
	int ends;
} cc;

static void
put_run(void *arg)
{
	uintptr_t from = (uintptr_t)arg;

	for (uintptr_t i = 0; i < 100; i++)
		(void)chan_put(cc.ch, (void *)(from + i), FOREVER);
}

static void
get_run(void *arg)
{
	void *p;

	(void)arg;
	while (chan_get(cc.ch, &p, FOREVER) == IO_OK) {
		cc.sum += (uintptr_t)p;
		cc.got++;
	}
	cc.ends++;
}

static void
chan_close_run(void *arg)
{
	struct group *g = group_open(FOREVER);

	(void)arg;
	for (uintptr_t i = 0; i < 4; i++)
		(void)group_go(g, "put", put_run, (void *)(i * 1000 + 1));
	(void)group_wait(&g);
	chan_close(cc.ch);
}

static void
test_chan(void **state)
{
	uintptr_t want = 0;

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		for (uintptr_t j = 0; j < 100; j++)
			want += i * 1000 + 1 + j;
	cc.ch = chan_new(3);
	for (int i = 0; i < 3; i++)
		(void)co_spawn("get", get_run, NULL);
	(void)co_spawn("close", chan_close_run, NULL);
	loop_run();
	t_int(cc.got, 400);
	t_int(cc.sum, want);
	t_int(cc.ends, 3);
	t_false(chan_try_put(cc.ch, &cc));
	chan_free(cc.ch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many, up, down),
		cmocka_unit_test_setup_teardown(test_wake, up, down),
		cmocka_unit_test_setup_teardown(test_cancel, up, down),
		cmocka_unit_test_setup_teardown(test_work, up, down),
		cmocka_unit_test_setup_teardown(test_submit, up, down),
		cmocka_unit_test_setup_teardown(test_group, up, down),
		cmocka_unit_test_setup_teardown(test_defer, up, down),
		cmocka_unit_test_setup_teardown(test_overflow, up, down),
		cmocka_unit_test_setup_teardown(test_stack_left, up, down),
		cmocka_unit_test_setup_teardown(test_trim, up, down),
		cmocka_unit_test_setup_teardown(test_chan, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
