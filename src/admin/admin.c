/* SPDX-License-Identifier: ISC */
/*
 * admin: connections of the control socket and where their questions go; see admin.h.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/arena.h"
#include "rt/accept.h"
#include "rt/clock.h"
#include "rt/conn.h"
#include "rt/group.h"
#include "rt/log.h"

enum {
	QUESTION_MAX = 49152, CONNECTIONS_MAX = 32, IDLE_MS = 60'000, ANSWER_MS = 60'000,
	ARENA_MAX = 1 << 20, LAST_VISITS_MS = 2000,
};

struct admin {
	struct role_env *env;
	struct ipc *queue, *lookup;
	struct group *visits;
	struct acceptor acceptor;
};

static struct admin *me;		/* one for each process */

struct visit {
	struct admin *a;
	struct conn *c;
};

/* ---- peers ---- */

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)ch, (void)type, (void)call_id, (void)m;
	if (fd != -1)
		close(fd);
}

static void
on_close(struct ipc *ch)
{
	struct admin *a = ipc_arg(ch);

	if (a->queue == ch)
		a->queue = NULL;
	if (a->lookup == ch)
		a->lookup = NULL;
	ipc_close(ch);
}

static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	struct admin *a = env->arg;
	struct ipc *ch = ipc_new(fd, peer->name, &ops, a);
	struct ipc **slot = peer->role == ROLE_QUEUE ? &a->queue : &a->lookup;

	if (!ch)
		return;
	if (*slot)
		ipc_close(*slot);
	*slot = ch;
}

/* ---- one visit ---- */

static struct ipc *
who_answers(const struct admin *a, struct str op)
{
	if (str_starts(op, STR("queue.")))
		return a->queue;
	if (str_starts(op, STR("lookup.")))
		return a->lookup;
	return role_keeper(a->env);
}

static void
say(struct visit *v, bool ok, struct str json)
{
	(void)conn_put(v->c, ok ? STR("ok ") : STR("error "));
	(void)conn_put(v->c, json);
	(void)conn_put(v->c, STR("\n"));
}

static void
answer(struct visit *v, struct str line)
{
	struct str args = line, op = str_split(&args, ' ');
	struct msg_admin_query q = { .op = op, .args = args.n ? args : STR("{}") };
	struct msg_admin_answer got;
	struct arena a;
	enum io io;

	log_begin(LOG_INFO, "admin");
	log_s("op", op);
	log_end();
	arena_init(&a, ARENA_MAX);
	io = ipc_call(who_answers(v->a, op), MSG_admin_query, &q, MSG_admin_answer, &got, &a,
	    deadline_in(ANSWER_MS));
	if (io == IO_OK)
		say(v, got.ok, got.json);
	else
		say(v, false, io == IO_TIMEOUT ? STR("{\"why\":\"no answer in time\"}")
		    : STR("{\"why\":\"the role that knows is not running\"}"));
	arena_done(&a);
}

static void
visit_run(void *arg)
{
	struct visit v = { .a = me, .c = arg };
	struct str line;
	struct arena a;

	arena_init(&a, 2 * QUESTION_MAX);
	for (;;) {
		conn_deadline(v.c, deadline_in(IDLE_MS));
		if (conn_line(v.c, QUESTION_MAX, &line) != IO_OK)
			break;
		line = str_dup(&a, line);	/* the buffer may move while we wait */
		answer(&v, line);
		if (conn_flush(v.c) != IO_OK)
			break;
		arena_reset(&a);
	}
	arena_done(&a);
	conn_close(v.c);
}

/* ---- accepting ---- */

static void
accept_run(void *arg)
{
	struct admin *a = arg;

	for (;;) {
		struct sockaddr_storage peer;
		struct conn *c;
		int fd;

		if (acceptor_next(&a->acceptor, FOREVER, &fd, &peer) != WAKE_OK)
			break;
		if (group_count(a->visits) >= CONNECTIONS_MAX) {
			close(fd);
			continue;
		}
		c = conn_new(fd);
		if (!group_go(a->visits, "control", visit_run, c))
			conn_close(c);
	}
}

void
admin_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer };
	struct admin a = { .env = env, .visits = group_open(FOREVER) };
	struct group *door = group_open(FOREVER);
	int fd = role_file(env, "control");

	me = &a;
	role_attach(env, &hooks, &a);
	if (fd != -1) {
		acceptor_init(&a.acceptor, fd);
		(void)group_go(door, "control-accept", accept_run, &a);
	}
	role_wait_drain(env);
	group_cancel(door);
	(void)group_wait(&door);
	/* Who was let in gets the answer; clients ask and go. */
	(void)group_room(a.visits, 1, deadline_in(LAST_VISITS_MS));
	group_cancel(a.visits);
	(void)group_wait(&a.visits);
}
