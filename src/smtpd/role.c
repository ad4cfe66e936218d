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

#include "dns/client.h"
#include "ipc/role.h"
#include "route/client.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/group.h"
#include "rt/log.h"
#include "smtpd/filer.h"
#include "smtpd/filter_dial.h"
#include "smtpd/listen.h"
#include "smtpd/recipient.h"
#include "smtpd/smtpd.h"
#include "smtpd/vault.h"
#include "tls/provider.h"
#include "tls/remote.h"

enum { EXIT_CONFIG = 78 };

enum { UNPROVEN_MS = 20, BROKEN_MS = 5000 };
enum { QUICK_US = 400, TABLES_MS = 5000, SEE_OFF_MS = 30'000, LOOK_MS = 250 };

/* One socket we accept on; a listener may have several. */
struct entrance {
	struct entrance *next;
	size_t listener;
	int early;			/* waits for the tables; -1: door is open */
	struct door *door;
};

struct worker {
	struct role_env *env;
	struct smtpd *srv;
	struct filer *filer;
	struct filter_dial *dial;
	struct route_client *route;
	struct tls_server *tls;
	struct tls_remote *vault;
	struct vault_line line;
	struct vault_keys *keys;
	struct dns_client *dns;
	struct entrance *entrances;
	bool tables;			/* they came, or we waited long enough */
	bool auth;			/* proven to refuse */
	struct group *group;
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
	else if (peer->role == ROLE_VAULT && w->vault)
		tls_remote_peer(w->vault, fd, peer->name);
	else if (peer->role == ROLE_VAULT)
		vault_line_peer(&w->line, fd, peer->name);
	else if (peer->role == ROLE_RESOLVER)
		dns_client_attach(w->dns, fd, peer->name);
	else
		close(fd);
}

static bool
waits_for_auth(const struct worker *w, size_t listener)
{
	return w->env->cfg->listener[listener].auth != LAUTH_OFF && w->vault && !w->auth;
}

static void
open_door(struct worker *w, struct entrance *e)
{
	e->door = door_open(w->srv, &w->env->cfg->listener[e->listener], e->early);
	e->early = -1;
}

static void
on_listen(struct role_env *env, size_t listener, int fd)
{
	struct worker *w = env->arg;
	struct entrance *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	if (listener >= env->cfg->nlistener) {
		close(fd);
		free(e);
		return;
	}
	*e = (struct entrance){ .next = w->entrances, .listener = listener, .early = fd };
	w->entrances = e;
	if (w->tables && !waits_for_auth(w, listener))
		open_door(w, e);
}

/* Doors open when recipients can be judged, so that the first client is not sent away.  Not
 * for ever, though: without tables, "later" is the right answer. */
static void
open_doors(struct worker *w)
{
	int64_t deadline = deadline_in(TABLES_MS);

	while (!route_client_ready(w->route) && now_ms() < deadline && !role_draining(w->env))
		if (co_sleep(2) != WAKE_OK)
			break;
	w->tables = true;
	for (struct entrance *e = w->entrances; e; e = e->next)
		if (e->early != -1 && !waits_for_auth(w, e->listener))
			open_door(w, e);
}

/* Taken out of the list, or NULL: closing a door suspends, so none is held while we look on. */
static struct entrance *
take_out(struct worker *w, size_t listener)
{
	for (struct entrance **at = &w->entrances; *at; at = &(*at)->next) {
		struct entrance *e = *at;

		if (e->listener != listener)
			continue;
		*at = e->next;
		return e;
	}
	return NULL;
}

static void
on_unlisten(struct role_env *env, size_t listener)
{
	struct worker *w = env->arg;

	for (struct entrance *e; (e = take_out(w, listener)) != NULL; ) {
		if (e->early != -1)
			close(e->early);
		door_close(e->door);
		free(e);
	}
}

static void
on_status(struct role_env *env, uint32_t *sessions, uint64_t *done)
{
	struct worker *w = env->arg;

	*sessions = (uint32_t)group_count(w->srv->sessions);
	*done = w->srv->accepted;
}

/* A reload gives long: then sessions go on as they please, and are sent off near its end.  A stop
 * gives short, and may come while we wait. */
static void
see_off(struct worker *w)
{
	bool told = false;

	while (group_count(w->srv->sessions) > 0 && now_ms() < w->env->drain_deadline) {
		if (!told && w->env->drain_deadline - now_ms() <= SEE_OFF_MS) {
			smtpd_drain(w->srv);
			told = true;
		}
		(void)group_room(w->srv->sessions, 1,
		    deadline_min(w->env->drain_deadline, deadline_in(LOOK_MS)));
	}
}

static void
finish(struct worker *w)
{
	for (size_t i = 0; i < w->env->cfg->nlistener; i++)
		on_unlisten(w->env, i);
	group_cancel(w->group);
	(void)group_wait(&w->group);
	see_off(w);
	smtpd_free(w->srv);
	vault_keys_free(w->keys);
	tls_remote_free(w->vault);
	tls_server_free(w->tls);
	filer_free(w->filer);
	filter_dial_free(w->dial);
	route_client_free(w->route);
	dns_client_free(w->dns);
}

/* ---- TLS ---- */

/* A file that keeper handed over: "chain:/path", "ca:/path". */
static bool
read_given(void *ctx, const char *name, struct buf *out)
{
	int fd = role_file(ctx, name);
	ssize_t n = 1;

	for (off_t at = 0; fd != -1 && n > 0; at += n) {
		char *to = buf_reserve(out, 16384);

		n = to ? pread(fd, to, 16384, at) : -1;
		if (n > 0)
			buf_add(out, (size_t)n);
	}
	return fd != -1 && n == 0;
}

/* Looks until AUTH is proven, then opens what waits for it. */
static void
auth_run(void *arg)
{
	struct worker *w = arg;
	enum auth_state state = AUTH_UNPROVEN;

	while (!w->auth && !co_cancelled() && !role_draining(w->env)) {
		enum auth_state before = state;

		state = vault_auth_state(w->vault);
		w->auth = state == AUTH_PROVEN;
		if (state == AUTH_BROKEN && before != AUTH_BROKEN) {
			log_begin(LOG_ERROR, "auth_doors_stay_shut");
			log_end();
		}
		if (!w->auth && co_sleep(state == AUTH_BROKEN ? BROKEN_MS : UNPROVEN_MS) != WAKE_OK)
			return;
	}
	for (struct entrance *e = w->entrances; w->tables && w->auth && e; e = e->next)
		if (e->early != -1)
			open_door(w, e);
}

static void
keys_run(void *arg)
{
	struct worker *w = arg;

	vault_keys_fetch(w->keys, FOREVER);
}

/* A worker that has certificates and cannot use them must not pretend that there are none. */
static void
tls_open(struct worker *w)
{
	struct tls_source src = { .read = read_given, .ctx = w->env };
	struct buf why;

	if (w->env->cfg->ncert == 0)
		return;
	buf_init(&why, 4096);
	w->tls = tls_server_new(w->env->cfg, &src, &why);
	if (!w->tls) {
		log_begin(LOG_ERROR, "tls_unusable");
		log_s("why", buf_str(&why));
		log_end();
		log_flush();
		_exit(EXIT_CONFIG);
	}
	buf_done(&why);
	w->vault = tls_remote_new(w->env->cfg, w->tls);
	w->srv->auth = vault_auth(w->vault);
}

bool
smtpd_role_setup(struct role_env *env)
{
	(void)env;
	return tls_init() && tls_provider_load();
}

void
smtpd_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = {
		.on_peer = on_peer, .on_listen = on_listen, .on_unlisten = on_unlisten,
		.on_status = on_status,
	};
	struct sw_conf conf = { .budget = env->cfg->lim.message_memory,
	    .quick_us = QUICK_US };
	struct worker w = { .env = env };
	struct smtpd_ops ops;

	w.filer = filer_new(&conf);
	w.route = route_client_new(env->cfg);
	w.dns = dns_client_new();
	if (!w.dns)
		abort();
	ops = recipient_ops(route_client_route(w.route));
	ops.dns = dns_client_ops(w.dns);
	w.srv = smtpd_new(env->cfg, filer_writer(w.filer), &ops);
	if (!w.srv)
		abort();
	w.dial = filter_dial_new(w.route);
	w.srv->filter_ops = filter_dial_ops(w.dial);
	tls_open(&w);
	w.srv->tls = w.tls;
	w.line.tls = w.vault;
	w.srv->srs = vault_srs(&w.line);
	w.keys = vault_keys_new(&w.line);
	w.srv->keys = vault_keys_own(w.keys);
	w.srv->sign = vault_keys_sign(w.keys);
	w.srv->accepted_fd = role_file(env, "accepted");
	role_attach(env, &hooks, &w);
	w.group = group_open(FOREVER);
	if (w.vault && !group_go(w.group, "auth-ready", auth_run, &w))
		abort();
	if (!group_go(w.group, "dkim-keys", keys_run, &w))
		abort();
	open_doors(&w);
	role_wait_drain(env);
	finish(&w);
}
