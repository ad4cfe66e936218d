/* SPDX-License-Identifier: ISC */
/*
 * listen: see listen.h.  What happens when descriptors run out is rt/accept's business.
 */
#include "smtpd/listen.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rt/accept.h"
#include "rt/log.h"
#include "rt/loop.h"

struct door {
	struct smtpd *srv;
	const struct listener *l;
	struct acceptor a;
	struct group *loop;
	int fd;
	bool any;			/* bound to the wildcard: ask each connection for our end */
};

static void
who_is_it(const struct door *d, int fd, const struct sockaddr_storage *peer, struct visit *v)
{
	struct sockaddr_storage mine;
	socklen_t n = sizeof(mine);

	if (d->l->path.n > 0) {
		struct ucred cred;

		n = sizeof(cred);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0) {
			v->have_uid = true;
			v->uid = cred.uid;
		}
		return;
	}
	v->have_ip = ip_from_sockaddr(peer, &v->ip, &v->port);
	v->server_ip = d->l->ip;
	if (d->any && getsockname(fd, (struct sockaddr *)&mine, &n) == 0)
		(void)ip_from_sockaddr(&mine, &v->server_ip, NULL);
}

static void
door_run(void *arg)
{
	struct door *d = arg;
	struct sockaddr_storage peer;
	int fd;

	while (acceptor_next(&d->a, FOREVER, &fd, &peer) == WAKE_OK) {
		struct visit v = { .srv = d->srv, .listener = d->l };

		who_is_it(d, fd, &peer, &v);
		v.patient = d->l->kind == L_LOCAL;
		/* Without its uid a local peer would be nobody in particular. */
		if (d->l->kind == L_LOCAL && !v.have_uid) {
			close(fd);
			continue;
		}
		v.c = conn_new(fd);
		(void)smtpd_visit_go(&v);
	}
}

struct door *
door_open(struct smtpd *srv, const struct listener *l, int fd)
{
	struct door *d = calloc(1, sizeof(*d));
	int on = 1;

	if (!d) {
		close(fd);
		return NULL;
	}
	*d = (struct door){ .srv = srv, .l = l, .fd = fd,
	    .any = l->path.n == 0 && ip_is_any(l->ip) };
	/* Connections inherit it; replies are whole segments already. */
	if (l->path.n == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	acceptor_init(&d->a, fd);
	d->loop = group_open(FOREVER);
	if (!group_go(d->loop, "accept", door_run, d)) {
		door_close(d);
		return NULL;
	}
	return d;
}

void
door_close(struct door *d)
{
	if (!d)
		return;
	group_cancel(d->loop);
	(void)group_wait(&d->loop);
	acceptor_done(&d->a);
	fd_forget(d->fd);
	close(d->fd);
	free(d);
}

const struct listener *
door_listener(const struct door *d)
{
	return d->l;
}
