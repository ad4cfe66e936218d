/* SPDX-License-Identifier: ISC */
/*
 * role: the role's side of the control channel; see role.h.
 *
 * What keeper sends before the body attached is kept in order and given then.  When the control
 * channel ends, keeper is dead or has given us up: the process ends at once, whatever it was doing
 * (what was acknowledged is on disk; nothing else was promised).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/num.h"
#include "conf/config.h"
#include "ipc/role.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/log.h"

enum { BOOT_MS = 30'000, CONFIG_MAX = 16 << 20, EXIT_KEEPER_GONE = 75 };

/* A peer or a listener that came before the body attached. */
struct arrival {
	struct link link;
	int fd;
	bool listener;
	size_t number;
	struct role_peer peer;
	char name[32];
};

struct role_ctl {
	struct ipc *ch;
	struct co *waiter;
	bool started, go, attached, draining;
	char probe[64];
	struct role_hooks hooks;
	struct link early;
};

static void
give(struct role_env *env, const struct arrival *a)
{
	const struct role_hooks *h = &env->ctl->hooks;

	if (a->listener && h->on_listen)
		h->on_listen(env, a->number, a->fd);
	else if (!a->listener && h->on_peer)
		h->on_peer(env, &a->peer, a->fd);
	else
		close(a->fd);
}

static void
arrive(struct role_env *env, struct arrival *a)
{
	struct arrival *kept;

	a->peer.name = a->name;
	if (env->ctl->attached) {
		give(env, a);
		return;
	}
	kept = malloc(sizeof(*kept));
	if (!kept)
		abort();
	*kept = *a;
	kept->peer.name = kept->name;
	list_push(&env->ctl->early, &kept->link);
}

static void
on_peer(struct role_env *env, const struct msg_ctl_peer *m, int fd)
{
	struct arrival a = { .fd = fd };
	char digits[20];
	size_t n = num_format_u64(m->index, digits), word;

	if (m->role >= ROLE_COUNT) {
		close(fd);
		return;
	}
	a.peer = (struct role_peer){
		.role = (enum role_kind)m->role, .index = m->index, .generation = m->generation,
	};
	word = strlen(role_word(a.peer.role));
	memcpy(a.name, role_word(a.peer.role), word);
	a.name[word] = ' ';
	memcpy(a.name + word + 1, digits, n);
	arrive(env, &a);
}

/* ---- the start ---- */

static void
read_config(struct role_env *env, const struct msg_ctl_start *m, int fd)
{
	struct conf_errors errs = {};
	struct stat st;
	char *text, *file;

	if (fstat(fd, &st) == -1 || st.st_size <= 0 || st.st_size > CONFIG_MAX)
		return;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	file = strndup(m->config_file.p, m->config_file.n);
	if (text != MAP_FAILED && file)
		env->cfg = config_parse(str_from(text, (size_t)st.st_size), file, &errs);
	conf_errors_done(&errs);
	if (text != MAP_FAILED)
		munmap(text, (size_t)st.st_size);
	free(file);
}

static void
on_start(struct role_env *env, const struct msg_ctl_start *m, int fd)
{
	if (!env->ctl->started && m->role < ROLE_COUNT) {
		env->role = (enum role_kind)m->role;
		env->index = m->index;
		env->generation = m->generation;
		read_config(env, m, fd);
	}
	env->ctl->started = true;
	close(fd);
}

static void
on_file(struct role_env *env, const struct msg_ctl_file *m, int fd)
{
	struct role_file *f = malloc(sizeof(*f));
	char *name = strndup(m->name.p, m->name.n);

	if (!f || !name)
		abort();
	*f = (struct role_file){ .name = name, .fd = fd, .next = env->file };
	env->file = f;
}

static void
on_drain(struct role_env *env, const struct msg_ctl_drain *m)
{
	env->drain_deadline = now_ms() + m->within_ms;
	if (env->ctl->draining)
		return;
	env->ctl->draining = true;
	if (env->ctl->hooks.on_drain)
		env->ctl->hooks.on_drain(env);
	if (env->ctl->waiter)
		co_wake(env->ctl->waiter);
}

static void
on_ping(struct role_env *env, const struct msg_ctl_ping *m)
{
	struct msg_ctl_pong pong = { .cookie = m->cookie };

	if (env->ctl->hooks.on_status)
		env->ctl->hooks.on_status(env, &pong.sessions, &pong.done);
	ipc_send(env->ctl->ch, MSG_ctl_pong, &pong);
}

