/* SPDX-License-Identifier: ISC */
/*
 * fd: which coroutine or callback an epoll event is for.
 *
 * 1. `ready` remembers an edge that nobody waited for; the next wait takes it and answers at once.
 * 2. A hang-up is remembered for ever: it has no further edge, and who has read up to it must not
 *    wait for one.
 * 3. Each registration carries the number of its life, so that events of a forgotten descriptor
 *    never reach its successor.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "rt/fd.h"
#include "rt/loop.h"

enum { EVENTS_MAX = 256, FD_BOTH = FD_READ | FD_WRITE };

struct fd_entry {
	struct co *waiter[2];		/* reader, writer */
	struct fd_watch *watch;
	uint32_t life;
	uint8_t ready, hup;		/* FD_READ, FD_WRITE */
	bool registered;
	bool always;			/* the kernel does not poll it: a regular file */
};

static struct {
	int epoll;
	struct fd_entry *fd;
	size_t n;
} fds = { .epoll = -1 };

static struct fd_entry *
entry(int fd)
{
	size_t want = (size_t)fd + 1;

	assert(fd >= 0);
	if (want > fds.n) {
		size_t n = fds.n < 64 ? 64 : fds.n;

		while (n < want)
			n *= 2;
		fds.fd = realloc(fds.fd, n * sizeof *fds.fd);
		if (fds.fd == NULL)
			abort();
		memset(fds.fd + fds.n, 0, (n - fds.n) * sizeof *fds.fd);
		fds.n = n;
	}
	return &fds.fd[fd];
}

static bool
fd_control(int op, int fd, struct fd_entry *e, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = (uint64_t)e->life << 32 | (uint32_t)fd;
	return epoll_ctl(fds.epoll, op, fd, &ev) == 0;
}

void
fds_init(void)
{
	assert(fds.epoll == -1);
	fds.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (fds.epoll == -1)
		abort();
}

void
fds_done(void)
{
	(void)close(fds.epoll);
	fds.epoll = -1;
	free(fds.fd);
	fds.fd = NULL;
	fds.n = 0;
}

enum wake
fd_wait(int fd, unsigned what, int64_t deadline_ms)
{
	struct fd_entry *e = entry(fd);
	unsigned side = what == FD_WRITE;
	enum wake w;

	assert(e->watch == NULL && e->waiter[side] == NULL && !clock_is_simulated());
	if (co_cancelled())
		return WAKE_CANCELLED;
	if (!e->registered && !e->always) {
		e->life++;
		if (fd_control(EPOLL_CTL_ADD, fd, e, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET))
			e->registered = true;
		else
			e->always = true;	/* the caller's read or write tells what is wrong */
	}
	if (e->always || (e->hup & what) != 0 || (e->ready & what) != 0) {
		e->ready &= (uint8_t)~what;
		return WAKE_OK;
	}
	e->waiter[side] = co_self();
	w = co_park(deadline_ms);
	e = entry(fd);				/* the table may have moved */
	e->waiter[side] = NULL;
	if (w == WAKE_OK)
		e->ready &= (uint8_t)~what;
	return w;
}

void
fd_forget(int fd)
{
	struct fd_entry *e;

	if (fd < 0 || (size_t)fd >= fds.n)
		return;
	e = &fds.fd[fd];
	assert(e->waiter[0] == NULL && e->waiter[1] == NULL);
	/* close would do, were the description not shared with other processes */
	if (e->registered)
		(void)epoll_ctl(fds.epoll, EPOLL_CTL_DEL, fd, NULL);
	*e = (struct fd_entry){ .life = e->life + 1 };
}

bool
fd_watch_set(struct fd_watch *w)
{
	struct fd_entry *e = entry(w->fd);
	uint32_t events = 0;

	assert(e->watch == NULL || e->watch == w);
	assert(e->waiter[0] == NULL && e->waiter[1] == NULL);
	if (w->what & FD_READ)
		events |= EPOLLIN | EPOLLRDHUP;
	if (w->what & FD_WRITE)
		events |= EPOLLOUT;
	if (w->edge)
		events |= EPOLLET;
	if (!e->registered)
		e->life++;
	if (!fd_control(e->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, e, events))
		return false;
	e->registered = true;
	e->watch = w;
	return true;
}

void
fd_watch_clear(struct fd_watch *w)
{
	if (w->fd >= 0 && (size_t)w->fd < fds.n && fds.fd[w->fd].watch == w)
		fd_forget(w->fd);
	w->what = 0;
}

static void
hand_on(const struct epoll_event *ev)
{
	int fd = (int)(uint32_t)ev->data.u64;
	struct fd_entry *e = entry(fd);
	uint8_t ready = 0;

	if (e->life != ev->data.u64 >> 32 || !e->registered)
		return;
	if (ev->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		ready |= FD_READ;
	if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ready |= FD_WRITE;
	if (e->watch != NULL) {
		unsigned what = ready & e->watch->what;

		if (what == 0 && (ev->events & (EPOLLHUP | EPOLLERR)))
			what = e->watch->what;
		if (what != 0)
			e->watch->fn(e->watch->arg, what);
		return;
	}
	if (ev->events & (EPOLLRDHUP | EPOLLHUP))
		e->hup |= FD_READ;
	if (ev->events & EPOLLHUP)
		e->hup |= FD_BOTH;
	e->ready |= ready;
	if ((ready & FD_READ) && e->waiter[0] != NULL)
		co_wake(e->waiter[0]);
	if ((ready & FD_WRITE) && e->waiter[1] != NULL)
		co_wake(e->waiter[1]);
}

void
fds_poll(int timeout_ms)
{
	static struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(fds.epoll, ev, EVENTS_MAX, timeout_ms);

	if (n == -1 && errno != EINTR)
		abort();
	for (int i = 0; i < n; i++)
		hand_on(&ev[i]);
}
