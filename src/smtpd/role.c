/* SPDX-License-Identifier: ISC */
/*
 * role: see role.h.
 *
 * lookup sends tables as images and answers for system users; until its first image has come,
 * recipients of ours are "later".  A drain closes the doors first, then idle sessions, and gives
 * the others until keeper's deadline.
 */
#include "smtpd/role.h"

#include <stdlib.h>
#include <unistd.h>

#include "ipc/role.h"
#include "route/client.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "smtpd/filer.h"
#include "smtpd/listen.h"
#include "smtpd/recipient.h"
#include "smtpd/smtpd.h"

struct worker {
	struct role_env *env;
	struct smtpd *srv;
	struct filer *filer;
	struct route_client *route;
	struct door **door;		/* by number of the listener; NULL: not ours */
};

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	struct worker *w = env->arg;

	if (peer->role == ROLE_POOL)
		filer_pool(w->filer, fd, peer->name);
	else if (peer->role == ROLE_QUEUE)
		filer_queue(w->filer, fd, peer->name);
	else if (peer->role == ROLE_LOOKUP)
		route_client_peer(w->route, fd, peer->name);
	else
		close(fd);			/* resolver, vault: their stages take them */
}

static void
on_listen(struct role_env *env, size_t listener, int fd)
{
	struct worker *w = env->arg;

	if (listener >= env->cfg->nlistener || w->door[listener]) {
		close(fd);
		return;
	}
	w->door[listener] = door_open(w->srv, &env->cfg->listener[listener], fd);
}

static void
on_unlisten(struct role_env *env, size_t listener)
{
	struct worker *w = env->arg;

	if (listener >= env->cfg->nlistener)
		return;
	door_close(w->door[listener]);
	w->door[listener] = NULL;
}

static void
on_status(struct role_env *env, uint32_t *sessions, uint64_t *done)
{
	struct worker *w = env->arg;

	*sessions = (uint32_t)group_count(w->srv->sessions);
	*done = w->srv->accepted;
}

static void
finish(struct worker *w)
{
	for (size_t i = 0; i < w->env->cfg->nlistener; i++)
		on_unlisten(w->env, i);
	smtpd_drain(w->srv);
	(void)group_room(w->srv->sessions, 1, w->env->drain_deadline);
	smtpd_free(w->srv);
	filer_free(w->filer);
	route_client_free(w->route);
	free(w->door);
}

void
smtpd_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = {
		.on_peer = on_peer, .on_listen = on_listen, .on_unlisten = on_unlisten,
		.on_status = on_status,
	};
	struct sw_conf conf = { .budget = env->cfg->lim.message_memory };
	struct worker w = { .env = env };
	struct smtpd_ops ops;

	w.door = calloc(env->cfg->nlistener + 1, sizeof(struct door *));
	w.filer = filer_new(&conf);
	w.route = route_client_new(env->cfg);
	ops = recipient_ops(route_client_route(w.route));
	w.srv = smtpd_new(env->cfg, filer_writer(w.filer), &ops);
	if (!w.door || !w.srv)
		abort();
	w.srv->accepted_fd = role_file(env, "accepted");
	role_attach(env, &hooks, &w);
	role_wait_drain(env);
	finish(&w);
}
