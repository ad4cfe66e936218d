/* SPDX-License-Identifier: ISC */
/*
 * answer: what keeper tells the admin role: status; and what it does for it: reload, stop.
 */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "main/keeper.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/log.h"

enum { PONG_MS = 500, LOOK_MS = 5 };

struct status {
	struct keeper *k;
	uint64_t ipc, call;
};

static const char *
state_word(enum child_state s)
{
	switch (s) {
	case CHILD_WAITING:	return "waiting";
	case CHILD_STARTING:	return "starting";
	case CHILD_READY:	return "ready";
	case CHILD_DRAINING:	return "draining";
	}
	return "";
}

static void
put_child(struct buf *b, const struct child *c, uint32_t cookie)
{
	buf_putf(b, "{\"role\":\"%s\",\"index\":%u,\"generation\":%u,\"pid\":%d,\"state\":\"%s\","
	    "\"restarts\":%u,\"age_ms\":%lld,\"answers\":%s,\"sessions\":%u,\"done\":%llu}",
	    role_word(c->role), c->index, c->gen->number, (int)c->pid, state_word(c->state),
	    c->restarts, (long long)(c->pid ? now_ms() - c->started_ms : 0),
	    c->cookie == cookie ? "true" : "false", c->sessions, (unsigned long long)c->done);
}

static bool
all_answered(const struct keeper *k, uint32_t cookie)
{
	LIST_EACH(l, &k->children) {
		const struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->ctl && c->state == CHILD_READY && c->cookie != cookie)
			return false;
	}
	return true;
}

static uint32_t
ping_all(struct keeper *k)
{
	static uint32_t cookie;

	cookie++;
	LIST_EACH(l, &k->children) {
		struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->ctl)
			ipc_send(c->ctl, MSG_ctl_ping, &(struct msg_ctl_ping){ .cookie = cookie });
	}
	return cookie;
}

static unsigned long long
spool_free(const struct keeper *k)
{
	struct statvfs v;

	return fstatvfs(k->spool, &v) == 0 ? (unsigned long long)v.f_bavail * v.f_frsize : 0;
}

static void
status_run(void *arg)
{
	struct status *s = arg;
	struct keeper *k = s->k;
	uint32_t cookie = ping_all(k);
	int64_t deadline = deadline_in(PONG_MS);
	struct ipc *ch;
	struct buf b;
	const char *comma = "";

	while (!all_answered(k, cookie) && now_ms() < deadline)
		if (co_sleep(LOOK_MS) != WAKE_OK)
			break;
	buf_init(&b, IPC_FRAME_MAX - 64);
	buf_putf(&b, "{\"generation\":%u,\"pid\":%d,\"spool_free\":%llu,\"roles\":[",
	    k->gen->number, (int)getpid(), spool_free(k));
	LIST_EACH(l, &k->children) {
		buf_put(&b, str_of(comma));
		put_child(&b, CONTAINER_OF(l, struct child, link), cookie);
		comma = ",";
	}
	buf_puts(&b, "]}");
	ch = ipc_by_id(s->ipc);
	if (ch)
		ipc_reply(ch, s->call, MSG_admin_answer,
		    &(struct msg_admin_answer){ .ok = !b.failed, .json = buf_str(&b) });
	buf_done(&b);
	free(s);
}

static void
status_start(struct child *asker, uint64_t call)
{
	struct status *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	*s = (struct status){ .k = asker->k, .ipc = ipc_id(asker->ctl), .call = call };
	if (!co_spawn("status", status_run, s))
		abort();
}

void
keeper_answer(struct child *asker, uint64_t call, const struct msg_admin_query *q)
{
	struct msg_admin_answer a = { .ok = true, .json = STR("{}") };

	if (str_eq(q->op, STR("status"))) {
		status_start(asker, call);
		return;
	}
	if (str_eq(q->op, STR("reload"))) {
		reload_start(asker->k, ipc_id(asker->ctl), call);
		return;
	}
	a.ok = str_eq(q->op, STR("stop"));
	if (!a.ok)
		a.json = STR("{\"why\":\"unknown operation\"}");
	ipc_reply(asker->ctl, call, MSG_admin_answer, &a);
	if (a.ok) {
		ipc_flush(asker->ctl);
		keeper_stop(asker->k, 30'000);
	}
}
