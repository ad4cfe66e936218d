/* SPDX-License-Identifier: ISC */
/*
 * conn: the reading side, and what both sides share.  The writing side is conn_write.c.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/co.h"
#include "rt/conn_impl.h"
#include "rt/iobuf.h"

struct conn *
conn_over(struct stream *st)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	c->st = st;
	c->deadline = FOREVER;
	return c;
}

struct conn *
conn_new(int fd)
{
	struct conn *c = conn_over(NULL);

	fd_stream_init(&c->plain, fd);
	c->st = &c->plain.st;
	return c;
}

void
conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	c->st->ops->close(c->st);
	iobuf_put(c->in);
	iobuf_put(c->out);
	free(c);
}

struct stream *
conn_stream(struct conn *c)
{
	return c->st;
}

void
conn_set_stream(struct conn *c, struct stream *st)
{
	c->st = st;
}

int
conn_fd(struct conn *c)
{
	return c->st->ops->fd(c->st);
}

void
conn_deadline(struct conn *c, int64_t at_ms)
{
	c->deadline = at_ms;
}

int64_t
conn_deadline_get(const struct conn *c)
{
	return c->deadline;
}

void
conn_rate(struct conn *c, uint32_t bytes_per_s, uint32_t window_ms)
{
	c->rate_window_ms = bytes_per_s > 0 ? window_ms : 0;
	c->rate_bytes = (uint64_t)bytes_per_s * window_ms / 1000;
	c->rate_waited_ms = 0;
	c->rate_from = c->bytes_in;
}

size_t
conn_buffered(const struct conn *c)
{
	return c->in_end - c->in_at;
}

bool
conn_has_input(const struct conn *c)
{
	return c->in_end > c->in_at;
}

bool
conn_input_pending(struct conn *c)
{
	return conn_has_input(c) || c->st->ops->pending(c->st);
}

void
conn_discard(struct conn *c)
{
	c->in_at = c->in_end = 0;
	c->scanned = 0;
}

void
conn_consume(struct conn *c, size_t n)
{
	assert(n <= conn_buffered(c));
	c->in_at += (uint32_t)n;
	c->scanned = 0;
}

/* Waits for input under the deadline and the rate rule; gives back an empty buffer first. */
static enum io
wait_input(struct conn *c)
{
	int64_t until = c->deadline, from = now_ms();
	enum io io;

	if (!conn_has_input(c)) {
		iobuf_put(c->in);
		c->in = NULL;
		c->in_at = c->in_end = 0;
	}
	if (c->rate_window_ms > 0)
		until = deadline_min(until, from + c->rate_window_ms - c->rate_waited_ms);
	io = c->st->ops->wait(c->st, until);
	if (c->rate_window_ms == 0)
		return io;
	c->rate_waited_ms += (uint32_t)MIN(now_ms() - from, (int64_t)c->rate_window_ms);
	if (c->rate_waited_ms < c->rate_window_ms)
		return io;
	if (io == IO_TIMEOUT && now_ms() < c->deadline)
		io = IO_OK;			/* the window's end, not the deadline */
	if (c->bytes_in - c->rate_from < c->rate_bytes)
		return io == IO_OK ? IO_TIMEOUT : io;
	c->rate_waited_ms = 0;
	c->rate_from = c->bytes_in;
	return io;
}

/* Makes room for at least one byte behind what is buffered; the buffer holds want if it can. */
static bool
make_room(struct conn *c, size_t want)
{
	size_t held = conn_buffered(c);

	if (c->in == NULL)
		c->in = iobuf_get(MIN(want, (size_t)IOBUF_BIG));
	if (c->in_end < c->in->cap && c->in_at + want <= c->in->cap)
		return true;
	if (want > c->in->cap && c->in->cap < IOBUF_BIG) {
		struct iobuf *big = iobuf_get(IOBUF_BIG);

		memcpy(big->p, c->in->p + c->in_at, held);
		iobuf_put(c->in);
		c->in = big;
	} else if (c->in_at > 0) {
		memmove(c->in->p, c->in->p + c->in_at, held);
	}
	c->in_at = 0;
	c->in_end = (uint32_t)held;
	return held < c->in->cap;
}

