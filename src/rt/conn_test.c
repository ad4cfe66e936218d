/* SPDX-License-Identifier: ISC */
/*
 * conn_test: lines and blocks over real sockets: ends split over reads, too long, byte by byte,
 * deadlines, the data rate, buffers given back, large writes, accept without descriptors, dial.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/test.h"
#include "rt/accept.h"
#include "rt/conn.h"
#include "rt/dial.h"
#include "rt/group.h"
#include "rt/iobuf.h"
#include "rt/loop.h"

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
	t_int(iobufs_out(), 0);
	loop_done();
	iobufs_done();
	return 0;
}

/* What a reader saw, as text: [line] CRLF, (line) LF, then the end in words. */
struct reader {
	struct conn *c;
	size_t max;
	struct buf seen;
};

static void
lines_run(void *arg)
{
	struct reader *r = arg;
	struct str line;

	for (;;) {
		enum io io = conn_line(r->c, r->max, &line);

		if (io == IO_OK) {
			bool crlf = conn_line_end(r->c) == LINE_CRLF;

			(void)buf_putc(&r->seen, crlf ? '[' : '(');
			(void)buf_put(&r->seen, line);
			(void)buf_putc(&r->seen, crlf ? ']' : ')');
			continue;
		}
		(void)buf_put(&r->seen, str_of(io_name(io)));
		if (io != IO_TOOLONG)
			break;
	}
	conn_close(r->c);
}

struct writer {
	int fd;
	struct str bytes;
	size_t piece;			/* 0: pieces end at '|', which is not sent */
	int64_t pause_ms;
};

static void
pieces_run(void *arg)
{
	struct writer *w = arg;
	struct str rest = w->bytes;

	while (rest.n > 0) {
		struct str part;

		if (w->piece == 0) {
			part = str_split(&rest, '|');
		} else {
			part = str_sub(rest, 0, w->piece);
			rest = str_skip(rest, part.n);
		}
		if (write(w->fd, part.p, part.n) != (ssize_t)part.n)
			break;
		/* Let the reader see this piece alone. */
		if (w->pause_ms > 0)
			(void)co_sleep(w->pause_ms);
		for (int i = 0; i < 4; i++)
			(void)co_yield();
	}
	(void)close(w->fd);
}

static const struct {
	const char *in;
	size_t max;
	const char *want;
} cases[] = {
	{ "a\r\nb\r\n",			10, "[a][b]eof" },
	{ "a\r|\nb|\r\n",		10, "[a][b]eof" },
	{ "a\nb\r\n",			10, "(a)[b]eof" },
	{ "\r\n\n\r\n",			10, "[]()[]eof" },
	{ "a\rb\r\n",			10, "[a\rb]eof" },
	{ "a\r\r\n",			10, "[a\r]eof" },
	{ "partial",			10, "eof" },
	{ "x\r\npartial\r",		10, "[x]eof" },
	{ "1234567890\r\nx\r\n",	10, "[1234567890][x]eof" },
	{ "1234567890|\r|\nx\r\n",	10, "[1234567890][x]eof" },
	{ "1234567890\nx\r\n",		10, "(1234567890)[x]eof" },
	{ "12345678901\r\nx\r\n",	10, "too_long[x]eof" },
	{ "12345678901|\r\nx\r\n",	10, "too_long[x]eof" },
	{ "12345678901234|5678|9\nx\n",	10, "too_long(x)eof" },
	{ "12345678901234|5678|9",	10, "eof" },
	{ "1234567890\rx\r\ny\r\n",	10, "too_long[y]eof" },
	{ "\r\n",			0,  "[]eof" },
	{ "x\r\n\r\n",			0,  "too_long[]eof" },
};

static void
run_lines(struct str in, size_t max, size_t piece, const char *want)
{
	int pair[2];
	struct reader r = { .max = max };
	struct writer w = { .bytes = in, .piece = piece };

	t_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	r.c = conn_new(pair[0]);
	buf_init(&r.seen, 1 << 20);
	w.fd = pair[1];
	(void)co_spawn("lines", lines_run, &r);
	(void)co_spawn("pieces", pieces_run, &w);
	loop_run();
	t_str(buf_str(&r.seen), want);
	buf_done(&r.seen);
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char whole[64];
		size_t n = 0;

		T_CASE(cases[i].in);
		for (const char *p = cases[i].in; *p != '\0'; p++)
			if (*p != '|')
				whole[n++] = *p;
		run_lines(str_of(cases[i].in), cases[i].max, 0, cases[i].want);
		run_lines(str_from(whole, n), cases[i].max, 1000, cases[i].want);
		run_lines(str_from(whole, n), cases[i].max, 1, cases[i].want);
		run_lines(str_from(whole, n), cases[i].max, 3, cases[i].want);
	}
}

