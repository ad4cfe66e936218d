/* SPDX-License-Identifier: ISC */
/*
 * loop: the turn.  See loop.h.
 *
 * Signals: the handler notes the number and writes to an eventfd; children that execute another
 * program get default handlers by that alone.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/num.h"
#include "rt/fd.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "rt/sched.h"
#include "rt/timer.h"
#include "rt/turn.h"
#include "rt/work.h"

enum { HOOKS_MAX = 16, SIGNALS = 64, TRIM_AFTER_MS = 2000, TRIM_EVERY_MS = 1000, TRIM_BATCH = 512,
	ROUNDS_MAX = 4 };

struct hook {
	void (*fn)(void *arg);
	void *arg;
};

static struct {
	struct hook hook[HOOKS_MAX];
	unsigned nhooks, holds;
	bool up, stopping;
	struct timer trim, log;
	struct fd_watch signals;
	struct {
		void (*fn)(void *arg, int signo);
		void *arg;
	} on[SIGNALS];
} loop;

static _Atomic uint64_t signals_pending;
static volatile sig_atomic_t signals_fd = -1;

static void
signal_caught(int signo)
{
	int saved = errno;
	uint64_t one = 1;
	ssize_t n;

	signals_pending |= UINT64_C(1) << signo;
	/* Full: it will be read anyway. */
	n = write((int)signals_fd, &one, sizeof one);
	(void)n;
	errno = saved;
}

static void
signals_come(void *arg, unsigned ready)
{
	uint64_t n, pending;

	(void)arg;
	(void)ready;
	if (read(loop.signals.fd, &n, sizeof n) == -1 && errno != EAGAIN)
		abort();
	pending = atomic_exchange(&signals_pending, 0);
	for (int s = 1; s < SIGNALS; s++)
		if ((pending & UINT64_C(1) << s) && loop.on[s].fn != NULL)
			loop.on[s].fn(loop.on[s].arg, s);
}

void
loop_signal(int signo, void (*fn)(void *arg, int signo), void *arg)
{
	struct sigaction sa = { .sa_handler = fn != NULL ? signal_caught : SIG_DFL,
	    .sa_flags = SA_RESTART };

	assert(signo > 0 && signo < SIGNALS && loop.up);
	loop.on[signo].fn = fn;
	loop.on[signo].arg = arg;
	if (sigaction(signo, &sa, NULL) == -1)
		abort();
}

static void
log_late(void *arg)
{
	(void)arg;
	log_flush();
}

static void
log_hook(void *arg)
{
	(void)arg;
	if (!log_waiting() || log_flush_much())
		timer_clear(&loop.log);
	else if (!timer_is_set(&loop.log))
		timer_set(&loop.log, now_ms() + LOG_LAZY_MS, log_late, NULL);
}

void
loop_init(void)
{
	int fd;

	assert(!loop.up);
	memset(&loop, 0, sizeof loop);
	loop.up = true;
	clock_refresh();
	fds_init();
	timers_reset(now_ms());
	(void)signal(SIGPIPE, SIG_IGN);
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd == -1)
		abort();
	signals_fd = fd;
	loop.signals = (struct fd_watch){ .fd = fd, .what = FD_READ, .fn = signals_come };
	if (!fd_watch_set(&loop.signals))
		abort();
	loop_hook(log_hook, NULL);
}

void
loop_done(void)
{
	assert(loop.up);
	for (int s = 1; s < SIGNALS; s++)
		if (loop.on[s].fn != NULL)
			loop_signal(s, NULL, NULL);
	timer_clear(&loop.trim);
	timer_clear(&loop.log);
	log_flush();
	fd_watch_clear(&loop.signals);
	signals_fd = -1;
	(void)close(loop.signals.fd);
	fds_done();
	sched_done();
	loop.up = false;
}

void
loop_hook(void (*fn)(void *arg), void *arg)
{
	assert(loop.nhooks < HOOKS_MAX);
	loop.hook[loop.nhooks++] = (struct hook){ fn, arg };
}

void
loop_unhook(void (*fn)(void *arg), void *arg)
{
	for (unsigned i = 0; i < loop.nhooks; i++)
		if (loop.hook[i].fn == fn && loop.hook[i].arg == arg) {
			memmove(&loop.hook[i], &loop.hook[i + 1],
			    (loop.nhooks - i - 1) * sizeof loop.hook[0]);
			loop.nhooks--;
			return;
		}
}

void
loop_hooks_run(void)
{
	for (unsigned i = 0; i < loop.nhooks; i++)
		loop.hook[i].fn(loop.hook[i].arg);
}

void
loop_hooks_clear(void)
{
	loop.nhooks = 0;
}

void
loop_hold(void)
{
	loop.holds++;
}

void
loop_release(void)
{
	assert(loop.holds > 0);
	loop.holds--;
}

void
loop_stop(void)
{
	loop.stopping = true;
}

bool
loop_stopped(void)
{
	bool was = loop.stopping;

	loop.stopping = false;
	return was;
}

static void
trim(void *arg)
{
	(void)arg;
	/* A full batch: more is waiting, go on soon. */
	if (sched_trim(now_ms() - TRIM_AFTER_MS, TRIM_BATCH) == TRIM_BATCH)
		timer_set(&loop.trim, now_ms() + 10, trim, NULL);
}

static int
sleep_for(int64_t deadline_ms)
{
	int64_t next = deadline_min(timers_next(), deadline_ms);

	if (sched_ready() || loop.stopping)
		return 0;
	if (next == FOREVER)
		return -1;
	clock_refresh();
	return next <= now_ms() ? 0 : (int)MIN(next - now_ms(), (int64_t)INT_MAX);
}

/* Some rounds: who wakes whom in a row need not pay for a look at the kernel each time. */
static void
run_ready(void)
{
	for (int n = 0; n < ROUNDS_MAX && sched_ready() && !loop.stopping; n++)
		sched_turn();
}

static bool
loop_alive(void)
{
	return co_count() > 0 || loop.holds > 0 || work_pending() > 0;
}

bool
loop_run_until(int64_t deadline_ms)
{
	assert(loop.up && co_self() == NULL);
	while (loop_alive()) {
		clock_refresh();
		(void)timers_expire(now_ms());
		run_ready();
		loop_hooks_run();
		if (!loop_alive() || loop_stopped())
			return true;
		if (now_ms() >= deadline_ms)
			return false;
		if (sched_parked() && !timer_is_set(&loop.trim))
			timer_set(&loop.trim, now_ms() + TRIM_EVERY_MS, trim, NULL);
		fds_poll(sleep_for(deadline_ms));
	}
	return true;
}

void
loop_run(void)
{
	(void)loop_run_until(FOREVER);
}
