/* SPDX-License-Identifier: ISC */
/*
 * pipes: see pipes.h.  Each direction is an fd_stream of its own.
 */
#include "smtpd/pipes.h"

#include <stdlib.h>

#include "base/list.h"

struct pipes {
	struct stream st;
	struct fd_stream in, out;
	bool same;
};

static struct pipes *
pipes_of(struct stream *st)
{
	return CONTAINER_OF(st, struct pipes, st);
}

static struct stream *
out_of(struct pipes *p)
{
	return p->same ? &p->in.st : &p->out.st;
}

static enum io
pipes_read(struct stream *st, char *to, size_t n, size_t *got)
{
	struct stream *in = &pipes_of(st)->in.st;

	return in->ops->read(in, to, n, got);
}

static enum io
pipes_wait(struct stream *st, int64_t deadline_ms)
{
	struct stream *in = &pipes_of(st)->in.st;

	return in->ops->wait(in, deadline_ms);
}

static enum io
pipes_write(struct stream *st, const struct iovec *iov, int n, int64_t deadline_ms)
{
	struct stream *out = out_of(pipes_of(st));

	return out->ops->write(out, iov, n, deadline_ms);
}

static bool
pipes_pending(struct stream *st)
{
	struct stream *in = &pipes_of(st)->in.st;

	return in->ops->pending(in);
}

static enum io
pipes_shutdown(struct stream *st, int64_t deadline_ms)
{
	struct stream *out = out_of(pipes_of(st));

	return out->ops->shutdown(out, deadline_ms);
}

static void
pipes_close(struct stream *st)
{
	struct pipes *p = pipes_of(st);

	p->in.st.ops->close(&p->in.st);
	if (!p->same)
		p->out.st.ops->close(&p->out.st);
	free(p);
}

static int
pipes_fd(struct stream *st)
{
	return pipes_of(st)->in.fd;
}

struct stream *
pipes_new(int in, int out)
{
	static const struct stream_ops ops = {
		.read = pipes_read, .wait = pipes_wait, .write = pipes_write,
		.pending = pipes_pending, .shutdown = pipes_shutdown, .close = pipes_close,
		.fd = pipes_fd,
	};
	struct pipes *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->st.ops = &ops;
	p->same = in == out;
	fd_stream_init(&p->in, in);
	if (!p->same)
		fd_stream_init(&p->out, out);
	return &p->st;
}
