/* SPDX-License-Identifier: ISC */
/*
 * files: see files.h.
 *
 * The queue is a writer like any other (of its notices and carried mail), and the only reader that
 * ends lives.  It names to a new pool what it still holds open for writing.
 */
#include "queue/files.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "rt/clock.h"
#include "rt/co.h"

enum { TAKE_MS = 60'000 };

struct take {
	struct link link;
	uint32_t tag;
	enum spool_kind kind;
	struct co *co;
	bool done;
	enum spool why;
	struct spool_file file;
};

struct held {
	struct link link;
	enum spool_kind kind;
	uint64_t n, gen;
};

struct files {
	struct queue *q;
	struct ipc *pool;
	struct link takes, held;
	uint32_t tag;
};

struct files *
files_new(void)
{
	struct files *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	link_init(&f->takes);
	link_init(&f->held);
	return f;
}

void
files_free(struct files *f)
{
	struct link *l;

	if (f->pool)
		ipc_close(f->pool);
	while ((l = list_pop(&f->held)))
		free(CONTAINER_OF(l, struct held, link));
	free(f);
}

void
files_queue(struct files *f, struct queue *q)
{
	f->q = q;
}

static void
ask(struct files *f, const struct take *t)
{
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_take,
		    &(struct msg_pool_take){ .tag = t->tag, .kind = (uint8_t)t->kind });
}

static void
hold(struct files *f, enum spool_kind kind, const struct spool_file *file)
{
	struct held *h = calloc(1, sizeof *h);

	if (!h)
		abort();
	*h = (struct held){ .kind = kind, .n = file->n, .gen = file->gen };
	list_push(&f->held, &h->link);
}

static bool
let_go(struct files *f, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	LIST_EACH(l, &f->held) {
		struct held *h = CONTAINER_OF(l, struct held, link);

		if (h->kind == kind && h->n == n && h->gen == gen) {
			list_remove(&h->link);
			free(h);
			return true;
		}
	}
	return false;
}

enum spool
files_get(struct files *f, enum spool_kind kind, struct spool_file *out)
{
	struct take *t = calloc(1, sizeof *t);
	int64_t deadline = deadline_in(TAKE_MS);
	enum spool why;

	if (!t)
		abort();
	*t = (struct take){ .tag = ++f->tag, .kind = kind, .co = co_self(), .why = SPOOL_IO };
	list_push(&f->takes, &t->link);
	ask(f, t);
	while (!t->done && co_park(deadline) == WAKE_OK)
		continue;
	list_remove(&t->link);
	why = t->done ? t->why : SPOOL_IO;
	if (why == SPOOL_OK) {
		*out = t->file;
		hold(f, kind, out);
	}
	free(t);
	return why;
}

void
files_drop(struct files *f, enum spool_kind kind, const struct spool_file *file, bool broken)
{
	(void)let_go(f, kind, file->n, file->gen);
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_drop, &(struct msg_pool_drop){
			.kind = (uint8_t)kind, .n = file->n, .gen = file->gen,
			.broken = broken });
}

void
files_release(struct files *f, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	if (let_go(f, kind, n, gen) && f->pool)
		(void)ipc_send(f->pool, MSG_pool_release, &(struct msg_pool_release){
			.kind = (uint8_t)kind, .n = n, .gen = gen });
}

void
files_finished(struct files *f, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	files_release(f, kind, n, gen);
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_finished, &(struct msg_pool_finished){
			.kind = (uint8_t)kind, .n = n, .gen = gen });
}

void
files_big_live(struct files *f, uint64_t n, uint64_t gen)
{
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_big_live,
		    &(struct msg_pool_big_live){ .n = n, .gen = gen });
}

void
files_big_live_end(struct files *f)
{
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_big_live_end, &(struct msg_pool_big_live_end){});
}

/* ---- the pool speaks ---- */

static void
on_file(struct files *f, const struct msg_pool_file *m, int fd)
{
	LIST_EACH(l, &f->takes) {
		struct take *t = CONTAINER_OF(l, struct take, link);

		if (t->tag != m->tag || t->done)
			continue;
		t->done = true;
		t->why = SPOOL_OK;
		t->file = (struct spool_file){ .fd = fd, .n = m->n, .gen = m->gen,
			.size = m->size };
		co_wake(t->co);
		return;
	}
	(void)close(fd);				/* nobody waits any more */
	(void)ipc_send(f->pool, MSG_pool_drop, &(struct msg_pool_drop){
		.kind = m->kind, .n = m->n, .gen = m->gen });
}

static void
on_none(struct files *f, const struct msg_pool_none *m)
{
	LIST_EACH(l, &f->takes) {
		struct take *t = CONTAINER_OF(l, struct take, link);

		if (t->tag != m->tag || t->done)
			continue;
		t->done = true;
		t->why = m->why == SPOOL_OK || m->why > SPOOL_IO ? SPOOL_IO : (enum spool)m->why;
		co_wake(t->co);
		return;
	}
}

static void
on_known(struct files *f, const struct msg_pool_known *m)
{
	const struct spool_head h = { .kind = (enum spool_kind)m->kind, .n = m->n, .gen = m->gen };

	queue_on_file(f->q, h.kind, &h, m->held);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct files *f = ipc_arg(ch);

	(void)call_id;
	if (type == MSG_pool_file)
		on_file(f, &m->pool_file, fd);
	else if (type == MSG_pool_none)
		on_none(f, &m->pool_none);
	else if (type == MSG_pool_clock)
		sw_clock(f->q->writer, m->pool_clock.writer, m->pool_clock.epoch_ms,
		    m->pool_clock.limit_ms);
	else if (type == MSG_pool_space)
		sw_set_full(f->q->writer, m->pool_space.full);
	else if (type == MSG_pool_known)
		on_known(f, &m->pool_known);
	else if (type == MSG_pool_known_end)
		queue_on_files_end(f->q);
	else if (type == MSG_pool_closed)
		queue_on_closed(f->q, (enum spool_kind)m->pool_closed.kind, m->pool_closed.n,
		    m->pool_closed.gen);
	else if (type == MSG_pool_recycled)
		queue_on_recycled(f->q, (enum spool_kind)m->pool_recycled.kind,
		    m->pool_recycled.n, m->pool_recycled.gen);
}

static void
on_close(struct ipc *ch)
{
	struct files *f = ipc_arg(ch);

	if (f->pool == ch)
		f->pool = NULL;
	ipc_close(ch);
}

void
files_peer(struct files *f, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };

	if (f->pool)
		ipc_close(f->pool);
	f->pool = ipc_new(fd, name, &ops, f);
	if (!f->pool)
		return;
	LIST_EACH(l, &f->held) {
		struct held *h = CONTAINER_OF(l, struct held, link);

		(void)ipc_send(f->pool, MSG_pool_adopt, &(struct msg_pool_adopt){
			.kind = (uint8_t)h->kind, .n = h->n, .gen = h->gen });
	}
	LIST_EACH(l, &f->takes) {
		struct take *t = CONTAINER_OF(l, struct take, link);

		if (!t->done)
			ask(f, t);
	}
}
