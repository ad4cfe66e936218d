/* SPDX-License-Identifier: ISC */
/*
 * listen: listening sockets, bound once by keeper and passed to generation after generation.
 *
 * A socket is known by its address and worker and stays bound while any generation uses it, so a
 * reload never refuses a connection, and connections that wait for a worker that died are served by
 * its successor.  Workers have sockets of their own at each TCP address: the kernel spreads clients
 * evenly over them.  When workers become fewer, sockets do not: closing one would reset those who
 * wait in it, so a worker then serves several.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "main/keeper.h"

enum { BACKLOG = 4096 };

struct bound {
	struct link link;
	struct ip ip;
	uint16_t port;
	char *path;			/* Unix socket, or NULL */
	unsigned nr;			/* TCP: of several at this address; Unix: all share one */
	int fd;
};

static struct link table = { &table, &table };

static bool
is_same(const struct bound *b, const struct listener *l, unsigned nr)
{
	if (l->path.n)
		return b->path && str_eq(str_of(b->path), l->path);
	return !b->path && b->nr == nr && b->port == l->port && ip_eq(b->ip, l->ip);
}

static struct bound *
find(const struct listener *l, unsigned nr)
{
	LIST_EACH(at, &table) {
		struct bound *b = CONTAINER_OF(at, struct bound, link);

		if (is_same(b, l, nr))
			return b;
	}
	return NULL;
}

/* The first socket of an address is bound alone, so that another program there is noticed; then it
 * lets its fellows in. */
static int
bind_tcp(const struct listener *l, unsigned nr)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(l->ip, l->port, &ss);
	int on = 1, fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (l->ip.v6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (nr > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, n) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

/* A name left by a former life is removed; one that somebody answers on is in use. */
static bool
clear_stale(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0;
	struct stat st;

	close(fd);
	if (alive) {
		errno = EADDRINUSE;
		return false;
	}
	if (lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(un->sun_path);
	return true;
}

static int
bind_unix(struct str path, unsigned mode)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, rc;

	if (path.n >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, path.p, path.n);
	if (!clear_stale(&un))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	old = umask(0177);
	rc = bind(fd, (struct sockaddr *)&un, sizeof(un));
	(void)umask(old);
	if (rc == 0 && chmod(un.sun_path, mode) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = errno;
	close(fd);
	errno = rc;
	return -1;
}

int
listen_unix(struct str path, unsigned mode)
{
	return bind_unix(path, mode);
}

static const char *
hint(int err)
{
	if (err == EADDRINUSE)
		return "in use: another server runs there; stop it or choose another port";
	if (err == EACCES || err == EPERM)
		return "not permitted: start as root, or choose a port above 1023";
	if (err == EADDRNOTAVAIL)
		return "not an address of this machine";
	if (err == ENOENT || err == ENOTDIR)
		return "its directory is missing";
	return "cannot be bound";
}

static struct str
complain(const struct listener *l, int err)
{
	char text[IP_TEXT_MAX];
	struct buf b;

	buf_init(&b, 4096);
	if (l->path.n)
		buf_putf(&b, "listener " STR_F ": " STR_F ": %s (errno %d)\n", STR_A(l->name),
		    STR_A(l->path), hint(err), err);
	else
		buf_putf(&b, "listener " STR_F ": " STR_F " port %u: %s (errno %d)\n",
		    STR_A(l->name), STR_A(ip_format(l->ip, text)), l->port, hint(err), err);
	return buf_str(&b);
}

static struct bound *
bind_one(const struct listener *l, unsigned nr)
{
	struct bound *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	b->fd = l->path.n ? bind_unix(l->path, l->mode ? l->mode : 0666) : bind_tcp(l, nr);
	if (b->fd == -1) {
		free(b);
		return NULL;
	}
	b->ip = l->ip;
	b->port = l->port;
	b->nr = nr;
	b->path = l->path.n ? strndup(l->path.p, l->path.n) : NULL;
	list_push(&table, &b->link);
	return b;
}

static bool
bind_for(struct generation *g, size_t i, unsigned nr)
{
	const struct listener *l = &g->cfg->listener[i];
	struct bound *b = find(l, nr);

	if (!b)
		b = bind_one(l, nr);
	if (!b)
		return false;
	g->listen[nr * g->cfg->nlistener + i] = b->fd;
	return true;
}

bool
listen_bind(struct generation *g, struct str *why)
{
	*why = (struct str){};
	for (unsigned w = 0; w < g->sockets; w++) {
		for (size_t i = 0; i < g->cfg->nlistener; i++) {
			if (bind_for(g, i, w))
				continue;
			*why = complain(&g->cfg->listener[i], errno);
			return false;
		}
	}
	return true;
}

static bool
used(struct keeper *k, const struct bound *b)
{
	LIST_EACH(l, &k->gens) {
		const struct generation *g = CONTAINER_OF(l, struct generation, link);

		for (size_t i = 0; i < g->sockets * g->cfg->nlistener; i++)
			if (g->listen[i] == b->fd)
				return true;
	}
	return false;
}

static void
forget(struct bound *b)
{
	list_remove(&b->link);
	close(b->fd);
	if (b->path)
		(void)unlink(b->path);
	free(b->path);
	free(b);
}

void
listen_sweep(struct keeper *k)
{
	LIST_EACH(l, &table) {
		struct bound *b = CONTAINER_OF(l, struct bound, link);

		if (!used(k, b))
			forget(b);
	}
}

/* Whoever connects from now on is refused, not left in a queue that nobody empties. */
void
listen_end(void)
{
	LIST_EACH(l, &table)
		forget(CONTAINER_OF(l, struct bound, link));
}
