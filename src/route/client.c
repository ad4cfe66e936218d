/* SPDX-License-Identifier: ISC */
/*
 * client: see client.h.  Owns the channel and the mapping of the image.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "route/client.h"
#include "rt/co.h"
#include "rt/log.h"
#include "table/account.h"

enum { ASK_MS = 10'000, FIRST_MS = 3000 };

struct route_client {
	struct route route;
	struct ipc *ch;
	struct route_client_else other;
};

/* suspends */
static enum find
user_find(void *arg, struct str name, struct user_entry *out, struct arena *a)
{
	struct route_client *c = arg;
	struct msg_account_ask ask = { .user = name };
	struct msg_account_answer answer;

	*out = (struct user_entry){ .name = name };
	if (c->ch == NULL || ipc_call(c->ch, MSG_account_ask, &ask, MSG_account_answer, &answer, a,
	    now_ms() + ASK_MS) != IO_OK)
		return FIND_LATER;
	if (answer.answer == LOOKUP_UNKNOWN)
		return FIND_NO;
	if (answer.answer != LOOKUP_OWN)
		return FIND_LATER;
	out->has_ids = true;
	out->uid = answer.uid;
	out->gid = answer.gid;
	out->home = answer.home;
	return FIND_YES;
}

/* suspends */
static struct str
uid_name(void *arg, uint32_t uid, struct arena *a)
{
	struct route_client *c = arg;
	struct msg_uid_ask ask = { .uid = uid };
	struct msg_uid_answer answer;

	if (c->ch == NULL || ipc_call(c->ch, MSG_uid_ask, &ask, MSG_uid_answer, &answer, a,
	    now_ms() + ASK_MS) != IO_OK)
		return (struct str){};
	return answer.name;
}

/* A session or a message that comes before the first image need not be put off for that.
 * suspends */
static void
first(void *arg)
{
	struct route_client *c = arg;
	int64_t until = now_ms() + FIRST_MS;

	while (!route_client_ready(c) && now_ms() < until)
		if (co_sleep(5) != WAKE_OK && co_cancelled())
			return;
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call, const union msg *m, int fd)
{
	struct route_client *c = ipc_arg(ch);

	(void)call;
	if (type == MSG_tables_image && fd >= 0) {
		if (tables_take(&c->route.tables, fd, m->tables_image.generation))
			return;
		log_begin(LOG_ERROR, "table_image_bad");
		log_end();
	} else if (c->other.on_msg != NULL) {
		c->other.on_msg(c->other.ctx, type, m, fd);
	} else if (fd >= 0) {
		(void)close(fd);
	}
}

static void
on_close(struct ipc *ch)
{
	struct route_client *c = ipc_arg(ch);

	if (c->ch == ch)
		c->ch = NULL;
	ipc_close(ch);
	if (c->other.on_msg != NULL)
		c->other.on_msg(c->other.ctx, MSG_NONE, NULL, -1);
}

void
route_client_else(struct route_client *c, const struct route_client_else *e)
{
	c->other = *e;
}

struct ipc *
route_client_channel(const struct route_client *c)
{
	return c->ch;
}

struct route_client *
route_client_new(const struct config *cfg)
{
	struct route_client *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	c->route.cfg = cfg;
	c->route.ops = (struct route_ops){ user_find, uid_name, first, c };
	return c;
}

void
route_client_free(struct route_client *c)
{
	if (c == NULL)
		return;
	if (c->ch != NULL)
		ipc_close(c->ch);
	tables_done(&c->route.tables);
	free(c);
}

void
route_client_peer(struct route_client *c, int fd, const char *name)
{
	static const struct ipc_ops ops = { on_msg, on_close };
	struct ipc *old = c->ch;

	c->ch = ipc_new(fd, name, &ops, c);
	if (old != NULL)
		ipc_close(old);
}

bool
route_client_ready(const struct route_client *c)
{
	return c->route.tables.img.p != NULL;
}

const struct route *
route_client_route(const struct route_client *c)
{
	return &c->route;
}
