/* SPDX-License-Identifier: ISC */
/*
 * pool_role: the pool's process: the pool behind its channels to writers and queue.
 *
 * A file given out is locked (OFD) on the very description that travels, so that the lock ends when
 * the last process that holds it closes it: also a later pool sees by it who still writes.  Every
 * smtpd and queue is a writer with a number; queue is told which files there are to read.
 */
#include "spool/pool_role.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/list.h"
#include "conf/config.h"
#include "ipc/ipc.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/group.h"
#include "rt/log.h"
#include "spool/files.h"
#include "spool/pool.h"

enum { OTHER_POOL_MS = 100 };

struct pool_peer {
	struct link link;
	struct pool_role *role;
	struct ipc *ch;
	uint64_t id;			/* of the channel; the holder's number */
	int writer;
};

struct pool_role {
	struct pool *pool;
	struct group *group;
	struct link peer;
};

struct taking {
	struct pool_role *role;
	uint64_t holder;
	struct msg_pool_take ask;
};

static const char *
kind_word(enum spool_kind kind)
{
	return file_dir(kind);
}

static void
to_queue(struct pool_role *r, enum msg_type type, const void *m)
{
	LIST_EACH(l, &r->peer) {
		struct pool_peer *p = CONTAINER_OF(l, struct pool_peer, link);

		if (ipc_peer(p->ch) == ROLE_QUEUE)
			(void)ipc_send(p->ch, type, m);
	}
}

static void
on_closed(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	to_queue(ctx, MSG_pool_closed,
	    &(struct msg_pool_closed){ .kind = (uint8_t)kind, .n = n, .gen = gen });
}

static void
on_recycled(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	to_queue(ctx, MSG_pool_recycled,
	    &(struct msg_pool_recycled){ .kind = (uint8_t)kind, .n = n, .gen = gen });
}

static void
on_clock(void *ctx, int64_t limit_ms)
{
	struct pool_role *r = ctx;

	LIST_EACH(l, &r->peer) {
		struct pool_peer *p = CONTAINER_OF(l, struct pool_peer, link);

		if (p->writer >= 0)
			(void)ipc_send(p->ch, MSG_pool_clock, &(struct msg_pool_clock){
				.writer = (uint32_t)p->writer, .limit_ms = limit_ms });
	}
}

static void
on_space(void *ctx, bool full)
{
	struct pool_role *r = ctx;

	log_begin(full ? LOG_WARN : LOG_INFO, "spool_space");
	log_b("full", full);
	log_end();
	LIST_EACH(l, &r->peer)
		(void)ipc_send(CONTAINER_OF(l, struct pool_peer, link)->ch, MSG_pool_space,
		    &(struct msg_pool_space){ .full = full });
}

static bool
is_locked(void *ctx, int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)ctx;
	return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

static void
lock(void *ctx, int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)ctx;
	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return;
	log_begin(LOG_ERROR, "spool_lock");
	log_i("errno", errno);
	log_end();
}

static uint32_t
draw(void *ctx)
{
	uint32_t n;

	(void)ctx;
	if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n)
		abort();
	return n;
}

static void
on_strange(void *ctx, enum spool_kind kind, const char *name)
{
	(void)ctx;
	log_begin(LOG_WARN, "spool_strange");
	log_s("dir", kind_word(kind));
	log_s("file", name);
	log_end();
}

static void
take_run(void *arg)
{
	struct taking t = *(struct taking *)arg;
	enum spool_kind kind = (enum spool_kind)t.ask.kind;
	struct spool_file f = { .fd = -1 };
	enum spool why;
	struct ipc *ch;

	free(arg);
	why = pool_take(t.role->pool, kind, t.holder, &f);
	ch = ipc_by_id(t.holder);
	if (why != SPOOL_OK) {
		if (ch)
			(void)ipc_send(ch, MSG_pool_none, &(struct msg_pool_none){
				.tag = t.ask.tag, .why = (uint8_t)why });
		return;
	}
	if (!ch || !ipc_send_fd(ch, MSG_pool_file, &(struct msg_pool_file){
		.tag = t.ask.tag, .kind = t.ask.kind, .n = f.n, .gen = f.gen, .size = f.size },
	    f.fd)) {
		(void)disk_close(f.fd);
		pool_drop(t.role->pool, kind, f.n, f.gen, false);
		return;
	}
	(void)disk_close(f.fd);
}

static void
take(struct pool_peer *p, const struct msg_pool_take *ask)
{
	struct taking *t = malloc(sizeof *t);

	if (!t)
		abort();
	*t = (struct taking){ .role = p->role, .holder = p->id, .ask = *ask };
	if (ask->kind < SPOOL_SEGMENT || ask->kind > SPOOL_JOURNAL ||
	    !group_go(p->role->group, "pool take", take_run, t)) {
		free(t);
		(void)ipc_send(p->ch, MSG_pool_none, &(struct msg_pool_none){
			.tag = ask->tag, .why = SPOOL_IO });
	}
}

static enum spool_kind
kind_of(uint8_t kind)
{
	/* A foreign number finds no file. */
	return kind > SPOOL_JOURNAL || kind < SPOOL_SEGMENT ? SPOOL_SEGMENT :
	    (enum spool_kind)kind;
}

