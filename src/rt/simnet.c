/* SPDX-License-Identifier: ISC */
/*
 * simnet: connections within a world.
 *
 * A connection is two pipes, each a ring with one reading and one writing end; it lives until both
 * ends are closed.  Listeners are found by name; who dials waits until somebody accepts or the
 * queue takes it, as with a real one.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/num.h"
#include "rt/co.h"
#include "rt/conn_impl.h"
#include "rt/sim.h"
#include "rt/simnet.h"

enum { RING = 64 << 10 };

struct pipe {
	char *ring;
	size_t at, n;
	bool ended;			/* the writer is done */
	bool deaf;			/* the reader is gone */
	struct co *reader, *writer;
};

struct link_up;

struct end {
	struct stream st;
	struct link_up *link;
	struct pipe *in, *out;
};

struct link_up {			/* one connection */
	struct link link;		/* in the net */
	struct simnet *net;
	struct pipe pipe[2];
	struct end end[2];
	unsigned open;
	bool broken;
};

struct waiting {			/* a connection not accepted yet */
	struct link link;
	struct conn *conn;
};

struct world_listener {
	struct link link;
	char *name;
	bool black_hole;
	struct link queue;
	struct co *acceptor;
};

struct simnet {
	uint64_t *random;
	size_t pieces;
	struct link links, listeners;
	bool down;
};

static void
wake(struct co *co)
{
	if (co != NULL)
		co_wake(co);
}

static enum io
pipe_park(struct co **who, int64_t deadline_ms)
{
	enum wake w;

	assert(*who == NULL);
	*who = co_self();
	w = co_park(deadline_ms);
	*who = NULL;
	switch (w) {
	case WAKE_OK:		return IO_OK;
	case WAKE_TIMEOUT:	return IO_TIMEOUT;
	case WAKE_CANCELLED:	break;
	}
	return IO_CANCELLED;
}

static struct end *
end_of(struct stream *st)
{
	return CONTAINER_OF(st, struct end, st);
}

static enum io
sim_read(struct stream *st, char *p, size_t n, size_t *got)
{
	struct end *e = end_of(st);
	struct pipe *in = e->in;

	*got = 0;
	if (e->link->broken)
		return IO_BROKEN;
	if (in->n == 0)
		return in->ended ? IO_EOF : IO_OK;
	n = MIN(n, in->n);
	if (e->link->net->pieces > 0)
		n = MIN(n, 1 + sim_random(e->link->net->random, e->link->net->pieces));
	for (size_t i = 0; i < n; i++)
		p[i] = in->ring[(in->at + i) % RING];
	in->at = (in->at + n) % RING;
	in->n -= n;
	*got = n;
	wake(in->writer);
	return IO_OK;
}

static enum io
sim_wait(struct stream *st, int64_t deadline_ms)
{
	struct end *e = end_of(st);
	enum io io = co_cancelled() ? IO_CANCELLED : IO_OK;

	while (io == IO_OK && e->in->n == 0 && !e->in->ended && !e->link->broken)
		io = pipe_park(&e->in->reader, deadline_ms);
	return io;
}

static enum io
pipe_write(struct end *e, const char *p, size_t n, int64_t deadline_ms)
{
	struct pipe *out = e->out;

	while (n > 0) {
		size_t room = RING - out->n, m = MIN(room, n), to = (out->at + out->n) % RING;
		enum io io;

		if (e->link->broken || out->deaf || out->ended)
			return IO_BROKEN;
		if (room == 0) {
			io = pipe_park(&out->writer, deadline_ms);
			if (io != IO_OK)
				return io;
			continue;
		}
		m = MIN(m, RING - to);
		memcpy(out->ring + to, p, m);
		out->n += m;
		p += m;
		n -= m;
		wake(out->reader);
	}
	return e->link->broken || out->deaf ? IO_BROKEN : IO_OK;
}

static enum io
sim_write(struct stream *st, const struct iovec *iov, int n, int64_t deadline_ms)
{
	enum io io = IO_OK;

	for (int i = 0; i < n && io == IO_OK; i++)
		io = pipe_write(end_of(st), iov[i].iov_base, iov[i].iov_len, deadline_ms);
	return io;
}

static bool
sim_pending(struct stream *st)
{
	return end_of(st)->in->n > 0;
}

static enum io
sim_shutdown(struct stream *st, int64_t deadline_ms)
{
	struct end *e = end_of(st);

	(void)deadline_ms;
	e->out->ended = true;
	wake(e->out->reader);
	return IO_OK;
}

static void
sim_close(struct stream *st)
{
	struct end *e = end_of(st);
	struct link_up *l = e->link;

	e->out->ended = true;
	e->in->deaf = true;
	wake(e->out->reader);
	wake(e->in->writer);
	if (--l->open > 0)
		return;
	list_remove(&l->link);
	free(l->pipe[0].ring);
	free(l->pipe[1].ring);
	free(l);
}

static int
sim_fd(struct stream *st)
{
	(void)st;
	return -1;
}

static const struct stream_ops sim_stream_ops = {
	.read = sim_read,
	.wait = sim_wait,
	.write = sim_write,
	.pending = sim_pending,
	.shutdown = sim_shutdown,
	.close = sim_close,
	.fd = sim_fd,
};

static void
link_break(struct link_up *l)
{
	l->broken = true;
	for (int i = 0; i < 2; i++) {
		wake(l->pipe[i].reader);
		wake(l->pipe[i].writer);
	}
}

