/* SPDX-License-Identifier: ISC */
/*
 * conn: the writing side.
 *
 * A write is first tried without waiting, so a cancelled coroutine can still say its last reply
 * to a peer that takes it.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "rt/co.h"
#include "rt/conn_impl.h"
#include "rt/iobuf.h"

enum { IOV_MORE = 32 };

static enum io
send_all(struct conn *c, const struct iovec *iov, int n)
{
	size_t sum = 0;
	enum io io;

	if (c->broken != IO_OK)
		return c->broken;
	io = c->st->ops->write(c->st, iov, n, c->deadline);
	if (io != IO_OK) {
		c->broken = io;
		return io;
	}
	for (int i = 0; i < n; i++)
		sum += iov[i].iov_len;
	c->bytes_out += sum;
	co_worked(sum);
	return IO_OK;
}

static void
drop_out(struct conn *c)
{
	iobuf_put(c->out);
	c->out = NULL;
	c->out_n = 0;
}

enum io
conn_flush(struct conn *c)
{
	struct iovec iov;
	enum io io;

	if (c->out_n == 0)
		return c->broken;
	iov = (struct iovec){ c->out->p, c->out_n };
	io = send_all(c, &iov, 1);
	drop_out(c);
	return io;
}

enum io
conn_put(struct conn *c, struct str s)
{
	while (s.n > 0 && c->broken == IO_OK) {
		size_t n;

		if (c->out == NULL)
			c->out = iobuf_get(1);
		n = MIN(s.n, c->out->cap - c->out_n);
		memcpy(c->out->p + c->out_n, s.p, n);
		c->out_n += (uint32_t)n;
		s.p += n;
		s.n -= n;
		if (s.n > 0)
			(void)conn_flush(c);
	}
	return c->broken;
}

enum io
conn_putz(struct conn *c, const char *z)
{
	return conn_put(c, str_of(z));
}

enum io
conn_putf(struct conn *c, const char *fmt, ...)
{
	for (int try = 0; try < 2 && c->broken == IO_OK; try++) {
		va_list ap;
		size_t room;
		int n;

		if (c->out == NULL)
			c->out = iobuf_get(1);
		room = c->out->cap - c->out_n;
		va_start(ap, fmt);
		n = vsnprintf(c->out->p + c->out_n, room, fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < room) {
			c->out_n += (uint32_t)n;
			return IO_OK;
		}
		assert(n >= 0 && (size_t)n < c->out->cap);
		(void)conn_flush(c);
	}
	return c->broken;
}

enum io
conn_writev(struct conn *c, const struct iovec *iov, int n)
{
	struct iovec all[IOV_MORE];
	enum io io;

	if (c->out_n == 0)
		return n > 0 ? send_all(c, iov, n) : c->broken;
	if (n >= IOV_MORE) {
		io = conn_flush(c);
		return io == IO_OK ? send_all(c, iov, n) : io;
	}
	all[0] = (struct iovec){ c->out->p, c->out_n };
	if (n > 0)
		memcpy(all + 1, iov, (size_t)n * sizeof *iov);
	io = send_all(c, all, n + 1);
	drop_out(c);
	return io;
}

enum io
conn_write(struct conn *c, struct str s)
{
	struct iovec iov = { (char *)(uintptr_t)s.p, s.n };

	return conn_writev(c, &iov, s.n > 0);
}

enum io
conn_shutdown(struct conn *c)
{
	enum io io = conn_flush(c);

	return io == IO_OK ? c->st->ops->shutdown(c->st, c->deadline) : io;
}
