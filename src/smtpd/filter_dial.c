/* SPDX-License-Identifier: ISC */
/*
 * filter_dial: see filter_dial.h.
 */
#include "smtpd/filter_dial.h"

#include <stdlib.h>
#include <unistd.h>

#include "route/client.h"
#include "rt/clock.h"
#include "rt/co.h"

enum { GRACE_MS = 500 };		/* lookup's own time-out is heard first */

struct asked {				/* by whoever waits */
	struct link link;
	struct co *co;
	uint32_t tag;
	bool done, timed_out;
	int fd;
};

struct filter_dial {
	struct route_client *lookup;
	struct link asked;
	uint32_t tag;
};

static void
answer(struct asked *a, int fd, bool timed_out)
{
	if (a->fd != -1)
		close(a->fd);
	a->done = true;
	a->fd = fd;
	a->timed_out = timed_out;
	co_wake(a->co);
}

static struct asked *
find(struct filter_dial *fd, uint32_t tag)
{
	LIST_EACH(l, &fd->asked) {
		struct asked *a = CONTAINER_OF(l, struct asked, link);

		if (a->tag == tag)
			return a;
	}
	return NULL;
}

static void
on_msg(void *ctx, enum msg_type type, const union msg *m, int sock)
{
	struct filter_dial *fd = ctx;
	struct asked *a = NULL;

	if (type == MSG_NONE) {
		LIST_EACH(l, &fd->asked)
			answer(CONTAINER_OF(l, struct asked, link), -1, false);
		return;
	}
	if (type == MSG_filter_socket)
		a = find(fd, m->filter_socket.tag);
	else if (type == MSG_filter_none)
		a = find(fd, m->filter_none.tag);
	if (a)
		answer(a, sock, type == MSG_filter_none && m->filter_none.timed_out);
	else if (sock != -1)
		close(sock);			/* nobody waits for it any more */
}

/* What came of it; ends the question. */
static struct conn *
outcome(struct asked *a, enum wake w, enum io *why)
{
	int sock = a->fd;

	*why = a->timed_out || w == WAKE_TIMEOUT ? IO_TIMEOUT :
	    w == WAKE_CANCELLED ? IO_CANCELLED : IO_BROKEN;
	list_remove(&a->link);
	free(a);
	if (sock == -1)
		return NULL;
	*why = IO_OK;
	return conn_new(sock);
}

static struct conn *
open_filter(void *ctx, size_t filter, int64_t deadline, enum io *why)
{
	struct filter_dial *fd = ctx;
	struct ipc *ch = route_client_channel(fd->lookup);
	int64_t left = deadline - now_ms();
	enum wake w = WAKE_OK;
	struct asked *a;

	*why = IO_BROKEN;
	if (!ch || left <= 0 || !ipc_send(ch, MSG_filter_ask, &(struct msg_filter_ask){
	    .tag = ++fd->tag, .filter = (uint32_t)filter, .timeout_ms = (uint32_t)left }))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		abort();
	*a = (struct asked){ .co = co_self(), .tag = fd->tag, .fd = -1 };
	list_push(&fd->asked, &a->link);
	while (!a->done && w == WAKE_OK)
		w = co_park(deadline + GRACE_MS);
	return outcome(a, w, why);
}

struct filter_dial *
filter_dial_new(struct route_client *lookup)
{
	struct filter_dial *fd = calloc(1, sizeof(*fd));

	if (!fd)
		abort();
	fd->lookup = lookup;
	link_init(&fd->asked);
	route_client_else(lookup, &(struct route_client_else){ on_msg, fd });
	return fd;
}

void
filter_dial_free(struct filter_dial *fd)
{
	if (!fd)
		return;
	route_client_else(fd->lookup, &(struct route_client_else){});
	free(fd);
}

struct filter_ops
filter_dial_ops(struct filter_dial *fd)
{
	return (struct filter_ops){ .open = open_filter, .ctx = fd };
}
