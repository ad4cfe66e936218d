/* SPDX-License-Identifier: ISC */
/*
 * loop: one epoll loop per process, on the process's first stack.
 *
 * 1. A turn is: refresh the clock, expire timers, run what is ready (and, a few rounds, what that
 *    made ready), call the hooks, sleep in epoll until the next timer or event.
 * 2. A descriptor is registered once, edge-triggered, for both directions, at its first wait;
 *    fd_forget comes before close, always.
 * 3. At most one reader and one writer wait on a descriptor.
 * 4. Callbacks (watches, timers, hooks, signals) run on the loop's stack and never suspend.
 */
#ifndef RT_LOOP_H
#define RT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "rt/clock.h"
#include "rt/co.h"

enum { FD_READ = 1, FD_WRITE = 2 };

/* Makes the process's loop; aborts when the kernel gives no epoll.  SIGPIPE is ignored from now
 * on (children that execute others must restore it). */
void loop_init(void);

/* Turns until loop_stop, or until no coroutine lives and none but the loop's own timers, watches
 * and signals is left to wake one (so that tests end by themselves). */
void loop_run(void);

/* Makes loop_run return at the end of this turn; coroutines stay where they are. */
void loop_stop(void);

/* Like loop_run with a deadline; true when it ended before. */
bool loop_run_until(int64_t deadline_ms);

/* Frees the loop, timers' wheel and pooled stacks; no coroutine may live. */
void loop_done(void);

/* Keeps loop_run going although no coroutine lives (servers of callbacks); counted. */
void loop_hold(void);
void loop_release(void);

/* Suspends until the descriptor can be read (or written), or is broken, which the next read or
 * write tells.  Spurious answers happen: try, and wait again on EAGAIN. */
[[nodiscard]] enum wake fd_wait(int fd, unsigned what, int64_t deadline_ms);

/* Before close, and before giving the descriptor away.  No coroutine may wait on it. */
void fd_forget(int fd);

/* A callback, level-triggered for libraries with an event interface of their own.  A descriptor
 * has either a watch or coroutines that wait on it.  Owned by the caller, zero is valid. */
struct fd_watch {
	int fd;
	unsigned what;			/* FD_READ | FD_WRITE; 0 when not set */
	bool edge;			/* told of each change once */
	void (*fn)(void *arg, unsigned ready);
	void *arg;
};

/* Watches w->fd for w->what from now on; call again after a change.  False: the kernel refuses
 * that descriptor (a regular file). */
bool fd_watch_set(struct fd_watch *w);
void fd_watch_clear(struct fd_watch *w);

/* Calls fn(arg) once each turn before the loop sleeps: batched sends go out here. */
void loop_hook(void (*fn)(void *arg), void *arg);
void loop_unhook(void (*fn)(void *arg), void *arg);

/* Calls fn(arg, signo) on the loop's stack after that signal came; fn NULL restores the default. */
void loop_signal(int signo, void (*fn)(void *arg, int signo), void *arg);

#endif