/* From queue alone: msg.def sees to that. */
static void
finished(struct pool_peer *p, const struct msg_pool_finished *m)
{
	if (pool_finished(p->role->pool, kind_of(m->kind), m->n, m->gen))
		return;
	log_begin(LOG_DEBUG, "spool_finished_unknown");
	log_s("dir", kind_word(kind_of(m->kind)));
	log_u("file", m->n);
	log_end();
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct pool_peer *p = ipc_arg(ch);
	struct pool *pool = p->role->pool;

	(void)call_id;
	if (fd >= 0)
		(void)disk_close(fd);
	if (type == MSG_pool_take)
		take(p, &m->pool_take);
	else if (type == MSG_pool_release)
		pool_release(pool, kind_of(m->pool_release.kind), m->pool_release.n,
		    m->pool_release.gen);
	else if (type == MSG_pool_drop)
		pool_drop(pool, kind_of(m->pool_drop.kind), m->pool_drop.n, m->pool_drop.gen,
		    m->pool_drop.broken);
	else if (type == MSG_pool_adopt)
		pool_adopt(pool, kind_of(m->pool_adopt.kind), m->pool_adopt.n,
		    m->pool_adopt.gen, p->id);
	else if (type == MSG_pool_finished)
		finished(p, &m->pool_finished);
	else if (type == MSG_pool_big_live)
		pool_big_live(pool, m->pool_big_live.n, m->pool_big_live.gen);
	else if (type == MSG_pool_big_live_end)
		pool_big_live_end(pool);
}

static void
on_close(struct ipc *ch)
{
	struct pool_peer *p = ipc_arg(ch);

	pool_gone(p->role->pool, p->id);
	pool_writer_gone(p->role->pool, p->writer);
	list_remove(&p->link);
	ipc_close(ch);
	free(p);
}

struct telling {
	struct ipc *ch;
	uint32_t count;
};

static void
tell_file(void *ctx, const struct spool_head *h, bool held)
{
	struct telling *t = ctx;

	t->count++;
	(void)ipc_send(t->ch, MSG_pool_known, &(struct msg_pool_known){
		.kind = (uint8_t)h->kind, .n = h->n, .gen = h->gen, .held = held });
}

static void
tell_queue(struct pool_peer *p)
{
	struct telling t = { .ch = p->ch };

	pool_each(p->role->pool, &(struct pool_visit){ tell_file, &t });
	(void)ipc_send(p->ch, MSG_pool_known_end, &(struct msg_pool_known_end){ t.count });
}

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };
	struct pool_role *r = env->arg;
	struct pool_peer *p = calloc(1, sizeof *p);
	int64_t epoch_ms, limit_ms;
	int writer;

	if (!p)
		abort();
	writer = pool_writer_new(r->pool, &epoch_ms, &limit_ms);
	p->ch = ipc_new(fd, peer->name, &ops, p);
	if (!p->ch) {
		pool_writer_gone(r->pool, writer);
		free(p);
		return;
	}
	p->role = r;
	p->id = ipc_id(p->ch);
	p->writer = writer;
	list_push(&r->peer, &p->link);
	if (writer >= 0)
		(void)ipc_send(p->ch, MSG_pool_clock, &(struct msg_pool_clock){
			.writer = (uint32_t)writer, .epoch_ms = epoch_ms, .limit_ms = limit_ms });
	(void)ipc_send(p->ch, MSG_pool_space,
	    &(struct msg_pool_space){ .full = pool_stats_get(r->pool).full });
	if (ipc_peer(p->ch) == ROLE_QUEUE)
		tell_queue(p);
}

static bool
start(struct pool_role *r, const struct role_env *env)
{
	static const struct pool_ops ops = {
		.closed = on_closed, .recycled = on_recycled, .clock = on_clock,
		.space = on_space, .held = is_locked, .lock = lock, .random = draw,
		.strange = on_strange,
	};
	const struct limits *lim = &env->cfg->lim;
	struct pool_conf conf = {
		.reserve = lim->spool_reserve_percent ? lim->spool_reserve : 1,
		.reserve_percent = (unsigned)lim->spool_reserve_percent,
		.segment_size = lim->spool_segment, .big_size = lim->spool_big_file,
		.journal_size = lim->spool_segment,
		.segments_ahead = (unsigned)lim->spool_ahead,
		.big_ahead = 2 * (unsigned)lim->spool_ahead,
	};
	enum spool res;

	r->pool = pool_new(role_file(env, "spool"), &ops, &conf, r);
	while ((res = pool_start(r->pool)) == SPOOL_BUSY) {
		/* The pool of the generation before us is not quite gone. */
		pool_free(r->pool);
		if (co_sleep(OTHER_POOL_MS) == WAKE_CANCELLED)
			return false;
		r->pool = pool_new(role_file(env, "spool"), &ops, &conf, r);
	}
	if (res == SPOOL_OK)
		return true;
	log_begin(LOG_ERROR, "spool_unusable");
	log_s("dir", env->cfg->spool_dir);
	log_i("errno", pool_errno(r->pool));
	log_end();
	return false;
}

void
pool_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer };
	struct pool_role r = {};

	link_init(&r.peer);
	if (!start(&r, env))
		return;
	r.group = group_open(FOREVER);
	if (!group_go(r.group, "pool", pool_run, r.pool))
		return;
	role_attach(env, &hooks, &r);
	role_wait_drain(env);
	/* A file wanted meanwhile is asked for again from the next pool: so hang up first, then
	 * stop; the other way round the waiting would be told that there is none. */
	LIST_EACH(l, &r.peer) {
		struct pool_peer *p = CONTAINER_OF(l, struct pool_peer, link);

		list_remove(&p->link);
		ipc_close(p->ch);
		free(p);
	}
	group_cancel(r.group);
	(void)group_wait(&r.group);
	pool_free(r.pool);
}