/* Long lines through a growing buffer, longer ones skipped. */
static void
test_long_lines(void **state)
{
	static char text[200'000], want[40'100];

	(void)state;
	memset(text, 'x', sizeof text);
	memset(want, 'x', sizeof want);
	memcpy(text + 40'000, "\r\n", 2);
	memcpy(text + sizeof text - 3, "\r\ny", 3);
	want[0] = '[';
	memset(want + 1, 'x', 40'000);
	memcpy(want + 40'001, "]too_longeof", 13);
	for (size_t piece = 777; piece < 100'000; piece *= 10)
		run_lines(str_from(text, sizeof text), 40'000, piece, want);
}

/* Deadlines and rates. */
struct timed {
	struct conn *c;
	enum io io;
	int64_t took;
	size_t out;
};

static void
timed_run(void *arg)
{
	struct timed *t = arg;
	int64_t from = now_ms();
	struct str line;

	t->io = conn_line(t->c, 1000, &line);
	t->took = now_ms() - from;
	conn_close(t->c);
}

static void
test_deadline(void **state)
{
	int pair[2];
	struct timed t = {};

	(void)state;
	t_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	t.c = conn_new(pair[0]);
	conn_deadline(t.c, now_ms() + 40);
	t_int(write(pair[1], "no end", 6), 6);
	(void)co_spawn("timed", timed_run, &t);
	loop_run();
	t_int(t.io, IO_TIMEOUT);
	t_true(t.took >= 39 && t.took < 2000);
	(void)close(pair[1]);
}

static void
rate_case(const char *name, int64_t pause_ms, enum io want)
{
	int pair[2];
	struct timed t = {};
	struct writer w = { .bytes = STR("0123456789012345678901234567890123456789\r\n"),
	    .piece = 1 };

	T_CASE(name);
	t_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	t.c = conn_new(pair[0]);
	w.fd = pair[1];
	w.pause_ms = pause_ms;
	conn_rate(t.c, 100, 100);		/* ten bytes in 100 ms of waiting */
	(void)co_spawn("timed", timed_run, &t);
	(void)co_spawn("pieces", pieces_run, &w);
	loop_run();
	t_int(t.io, want);
}

static void
test_rate(void **state)
{
	(void)state;
	rate_case("fast enough", 2, IO_OK);
	rate_case("too slow", 40, IO_TIMEOUT);
}

/* Blocks: partly consumed, more behind them, and idle connections hold no buffer. */
static struct {
	struct buf seen;
	size_t idle_bufs, idle_bufs_after;
	enum io full;
} bl;

static void
block_run(void *arg)
{
	struct conn *c = arg;
	struct str b;

	if (conn_block(c, &b) == IO_OK) {
		(void)buf_put(&bl.seen, str_sub(b, 0, 2));
		conn_consume(c, 2);
	}
	while (conn_more(c, &b) == IO_OK && b.n < 6)
		continue;
	(void)buf_put(&bl.seen, b);
	conn_consume(c, b.n);
	while (conn_wait(c) == IO_OK && conn_block(c, &b) == IO_OK) {
		(void)buf_put(&bl.seen, b);
		conn_consume(c, b.n);
	}
	conn_close(c);
}

static void
idle_run(void *arg)
{
	int fd = *(int *)arg;
	static const char *part[] = { "abcd", "ef", "gh", "ij" };

	for (size_t i = 0; i < COUNT(part); i++) {
		if (write(fd, part[i], strlen(part[i])) < 0)
			break;
		(void)co_sleep(5);
	}
	bl.idle_bufs = iobufs_out();
	(void)close(fd);
}

static void
test_blocks(void **state)
{
	int pair[2];

	(void)state;
	memset(&bl, 0, sizeof bl);
	buf_init(&bl.seen, 1000);
	t_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	(void)co_spawn("block", block_run, conn_new(pair[0]));
	(void)co_spawn("idle", idle_run, &pair[1]);
	loop_run();
	t_str(buf_str(&bl.seen), "abcdefghij");
	t_int(bl.idle_bufs, 0);
	buf_done(&bl.seen);
}

/* Large writes: all bytes arrive, in order, behind what was put. */
enum { BULK = 3'000'001 };

static struct {
	struct conn *c;
	uint64_t bad, got;
	enum io wrote;
} bk;

static char
byte_at(uint64_t i)
{
	return (char)(i * 131 >> 3);
}

static void
bulk_write_run(void *arg)
{
	static char bytes[BULK];
	struct iovec iov[90];
	size_t at = 1;

	(void)arg;
	for (size_t i = 0; i < BULK; i++)
		bytes[i] = byte_at(i);
	(void)conn_put(bk.c, str_from(bytes, 1));
	for (size_t i = 0; i < COUNT(iov); i++) {
		iov[i] = (struct iovec){ bytes + at, i % 7 * 1000 };
		at += iov[i].iov_len;
	}
	bk.wrote = conn_writev(bk.c, iov, COUNT(iov));
	for (; at < BULK / 2; at++)
		(void)conn_put(bk.c, str_from(bytes + at, 1));
	if (bk.wrote == IO_OK)
		bk.wrote = conn_write(bk.c, str_from(bytes + at, BULK - at));
	if (bk.wrote == IO_OK)
		bk.wrote = conn_shutdown(bk.c);
	conn_close(bk.c);
}

static void
bulk_read_run(void *arg)
{
	struct str b;

	while (conn_block(arg, &b) == IO_OK) {
		for (size_t i = 0; i < b.n; i++)
			bk.bad += b.p[i] != byte_at(bk.got + i);
		bk.got += b.n;
		conn_consume(arg, b.n);
	}
	conn_close(arg);
}

static void
test_bulk(void **state)
{
	int pair[2];

	(void)state;
	memset(&bk, 0, sizeof bk);
	t_int(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	bk.c = conn_new(pair[0]);
	(void)co_spawn("write", bulk_write_run, NULL);
	(void)co_spawn("read", bulk_read_run, conn_new(pair[1]));
	loop_run();
	t_int(bk.wrote, IO_OK);
	t_int(bk.got, BULK);
	t_int(bk.bad, 0);
}

/* A peer that does not read: the write ends by the deadline and sticks; one that is gone breaks. */
static void
stuck_run(void *arg)
{
	static char bytes[BULK];
	enum io *io = arg;
	int pair[2];
	struct conn *c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return;
	c = conn_new(pair[0]);
	conn_deadline(c, now_ms() + 20);
	io[0] = conn_write(c, str_from(bytes, sizeof bytes));
	io[1] = conn_put(c, STR("more"));
	conn_close(c);
	(void)close(pair[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return;
	c = conn_new(pair[0]);
	(void)close(pair[1]);
	io[2] = conn_write(c, str_from(bytes, sizeof bytes));
	io[3] = conn_flush(c);
	conn_close(c);
}

static void
test_stuck(void **state)
{
	enum io io[4] = {};

	(void)state;
	(void)co_spawn("stuck", stuck_run, io);
	loop_run();
	t_int(io[0], IO_TIMEOUT);
	t_int(io[1], IO_TIMEOUT);
	t_int(io[2], IO_BROKEN);
	t_int(io[3], IO_BROKEN);
}

/* Pending input, read-ahead thrown away. */
static void
pending_run(void *arg)
{
	int *seen = arg, pair[2];
	struct conn *c;
	struct str line;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return;
	c = conn_new(pair[0]);
	seen[0] = conn_input_pending(c);
	if (write(pair[1], "a\r\nb\r\n", 6) != 6)
		return;
	seen[1] = conn_input_pending(c);
	seen[2] = conn_has_input(c);
	seen[3] = conn_line(c, 10, &line) == IO_OK && str_eq(line, STR("a"));
	seen[4] = (int)conn_buffered(c);
	conn_discard(c);
	seen[5] = conn_input_pending(c);
	(void)close(pair[1]);
	seen[6] = conn_line(c, 10, &line) == IO_EOF;
	conn_close(c);
}

static void
test_pending(void **state)
{
	static const int want[] = { 0, 1, 0, 1, 3, 0, 1 };
	int seen[COUNT(want)] = {};

	(void)state;
	(void)co_spawn("pending", pending_run, seen);
	loop_run();
	for (size_t i = 0; i < COUNT(want); i++)
		t_int(seen[i], want[i]);
}

/* Dial and accept; then accept when no descriptor is left. */
static struct {
	struct acceptor acc;
	struct ip peer;
	uint16_t port;
	int took, failed;
	enum io refused_why;
	int refused_err;
	struct rlimit limit;
} ac;

static void
serve_run(void *arg)
{
	(void)arg;
	for (;;) {
		struct sockaddr_storage peer;
		int fd;

		if (acceptor_next(&ac.acc, now_ms() + 400, &fd, &peer) != WAKE_OK)
			break;
		(void)ip_from_sockaddr(&peer, &ac.peer, NULL);
		ac.took += write(fd, "hello\r\n", 7) == 7;
		fd_forget(fd);
		(void)close(fd);
	}
	acceptor_done(&ac.acc);
}

static bool
dial_once(void)
{
	struct dial d = { .to = ac.peer, .port = ac.port, .deadline_ms = now_ms() + 2000 };
	enum io why;
	int err;
	struct conn *c = dial(&d, &why, &err);
	struct str line;
	bool ok;

	if (c == NULL) {
		ac.refused_why = why;
		ac.refused_err = err;
		return false;
	}
	conn_deadline(c, now_ms() + 2000);
	ok = conn_line(c, 100, &line) == IO_OK && str_eq(line, STR("hello"));
	conn_close(c);
	return ok;
}

static void
dial_run(void *arg)
{
	struct rlimit few = { 0, 0 };
	int fd = dup(0);

	(void)arg;
	for (int i = 0; i < 5; i++)
		ac.failed += !dial_once();
	/* Room for our own socket, none for the one accepted. */
	few.rlim_max = ac.limit.rlim_max;
	few.rlim_cur = (rlim_t)fd + 1;
	(void)close(fd);
	(void)setrlimit(RLIMIT_NOFILE, &few);
	ac.failed += dial_once();
	(void)setrlimit(RLIMIT_NOFILE, &ac.limit);
	ac.failed += !dial_once();
}

static void
refused_run(void *arg)
{
	(void)arg;
	ac.failed += dial_once();
}

static void
test_accept(void **state)
{
	struct sockaddr_storage ss;
	socklen_t n;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	memset(&ac, 0, sizeof ac);
	t_true(ip_parse(STR("127.0.0.1"), &ac.peer));
	n = ip_to_sockaddr(ac.peer, 0, &ss);
	t_int(bind(fd, (struct sockaddr *)&ss, n), 0);
	t_int(listen(fd, 10), 0);
	n = sizeof ss;
	t_int(getsockname(fd, (struct sockaddr *)&ss, &n), 0);
	t_true(ip_from_sockaddr(&ss, &ac.peer, &ac.port));
	t_int(getrlimit(RLIMIT_NOFILE, &ac.limit), 0);
	acceptor_init(&ac.acc, fd);
	(void)co_spawn("serve", serve_run, NULL);
	(void)co_spawn("dial", dial_run, NULL);
	loop_run();
	t_int(ac.failed, 0);
	t_int(ac.took, 6);
	t_int(ac.acc.refused, 1);
	t_true(ip_is_loopback(ac.peer));
	(void)close(fd);
	(void)co_spawn("refused", refused_run, NULL);
	loop_run();
	t_int(ac.failed, 0);
	t_int(ac.refused_why, IO_BROKEN);
	t_int(ac.refused_err, ECONNREFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, up, down),
		cmocka_unit_test_setup_teardown(test_long_lines, up, down),
		cmocka_unit_test_setup_teardown(test_deadline, up, down),
		cmocka_unit_test_setup_teardown(test_rate, up, down),
		cmocka_unit_test_setup_teardown(test_blocks, up, down),
		cmocka_unit_test_setup_teardown(test_bulk, up, down),
		cmocka_unit_test_setup_teardown(test_stuck, up, down),
		cmocka_unit_test_setup_teardown(test_pending, up, down),
		cmocka_unit_test_setup_teardown(test_accept, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
