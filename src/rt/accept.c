/* SPDX-License-Identifier: ISC */
/*
 * accept: see accept.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "rt/accept.h"
#include "rt/loop.h"

enum { BURST_MAX = 64, PAUSE_MS = 100 };

static void
reserve_open(struct acceptor *a)
{
	a->reserve = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
}

void
acceptor_init(struct acceptor *a, int listen_fd)
{
	int flags = fcntl(listen_fd, F_GETFL);

	*a = (struct acceptor){ .fd = listen_fd };
	if (flags != -1)
		(void)fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK);
	reserve_open(a);
}

void
acceptor_done(struct acceptor *a)
{
	fd_forget(a->fd);
	if (a->reserve != -1)
		(void)close(a->reserve);
	a->reserve = -1;
}

/* No descriptor left: turn one away, then let others finish. */
static enum wake
out_of_fds(struct acceptor *a)
{
	int fd;

	if (a->reserve != -1) {
		(void)close(a->reserve);
		a->reserve = -1;
		fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1) {
			(void)close(fd);
			a->refused++;
		}
		reserve_open(a);
	}
	return co_sleep(PAUSE_MS);
}

enum wake
acceptor_next(struct acceptor *a, int64_t deadline_ms, int *fd, struct sockaddr_storage *peer)
{
	enum wake w = WAKE_OK;

	if (++a->burst >= BURST_MAX) {
		a->burst = 0;
		w = co_yield();
	}
	while (w == WAKE_OK) {
		socklen_t n = sizeof *peer;

		*fd = accept4(a->fd, (struct sockaddr *)peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (*fd != -1) {
			a->accepted++;
			return WAKE_OK;
		}
		switch (errno) {
		case EAGAIN:
			a->burst = 0;
			w = fd_wait(a->fd, FD_READ, deadline_ms);
			break;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			w = now_ms() < deadline_ms ? out_of_fds(a) : WAKE_TIMEOUT;
			break;
		default:	/* that connection's own trouble: accept(2), "Error handling" */
			if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
				return WAKE_CANCELLED;	/* the listener was closed under us */
			w = co_yield();
		}
	}
	return w;
}
