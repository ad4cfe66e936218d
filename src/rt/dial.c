/* SPDX-License-Identifier: ISC */
/*
 * dial: a non-blocking connect and its wait.  See dial.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rt/dial.h"
#include "rt/loop.h"
#include "rt/simnet.h"

static struct conn *(*simulate)(const struct dial *d, enum io *why, int *err);

void
dial_simulate(struct conn *(*fn)(const struct dial *d, enum io *why, int *err))
{
	simulate = fn;
}

static socklen_t
dial_address(const struct dial *d, struct sockaddr_storage *to)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n;

	if (d->path == NULL)
		return ip_to_sockaddr(d->to, d->port, to);
	n = strlen(d->path);
	if (n >= sizeof un.sun_path)
		return 0;
	memcpy(un.sun_path, d->path, n + 1);
	memcpy(to, &un, sizeof un);
	return sizeof un;
}

static bool
dial_bind(int fd, const struct ip *from)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(*from, 0, &ss);

	return bind(fd, (struct sockaddr *)&ss, n) == 0;
}

/* suspends.  0, or the errno of the failure; ETIMEDOUT and ECANCELED are our own. */
static int
dial_connect(int fd, const struct sockaddr_storage *to, socklen_t n, int64_t deadline_ms)
{
	int err;
	socklen_t len = sizeof err;

	while (connect(fd, (const struct sockaddr *)to, n) == -1) {
		if (errno == EAGAIN) {	/* a Unix listener's queue is full: no event comes */
			enum wake w = now_ms() < deadline_ms ? co_sleep(20) : WAKE_TIMEOUT;

			if (w == WAKE_OK)
				continue;
			return w == WAKE_TIMEOUT ? ETIMEDOUT : ECANCELED;
		}
		if (errno != EINPROGRESS && errno != EINTR)
			return errno;
		break;
	}
	for (;;) {
		struct sockaddr_storage peer;
		socklen_t plen = sizeof peer;

		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
			return errno;
		if (err != 0)
			return err;
		if (getpeername(fd, (struct sockaddr *)&peer, &plen) == 0)
			return 0;
		switch (fd_wait(fd, FD_WRITE, deadline_ms)) {
		case WAKE_OK:		break;
		case WAKE_TIMEOUT:	return ETIMEDOUT;
		case WAKE_CANCELLED:	return ECANCELED;
		}
	}
}

struct conn *
dial(const struct dial *d, enum io *why, int *err)
{
	struct sockaddr_storage to;
	socklen_t n;
	int fd;

	*err = 0;
	*why = IO_BROKEN;
	if (simulate != NULL)
		return simulate(d, why, err);
	n = dial_address(d, &to);
	if (n == 0) {
		*err = EINVAL;
		return NULL;
	}
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		*err = errno;
		return NULL;
	}
	*err = d->from != NULL && !dial_bind(fd, d->from) ? errno
	    : dial_connect(fd, &to, n, d->deadline_ms);
	if (*err == 0) {
		*why = IO_OK;
		return conn_new(fd);
	}
	if (*err == ETIMEDOUT)
		*why = IO_TIMEOUT;
	if (*err == ECANCELED)
		*why = IO_CANCELLED;
	fd_forget(fd);
	(void)close(fd);
	return NULL;
}