/* suspends.  At least one byte more than was buffered. */
static enum io
fill(struct conn *c, size_t want)
{
	if (co_cancelled())
		return IO_CANCELLED;
	for (;;) {
		size_t got = 0, room;
		enum io io;

		/* Without input and buffer we wait first: most often nothing is there yet. */
		if (c->in == NULL && !c->try_first) {
			io = wait_input(c);
			if (io != IO_OK)
				return io;
		}
		c->try_first = false;
		if (!make_room(c, want))
			return IO_TOOLONG;
		room = c->in->cap - c->in_end;
		io = c->st->ops->read(c->st, c->in->p + c->in_end, room, &got);
		if (io != IO_OK)
			return io;
		if (got > 0) {
			c->in_end += (uint32_t)got;
			c->bytes_in += got;
			c->bulk = got == room;
			/* A full read: more is there, do not wait before the next. */
			c->try_first = got == room;
			co_worked(got);
			return IO_OK;
		}
		if (conn_has_input(c)) {
			io = wait_input(c);
			if (io != IO_OK)
				return io;
		} else {
			iobuf_put(c->in);
			c->in = NULL;
			c->in_at = c->in_end = 0;
		}
	}
}

/* The next byte to be read stands in the buffer's beginning, if nothing is buffered. */
static void
rewind_empty(struct conn *c)
{
	if (!conn_has_input(c))
		c->in_at = c->in_end = 0;
}

enum io
conn_wait(struct conn *c)
{
	return conn_has_input(c) ? IO_OK : wait_input(c);
}

enum io
conn_block(struct conn *c, struct str *bytes)
{
	enum io io = IO_OK;

	if (!conn_has_input(c)) {
		rewind_empty(c);
		if (c->bulk && c->in != NULL && c->in->cap < IOBUF_BIG) {
			iobuf_put(c->in);
			c->in = iobuf_get(IOBUF_BIG);
		}
		io = fill(c, 1);
	}
	*bytes = io == IO_OK ? str_from(c->in->p + c->in_at, conn_buffered(c)) : (struct str){};
	return io;
}

enum io
conn_more(struct conn *c, struct str *bytes)
{
	enum io io;

	rewind_empty(c);
	io = fill(c, MIN(conn_buffered(c) + 1, (size_t)IOBUF_BIG));
	*bytes = c->in != NULL ? str_from(c->in->p + c->in_at, conn_buffered(c)) : (struct str){};
	return io;
}

/* Skips up to and with the next LF. */
static enum io
skip_line(struct conn *c)
{
	for (;;) {
		struct str b;
		enum io io = conn_block(c, &b);
		ssize_t at;

		if (io != IO_OK)
			return io;
		at = str_chr(b, '\n');
		conn_consume(c, at >= 0 ? (size_t)at + 1 : b.n);
		if (at >= 0)
			return IO_TOOLONG;
	}
}

enum io
conn_line(struct conn *c, size_t max, struct str *line)
{
	assert(max + 2 <= IOBUF_BIG);
	*line = (struct str){};
	if (c->skipping) {			/* a TOOLONG that a wait broke off */
		enum io io = skip_line(c);

		if (io == IO_TOOLONG)
			c->skipping = false;
		return io;
	}
	rewind_empty(c);
	for (;;) {
		size_t held = conn_buffered(c), n;
		const char *p = c->in != NULL ? c->in->p + c->in_at : NULL;
		const char *lf = held > c->scanned ? memchr(p + c->scanned, '\n',
		    held - c->scanned) : NULL;
		enum io io;

		if (lf != NULL) {
			n = (size_t)(lf - p);
			c->line_end = n > 0 && p[n - 1] == '\r' ? LINE_CRLF : LINE_LF;
			conn_consume(c, n + 1);
			n -= c->line_end == LINE_CRLF;
			*line = str_from(p, n);
			if (n <= max)
				return IO_OK;
			*line = (struct str){};
			return IO_TOOLONG;
		}
		c->scanned = (uint32_t)held;
		/* The CR of a line of exactly max bytes is not too much yet. */
		if (held > max + 1 || (held == max + 1 && p[max] != '\r')) {
			conn_consume(c, held);
			c->skipping = true;
			return conn_line(c, max, line);
		}
		io = fill(c, max + 2);
		if (io != IO_OK)
			return io;
	}
}

enum line_end
conn_line_end(const struct conn *c)
{
	return c->line_end;
}

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}
