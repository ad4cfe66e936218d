/* SPDX-License-Identifier: ISC */
/*
 * stream_fd: a stream over a non-blocking descriptor.
 *
 * After a short read the next one waits for an edge first, which saves the system call that would
 * say EAGAIN; a hang-up is remembered by fd_wait, so an end of file that came with the last bytes
 * is not waited for in vain.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/num.h"
#include "rt/loop.h"
#include "rt/stream.h"

enum { IOV_BATCH = 64 };

const char *
io_name(enum io io)
{
	switch (io) {
	case IO_OK:		return "ok";
	case IO_EOF:		return "eof";
	case IO_TIMEOUT:	return "timeout";
	case IO_CANCELLED:	return "cancelled";
	case IO_BROKEN:		return "broken";
	case IO_TOOLONG:	return "too_long";
	}
	return "?";
}

static struct fd_stream *
fd_stream(struct stream *st)
{
	return CONTAINER_OF(st, struct fd_stream, st);
}

static enum io
io_of_wake(enum wake w)
{
	switch (w) {
	case WAKE_OK:		return IO_OK;
	case WAKE_TIMEOUT:	return IO_TIMEOUT;
	case WAKE_CANCELLED:	break;
	}
	return IO_CANCELLED;
}

static enum io
fd_stream_read(struct stream *st, char *p, size_t n, size_t *got)
{
	struct fd_stream *fs = fd_stream(st);
	ssize_t r;

	*got = 0;
	if (fs->drained)
		return IO_OK;
	do
		r = read(fs->fd, p, n);
	while (r == -1 && errno == EINTR);
	if (r == 0)
		return IO_EOF;
	if (r == -1 && errno != EAGAIN)
		return IO_BROKEN;
	fs->drained = r < (ssize_t)n;
	*got = r > 0 ? (size_t)r : 0;
	return IO_OK;
}

static enum io
fd_stream_wait(struct stream *st, int64_t deadline_ms)
{
	struct fd_stream *fs = fd_stream(st);
	enum wake w = fd_wait(fs->fd, FD_READ, deadline_ms);

	if (w == WAKE_OK)
		fs->drained = false;
	return io_of_wake(w);
}

/* One system call's worth; what was taken is cut off *iov. */
static enum io
write_some(struct fd_stream *fs, struct iovec **iov, int *n, bool *full)
{
	ssize_t w = *n == 1 ? write(fs->fd, (*iov)->iov_base, (*iov)->iov_len)
			    : writev(fs->fd, *iov, *n);
	size_t left;

	*full = false;
	if (w == -1) {
		*full = errno == EAGAIN;
		return *full || errno == EINTR ? IO_OK : IO_BROKEN;
	}
	for (left = (size_t)w; *n > 0 && left >= (*iov)->iov_len; (*iov)++, (*n)--)
		left -= (*iov)->iov_len;
	if (*n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + left;
		(*iov)->iov_len -= left;
	}
	return IO_OK;
}

static enum io
fd_stream_write(struct stream *st, const struct iovec *iov, int n, int64_t deadline_ms)
{
	struct fd_stream *fs = fd_stream(st);
	struct iovec part[IOV_BATCH], *at;
	enum io io = IO_OK;
	bool full = false;

	while (n > 0 && io == IO_OK) {
		int m = MIN(n, (int)IOV_BATCH);

		memcpy(part, iov, (size_t)m * sizeof *part);
		iov += m;
		n -= m;
		for (at = part; m > 0 && io == IO_OK; ) {
			io = write_some(fs, &at, &m, &full);
			if (io == IO_OK && full)
				io = io_of_wake(fd_wait(fs->fd, FD_WRITE, deadline_ms));
		}
	}
	return io;
}

static bool
fd_stream_pending(struct stream *st)
{
	struct pollfd pfd = { .fd = fd_stream(st)->fd, .events = POLLIN };
	char byte;
	ssize_t r = recv(pfd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (r == -1 && errno == ENOTSOCK)
		return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN);
	return r > 0;
}

static enum io
fd_stream_shutdown(struct stream *st, int64_t deadline_ms)
{
	(void)deadline_ms;
	return shutdown(fd_stream(st)->fd, SHUT_WR) == 0 ? IO_OK : IO_BROKEN;
}

static void
fd_stream_close(struct stream *st)
{
	struct fd_stream *fs = fd_stream(st);

	fd_forget(fs->fd);
	(void)close(fs->fd);
	fs->fd = -1;
}

static int
fd_stream_fd(struct stream *st)
{
	return fd_stream(st)->fd;
}

static const struct stream_ops fd_stream_ops = {
	.read = fd_stream_read,
	.wait = fd_stream_wait,
	.write = fd_stream_write,
	.pending = fd_stream_pending,
	.shutdown = fd_stream_shutdown,
	.close = fd_stream_close,
	.fd = fd_stream_fd,
};

void
fd_stream_init(struct fd_stream *fs, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*fs = (struct fd_stream){ .st = { &fd_stream_ops }, .fd = fd };
	if (flags != -1 && (flags & O_NONBLOCK) == 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
