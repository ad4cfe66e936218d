/* SPDX-License-Identifier: ISC */
/*
 * klog: one log stream: copies whole lines from the pipes of all roles to the sink.
 *
 * 1. Nobody ever waits for the log: roles write to non-blocking pipes, and what the sink does not
 *    take at once is kept up to BACKLOG_MAX bytes; then whole lines are dropped and counted.
 * 2. Lines of different roles never mix: only bytes up to a line end are passed on.
 *
 * The sink is standard error, a file (reopened on SIGUSR1 and reload), or a datagram socket like
 * /dev/log (one datagram a line, with the syslog priority of mail.info).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "main/keeper.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { BACKLOG_MAX = 4 << 20, LINE_MAX_BYTES = 65536, CHUNK = 4096 };

struct source {
	struct link link;
	struct fd_watch watch;
	struct buf line;
};

static struct link sources = { &sources, &sources };
static struct buf backlog;
static uint64_t dropped;
static struct timer again;
static struct { int fd; bool regular, datagram, owned; } sink = { .fd = 2 };

/* ---- out ---- */

/* How much of the backlog goes in one write: all to a file, a page to what may be stuck (a write
 * of a page never blocks after poll said so), one line to a datagram socket. */
static size_t
portion(void)
{
	const char *end;

	if (sink.regular)
		return backlog.n;
	if (!sink.datagram)
		return MIN(backlog.n, (size_t)CHUNK);
	end = memchr(backlog.p, '\n', backlog.n);
	return end ? (size_t)(end - backlog.p) + 1 : backlog.n;
}

static ssize_t
emit(size_t n)
{
	struct pollfd p = { .fd = sink.fd, .events = POLLOUT };
	char head[48];
	struct iovec iov[2] = { { head, 0 }, { backlog.p, n } };
	struct msghdr line = { .msg_iov = iov, .msg_iovlen = 2 };

	if (sink.regular)
		return write(sink.fd, backlog.p, n);
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	if (!sink.datagram)
		return write(sink.fd, backlog.p, n);
	iov[0].iov_len = (size_t)snprintf(head, sizeof(head), "<22>postern[%d]: ", (int)getpid());
	(void)sendmsg(sink.fd, &line, MSG_NOSIGNAL | MSG_DONTWAIT);
	return (ssize_t)n;
}

static void
pump(void *arg)
{
	(void)arg;
	while (backlog.n > 0) {
		ssize_t n = emit(portion());

		if (n <= 0) {			/* stuck, or full: a little later */
			timer_set(&again, now_ms() + 100, pump, NULL);
			return;
		}
		buf_shift(&backlog, (size_t)n);
	}
}

static void
take_lines(struct str lines)
{
	if (lines.n > BACKLOG_MAX - MIN(backlog.n, (size_t)BACKLOG_MAX)) {
		dropped++;
		return;
	}
	if (dropped > 0) {
		buf_putf(&backlog, "event=log_dropped role=keeper writes=%llu\n",
		    (unsigned long long)dropped);
		dropped = 0;
	}
	buf_put(&backlog, lines);
}

/* ---- in ---- */

static void
source_end(struct source *s)
{
	if (s->line.n > 0) {
		buf_putc(&s->line, '\n');
		take_lines(buf_str(&s->line));
	}
	fd_watch_clear(&s->watch);
	close(s->watch.fd);
	list_remove(&s->link);
	buf_done(&s->line);
	free(s);
}

/* False: the pipe has ended. */
static bool
source_read(struct source *s)
{
	for (;;) {
		char *to = buf_reserve(&s->line, LINE_MAX_BYTES);
		ssize_t n = to ? read(s->watch.fd, to, LINE_MAX_BYTES) : -1, end;

		if (n == 0)
			return false;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buf_add(&s->line, (size_t)n);
		end = str_rchr(buf_str(&s->line), '\n');
		if (end == -1 && s->line.n < LINE_MAX_BYTES)
			continue;
		if (end == -1)			/* no role writes that; pass it on in pieces */
			end = (ssize_t)s->line.n - 1;
		take_lines(str_sub(buf_str(&s->line), 0, (size_t)end + 1));
		buf_shift(&s->line, (size_t)end + 1);
		if (n < LINE_MAX_BYTES)
			return true;
	}
}

static void
on_readable(void *arg, unsigned ready)
{
	struct source *s = arg;

	(void)ready;
	if (!source_read(s))
		source_end(s);
	pump(NULL);
}

int
klog_pipe(void)
{
	struct source *s = calloc(1, sizeof(*s));
	int p[2];

	if (!s)
		abort();
	if (pipe2(p, O_CLOEXEC) == -1) {
		free(s);
		return -1;
	}
	(void)fcntl(p[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(p[0], F_SETPIPE_SZ, 256 * 1024);
	buf_init(&s->line, 4 * LINE_MAX_BYTES);
	s->watch = (struct fd_watch){
		.fd = p[0], .what = FD_READ, .fn = on_readable, .arg = s,
	};
	list_push(&sources, &s->link);
	(void)fd_watch_set(&s->watch);
	return p[1];
}

/* ---- the sink ---- */

static int
open_sink(const char *path, bool *datagram)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	*datagram = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	if (!*datagram)
		return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		    0640);
	if (strlen(path) >= sizeof(un.sun_path))
		return -1;
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
set_sink(const struct config *cfg)
{
	bool datagram = false;
	char *z = cfg->log.path.n ? strndup(cfg->log.path.p, cfg->log.path.n) : NULL;
	int fd = z ? open_sink(z, &datagram) : 2;
	struct stat st;

	free(z);
	if (fd == -1)
		return false;
	if (sink.owned)
		close(sink.fd);
	sink.fd = fd;
	sink.owned = fd != 2;
	sink.datagram = datagram;
	sink.regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return true;
}

bool
klog_open(const struct config *cfg, struct str *why)
{
	struct buf b;
	int own;

	buf_init(&backlog, BACKLOG_MAX + LINE_MAX_BYTES);
	if (!set_sink(cfg)) {
		buf_init(&b, 8192);
		buf_putf(&b, "log " STR_F ": cannot be opened for writing (errno %d)\n",
		    STR_A(cfg->log.path), errno);
		*why = buf_str(&b);
		return false;
	}
	own = klog_pipe();
	if (own != -1)
		log_sink(own);
	return true;
}

void
klog_reopen(const struct config *cfg)
{
	pump(NULL);
	if (!set_sink(cfg)) {			/* keep the old one, and say so there */
		log_begin(LOG_ERROR, "log_reopen_failed");
		log_s("path", cfg->log.path);
		log_i("errno", errno);
		log_end();
	}
}

void
klog_finish(void)
{
	log_flush();
	LIST_EACH(l, &sources)
		(void)source_read(CONTAINER_OF(l, struct source, link));
	pump(NULL);
	for (int i = 0; i < 20 && backlog.n > 0; i++) {
		struct pollfd p = { .fd = sink.fd, .events = POLLOUT };

		(void)poll(&p, 1, 50);
		pump(NULL);
	}
}