static void
on_go(struct role_env *env, const struct msg_ctl_go *m)
{
	size_t n = MIN(m->probe.n, sizeof(env->ctl->probe) - 1);

	if (n > 0)
		memcpy(env->ctl->probe, m->probe.p, n);
	env->ctl->go = true;
	if (env->ctl->waiter)
		co_wake(env->ctl->waiter);
}

static void
on_fd_msg(struct role_env *env, enum msg_type type, const union msg *m, int fd)
{
	if (type == MSG_ctl_start)
		on_start(env, &m->ctl_start, fd);
	else if (type == MSG_ctl_peer)
		on_peer(env, &m->ctl_peer, fd);
	else if (type == MSG_ctl_file)
		on_file(env, &m->ctl_file, fd);
	else if (type == MSG_ctl_listen)
		arrive(env, &(struct arrival){
		    .fd = fd, .listener = true, .number = m->ctl_listen.listener });
	else
		close(fd);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct role_env *env = ipc_arg(ch);

	(void)call_id;
	if (fd != -1)
		on_fd_msg(env, type, m, fd);
	else if (type == MSG_ctl_go)
		on_go(env, &m->ctl_go);
	else if (type == MSG_ctl_drain)
		on_drain(env, &m->ctl_drain);
	else if (type == MSG_ctl_ping)
		on_ping(env, &m->ctl_ping);
	else if (type == MSG_ctl_unlisten && env->ctl->hooks.on_unlisten)
		env->ctl->hooks.on_unlisten(env, m->ctl_unlisten.listener);
}

static void
on_close(struct ipc *ch)
{
	(void)ch;
	log_flush();
	_exit(EXIT_KEEPER_GONE);
}

static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };

static struct role_env *
env_new(void)
{
	struct role_env *env = calloc(1, sizeof(*env));

	if (!env || !(env->ctl = calloc(1, sizeof(*env->ctl))))
		abort();
	link_init(&env->ctl->early);
	env->drain_deadline = FOREVER;
	return env;
}

struct role_env *
role_env_open(int ctl_fd, enum role_kind role)
{
	struct role_env *env = env_new();
	int64_t deadline = deadline_in(BOOT_MS);

	ipc_set_self(role);
	env->role = role;
	env->ctl->waiter = co_self();
	env->ctl->ch = ipc_new(ctl_fd, "keeper 0", &ops, env);
	while (env->ctl->ch && !env->ctl->go)
		if (co_park(deadline) != WAKE_OK)
			break;
	env->ctl->waiter = NULL;
	return env->ctl->go && env->cfg && env->role == role ? env : NULL;
}

struct role_env *
role_env_for_test(enum role_kind role, const struct config *cfg)
{
	struct role_env *env = env_new();

	env->role = role;
	env->cfg = cfg;
	return env;
}

/* ---- for the body ---- */

struct str
role_env_probe(const struct role_env *env)
{
	return str_of(env->ctl->probe);
}

void
role_env_probe_answer(struct role_env *env, struct str json)
{
	ipc_send(env->ctl->ch, MSG_ctl_probe, &(struct msg_ctl_probe){ .json = json });
	ipc_flush(env->ctl->ch);
}

int
role_file(const struct role_env *env, const char *name)
{
	for (const struct role_file *f = env->file; f; f = f->next)
		if (str_eq(str_of(f->name), str_of(name)))
			return f->fd;
	return -1;
}

void
role_attach(struct role_env *env, const struct role_hooks *hooks, void *arg)
{
	struct link *l;

	env->arg = arg;
	env->ctl->hooks = *hooks;
	env->ctl->attached = true;
	while ((l = list_pop(&env->ctl->early)) != NULL) {
		struct arrival *a = CONTAINER_OF(l, struct arrival, link);

		give(env, a);
		free(a);
	}
	if (!env->ctl->ch)
		return;
	ipc_send(env->ctl->ch, MSG_ctl_ready, &(struct msg_ctl_ready){ .pid = (uint32_t)getpid() });
	if (env->ctl->draining && env->ctl->hooks.on_drain)
		env->ctl->hooks.on_drain(env);
}

void
role_wait_drain(struct role_env *env)
{
	env->ctl->waiter = co_self();
	while (!env->ctl->draining)
		if (co_park(FOREVER) == WAKE_CANCELLED)
			break;
	env->ctl->waiter = NULL;
}

bool
role_draining(const struct role_env *env)
{
	return env->ctl->draining;
}

struct ipc *
role_keeper(const struct role_env *env)
{
	return env->ctl->ch;
}
