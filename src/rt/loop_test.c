/* SPDX-License-Identifier: ISC */
/*
 * loop_test: signals, watches, hooks, timers, stopping, and descriptors whose number lives again.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "rt/loop.h"
#include "rt/timer.h"

static int
up(void **state)
{
	(void)state;
	loop_init();
	return 0;
}

static int
down(void **state)
{
	(void)state;
	loop_done();
	return 0;
}

static int seen[65];

static void
on_signal(void *arg, int signo)
{
	seen[signo]++;
	if (++*(int *)arg == 2)
		loop_stop();
}

static void
raise_later(void *arg)
{
	(void)arg;
	(void)raise(SIGUSR1);
	(void)raise(SIGHUP);
}

static void
test_signals(void **state)
{
	struct timer t = {};
	int n = 0;

	(void)state;
	memset(seen, 0, sizeof seen);
	loop_signal(SIGUSR1, on_signal, &n);
	loop_signal(SIGHUP, on_signal, &n);
	timer_set(&t, now_ms() + 5, raise_later, NULL);
	loop_hold();
	loop_run();
	loop_release();
	t_int(seen[SIGUSR1], 1);
	t_int(seen[SIGHUP], 1);
}

/* A level-triggered watch is called as long as there is something. */
static struct {
	struct fd_watch w;
	int calls, hooks;
	unsigned ready;
} lv;

static void
read_one(void *arg, unsigned ready)
{
	char c;

	(void)arg;
	lv.ready |= ready;
	lv.calls++;
	if (read(lv.w.fd, &c, 1) != 1) {
		fd_watch_clear(&lv.w);
		loop_stop();
	}
}

static void
count_hook(void *arg)
{
	(void)arg;
	lv.hooks++;
}

static void
test_watch(void **state)
{
	int pair[2];

	(void)state;
	memset(&lv, 0, sizeof lv);
	t_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	t_int(write(pair[1], "abc", 3), 3);
	(void)close(pair[1]);
	lv.w = (struct fd_watch){ .fd = pair[0], .what = FD_READ, .fn = read_one };
	t_true(fd_watch_set(&lv.w));
	loop_hook(count_hook, NULL);
	loop_hold();
	loop_run();
	t_int(lv.calls, 4);
	t_int(lv.ready, FD_READ);
	t_true(lv.hooks >= 4);
	loop_unhook(count_hook, NULL);
	lv.hooks = 0;
	t_false(loop_run_until(now_ms() + 5));
	t_int(lv.hooks, 0);
	loop_release();
	(void)close(pair[0]);
}

/* Of two events of one batch the first closes the other's descriptor and opens its successor. */
static struct {
	struct fd_watch w[2], next;
	int stale, called, other[2];
} st;

static void
stale(void *arg, unsigned ready)
{
	(void)arg;
	(void)ready;
	st.stale++;
}

static void
replace(void *arg, unsigned ready)
{
	size_t me = (size_t)((struct fd_watch *)arg - st.w);
	int fd = st.w[1 - me].fd;

	(void)ready;
	st.called++;
	fd_watch_clear(&st.w[0]);
	fd_watch_clear(&st.w[1]);
	(void)close(fd);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, st.other) == -1)
		return;
	st.next = (struct fd_watch){ .fd = st.other[0], .what = FD_READ, .fn = stale };
	if (st.other[0] == fd && fd_watch_set(&st.next))
		st.called++;
}

static void
test_successor(void **state)
{
	int a[2], b[2];

	(void)state;
	memset(&st, 0, sizeof st);
	t_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
	t_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
	t_int(write(a[1], "x", 1), 1);
	t_int(write(b[1], "x", 1), 1);
	st.w[0] = (struct fd_watch){ .fd = a[0], .what = FD_READ, .fn = replace, .arg = &st.w[0] };
	st.w[1] = (struct fd_watch){ .fd = b[0], .what = FD_READ, .fn = replace, .arg = &st.w[1] };
	t_true(fd_watch_set(&st.w[0]));
	t_true(fd_watch_set(&st.w[1]));
	loop_hold();
	t_false(loop_run_until(now_ms() + 20));
	loop_release();
	t_int(st.called, 2);
	t_int(st.stale, 0);
	fd_watch_clear(&st.next);
	/* Whichever was closed, its number is st.other[0]. */
	(void)close(a[0] == st.other[0] ? b[0] : a[0]);
	(void)close(st.other[0]);
	(void)close(st.other[1]);
	(void)close(a[1]);
	(void)close(b[1]);
}

/* Two coroutines on one descriptor, a reader and a writer, and no event lost between. */
static struct {
	int pair[2];
	size_t sent, got;
} both;

enum { TOTAL = 4 << 20 };

static void
send_run(void *arg)
{
	static const char block[10'000];

	(void)arg;
	while (both.sent < TOTAL) {
		ssize_t n = write(both.pair[0], block, sizeof block);

		if (n > 0)
			both.sent += (size_t)n;
		else if (fd_wait(both.pair[0], FD_WRITE, now_ms() + 5000) != WAKE_OK)
			break;
	}
	(void)shutdown(both.pair[0], SHUT_WR);
}

static void
mirror_run(void *arg)
{
	static char block[7'000];
	ssize_t n;

	(void)arg;
	for (;;) {
		n = read(both.pair[1], block, sizeof block);
		if (n == 0)
			break;
		if (n == -1 && fd_wait(both.pair[1], FD_READ, now_ms() + 5000) != WAKE_OK)
			break;
		for (ssize_t at = 0; at < n; ) {
			ssize_t w = write(both.pair[1], block + at, (size_t)(n - at));

			if (w > 0)
				at += w;
			else if (fd_wait(both.pair[1], FD_WRITE, now_ms() + 5000) != WAKE_OK)
				return;
		}
	}
	(void)shutdown(both.pair[1], SHUT_WR);
}

static void
receive_run(void *arg)
{
	static char block[9'000];
	ssize_t n;

	(void)arg;
	while ((n = read(both.pair[0], block, sizeof block)) != 0) {
		if (n > 0)
			both.got += (size_t)n;
		else if (fd_wait(both.pair[0], FD_READ, now_ms() + 5000) != WAKE_OK)
			break;
	}
}

static void
test_both(void **state)
{
	(void)state;
	memset(&both, 0, sizeof both);
	t_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both.pair), 0);
	(void)co_spawn("send", send_run, NULL);
	(void)co_spawn("mirror", mirror_run, NULL);
	(void)co_spawn("receive", receive_run, NULL);
	loop_run();
	t_true(both.sent >= TOTAL);
	t_int(both.got, both.sent);
	for (int i = 0; i < 2; i++) {
		fd_forget(both.pair[i]);
		(void)close(both.pair[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signals, up, down),
		cmocka_unit_test_setup_teardown(test_watch, up, down),
		cmocka_unit_test_setup_teardown(test_successor, up, down),
		cmocka_unit_test_setup_teardown(test_both, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