void
world_pair(struct world *w, struct conn *end[2])
{
	struct link_up *l = calloc(1, sizeof *l);
	struct simnet *net = world_net();

	(void)w;
	if (l == NULL)
		abort();
	l->net = net;
	l->open = 2;
	l->broken = net->down;
	for (int i = 0; i < 2; i++) {
		l->pipe[i].ring = malloc(RING);
		if (l->pipe[i].ring == NULL)
			abort();
		l->end[i] = (struct end){ .st = { &sim_stream_ops }, .link = l,
		    .in = &l->pipe[i], .out = &l->pipe[1 - i] };
		end[i] = conn_over(&l->end[i].st);
	}
	list_push(&net->links, &l->link);
}

void
world_break(struct conn *c)
{
	assert(conn_stream(c)->ops == &sim_stream_ops);
	link_break(end_of(conn_stream(c))->link);
}

void
world_pieces(struct world *w, size_t at_most)
{
	(void)w;
	world_net()->pieces = at_most;
}

static struct world_listener *
find(struct simnet *net, const char *name)
{
	LIST_EACH(l, &net->listeners) {
		struct world_listener *wl = CONTAINER_OF(l, struct world_listener, link);

		if (strcmp(wl->name, name) == 0)
			return wl;
	}
	return NULL;
}

struct world_listener *
world_listen(struct world *w, const char *name)
{
	struct world_listener *l = calloc(1, sizeof *l);

	(void)w;
	assert(find(world_net(), name) == NULL);
	if (l == NULL || (l->name = strdup(name)) == NULL)
		abort();
	link_init(&l->queue);
	list_push(&world_net()->listeners, &l->link);
	return l;
}

void
world_unlisten(struct world_listener *l)
{
	struct link *q;

	assert(l->acceptor == NULL);
	while ((q = list_pop(&l->queue)) != NULL) {
		struct waiting *wt = CONTAINER_OF(q, struct waiting, link);

		conn_close(wt->conn);
		free(wt);
	}
	list_remove(&l->link);
	free(l->name);
	free(l);
}

void
world_black_hole(struct world *w, const char *name)
{
	world_listen(w, name)->black_hole = true;
}

struct conn *
world_accept(struct world_listener *l, int64_t deadline_ms, enum io *why)
{
	struct waiting *wt;
	struct link *q;
	struct conn *c;

	*why = IO_OK;
	while ((q = list_pop(&l->queue)) == NULL) {
		*why = pipe_park(&l->acceptor, deadline_ms);
		if (*why != IO_OK)
			return NULL;
	}
	wt = CONTAINER_OF(q, struct waiting, link);
	c = wt->conn;
	free(wt);
	return c;
}

static struct conn *
connect_to(const char *name, int64_t deadline_ms, enum io *why, int *err)
{
	struct world_listener *l = find(world_net(), name);
	struct waiting *wt;
	struct conn *end[2];

	*err = 0;
	*why = IO_OK;
	if (l == NULL || world_net()->down) {
		*why = IO_BROKEN;
		*err = ECONNREFUSED;
		return NULL;
	}
	while (l->black_hole && *why == IO_OK) {
		switch (co_park(deadline_ms)) {
		case WAKE_OK:		break;
		case WAKE_TIMEOUT:	*why = IO_TIMEOUT; *err = ETIMEDOUT; break;
		case WAKE_CANCELLED:	*why = IO_CANCELLED; *err = ECANCELED; break;
		}
	}
	if (*why != IO_OK)
		return NULL;
	wt = calloc(1, sizeof *wt);
	if (wt == NULL)
		abort();
	world_pair(NULL, end);
	wt->conn = end[1];
	list_push(&l->queue, &wt->link);
	wake(l->acceptor);
	return end[0];
}

struct conn *
world_connect(struct world *w, const char *name, int64_t deadline_ms, enum io *why)
{
	int err;

	(void)w;
	return connect_to(name, deadline_ms, why, &err);
}

static struct conn *
sim_dial(const struct dial *d, enum io *why, int *err)
{
	char text[IP_TEXT_MAX];
	struct conn *c;
	struct buf b;

	if (d->path != NULL)
		return connect_to(d->path, d->deadline_ms, why, err);
	buf_init(&b, 128);
	if (d->to.v6)
		(void)buf_putc(&b, '[');
	(void)buf_put(&b, ip_format(d->to, text));
	(void)buf_put(&b, d->to.v6 ? STR("]:") : STR(":"));
	(void)buf_putu(&b, d->port);
	(void)buf_putc(&b, '\0');
	c = connect_to(b.p, d->deadline_ms, why, err);
	buf_done(&b);
	return c;
}

struct simnet *
simnet_new(uint64_t *random)
{
	struct simnet *n = calloc(1, sizeof *n);

	if (n == NULL)
		abort();
	n->random = random;
	link_init(&n->links);
	link_init(&n->listeners);
	dial_simulate(sim_dial);
	return n;
}

void
simnet_down(struct simnet *n)
{
	n->down = true;
	LIST_EACH(l, &n->links)
		link_break(CONTAINER_OF(l, struct link_up, link));
}

void
simnet_free(struct simnet *n)
{
	struct link *l;

	while ((l = list_first(&n->listeners)) != NULL)
		world_unlisten(CONTAINER_OF(l, struct world_listener, link));
	assert(list_empty(&n->links));
	dial_simulate(NULL);
	free(n);
}
