/* SPDX-License-Identifier: ISC */
/*
 * filer: see filer.h.
 *
 * A wait for a file survives a restart of the pool: it is asked again on the new channel.  Only
 * time ends it, and then the writer says SPOOL_IO to whoever waits.
 */
#include "smtpd/filer.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "ipc/ipc.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/log.h"
#include "rt/timer.h"

enum { TAKE_MS = 20'000, NOTICE_MS = 2 };

struct take {
	struct link link;
	uint32_t tag;
	enum spool_kind kind;
	struct co *co;
	bool done;
	enum spool why;
	struct spool_file file;
};

/* A segment that is ours.  Big files need no note: the pool sees by their locks who writes them,
 * and queue says when a committed one is finished. */
struct held {
	struct link link;
	uint64_t n, gen;
};

struct filer {
	struct spool_writer *sw;
	struct ipc *pool, *queue;
	struct link takes, held;
	uint32_t tag;
	struct sw_notice notice;	/* the last; not sent yet while the timer runs */
	struct timer later;
	int64_t told_ms;
};

static void
ask(struct filer *f, const struct take *t)
{
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_take,
		    &(struct msg_pool_take){ .tag = t->tag, .kind = (uint8_t)t->kind });
}

static void
hold(struct filer *f, const struct spool_file *file)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	*h = (struct held){ .n = file->n, .gen = file->gen };
	list_push(&f->held, &h->link);
}

static void
let_go(struct filer *f, uint64_t n, uint64_t gen)
{
	LIST_EACH(l, &f->held) {
		struct held *h = CONTAINER_OF(l, struct held, link);

		if (h->n == n && h->gen == gen) {
			list_remove(&h->link);
			free(h);
			return;
		}
	}
}

static enum spool
take(struct filer *f, enum spool_kind kind, struct spool_file *out)
{
	struct take *t = calloc(1, sizeof(*t));
	int64_t deadline = now_ms() + TAKE_MS;
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
		if (kind == SPOOL_SEGMENT)
			hold(f, out);
	}
	free(t);
	return why;
}

static enum spool
get_segment(void *ctx, struct spool_file *out)
{
	return take(ctx, SPOOL_SEGMENT, out);
}

static enum spool
get_big(void *ctx, struct spool_file *out)
{
	return take(ctx, SPOOL_BIG, out);
}

static void
drop_big(void *ctx, uint64_t n, uint64_t gen, bool broken)
{
	struct filer *f = ctx;

	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_drop, &(struct msg_pool_drop){
		    .kind = SPOOL_BIG, .n = n, .gen = gen, .broken = broken });
}

static void
release(struct filer *f, uint64_t n, uint64_t gen)
{
	let_go(f, n, gen);
	if (f->pool)
		(void)ipc_send(f->pool, MSG_pool_release, &(struct msg_pool_release){
		    .kind = SPOOL_SEGMENT, .n = n, .gen = gen });
}

static void
notice_send(void *arg)
{
	struct filer *f = arg;
	const struct sw_notice *n = &f->notice;

	timer_clear(&f->later);
	f->told_ms = now_ms();
	if (f->queue)
		(void)ipc_send(f->queue, MSG_seg_notice, &(struct msg_seg_notice){
		    .segno = n->segno, .gen = n->gen, .committed = n->committed,
		    .closed = n->closed });
}

/* A notice says all that those before it said of the segment: between two a moment may pass, so
 * that queue is not woken for every commit.  The end of a segment is told at once. */
static void
tell_queue(struct filer *f, const struct sw_notice *n)
{
	f->notice = *n;
	if (n->closed || now_ms() - f->told_ms >= NOTICE_MS)
		notice_send(f);
	else if (!timer_is_set(&f->later))
		timer_set(&f->later, f->told_ms + NOTICE_MS, notice_send, f);
}

static void
committed(void *ctx, const struct sw_notice *n)
{
	struct filer *f = ctx;

	tell_queue(f, n);
	if (n->closed)
		release(f, n->segno, n->gen);
}

struct filer *
filer_new(const struct sw_conf *conf)
{
	static const struct spool_writer_ops ops = {
		.get_segment = get_segment, .get_big = get_big, .drop_big = drop_big,
		.committed = committed,
	};
	struct filer *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	link_init(&f->takes);
	link_init(&f->held);
	f->sw = sw_new(&ops, conf, f);
	if (!f->sw)
		abort();
	return f;
}

void
filer_free(struct filer *f)
{
	sw_free(f->sw);
	timer_clear(&f->later);
	if (f->pool)
		ipc_close(f->pool);
	if (f->queue)
		ipc_close(f->queue);
	for (struct link *l; (l = list_pop(&f->held)) != NULL; )
		free(CONTAINER_OF(l, struct held, link));
	free(f);
}

struct spool_writer *
filer_writer(struct filer *f)
{
	return f->sw;
}

/* ---- the pool ---- */

static void
answer(struct filer *f, uint32_t tag, enum spool why, const struct spool_file *file)
{
	LIST_EACH(l, &f->takes) {
		struct take *t = CONTAINER_OF(l, struct take, link);

		if (t->tag != tag || t->done)
			continue;
		t->done = true;
		t->why = why;
		if (file)
			t->file = *file;
		co_wake(t->co);
		return;
	}
	/* Nobody waits any more. */
	if (file)
		close(file->fd);
}

static void
on_file(struct filer *f, const struct msg_pool_file *m, int fd)
{
	struct spool_file file = { .fd = fd, .n = m->n, .gen = m->gen, .size = m->size };
	bool wanted = false;

	LIST_EACH(l, &f->takes)
		if (CONTAINER_OF(l, struct take, link)->tag == m->tag)
			wanted = true;
	answer(f, m->tag, SPOOL_OK, &file);
	if (!wanted)
		(void)ipc_send(f->pool, MSG_pool_drop, &(struct msg_pool_drop){
		    .kind = m->kind, .n = m->n, .gen = m->gen });
}

static void
pool_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct filer *f = ipc_arg(ch);

	(void)call_id;
	if (type == MSG_pool_file)
		on_file(f, &m->pool_file, fd);
	else if (type == MSG_pool_none)
		answer(f, m->pool_none.tag, (enum spool)m->pool_none.why, NULL);
	else if (type == MSG_pool_clock)
		sw_clock(f->sw, m->pool_clock.writer, m->pool_clock.epoch_ms,
		    m->pool_clock.limit_ms);
	else if (type == MSG_pool_space)
		sw_set_full(f->sw, m->pool_space.full);
}

static void
pool_closed(struct ipc *ch)
{
	struct filer *f = ipc_arg(ch);

	if (f->pool == ch)
		f->pool = NULL;
	ipc_close(ch);
}

void
filer_pool(struct filer *f, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = pool_msg, .on_close = pool_closed };

	if (f->pool)
		ipc_close(f->pool);
	f->pool = ipc_new(fd, name, &ops, f);
	if (!f->pool)
		return;
	LIST_EACH(l, &f->held) {
		struct held *h = CONTAINER_OF(l, struct held, link);

		(void)ipc_send(f->pool, MSG_pool_adopt, &(struct msg_pool_adopt){
		    .kind = SPOOL_SEGMENT, .n = h->n, .gen = h->gen });
	}
	LIST_EACH(l, &f->takes) {
		struct take *t = CONTAINER_OF(l, struct take, link);

		if (!t->done)
			ask(f, t);
	}
}

/* ---- queue ---- */

static void
queue_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)ch, (void)type, (void)call_id, (void)m;
	if (fd != -1)
		close(fd);
}

static void
queue_closed(struct ipc *ch)
{
	struct filer *f = ipc_arg(ch);

	if (f->queue == ch)
		f->queue = NULL;
	ipc_close(ch);
}

void
filer_queue(struct filer *f, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = queue_msg, .on_close = queue_closed };
	struct sw_notice n;

	if (f->queue)
		ipc_close(f->queue);
	f->queue = ipc_new(fd, name, &ops, f);
	if (f->queue && sw_notice_get(f->sw, &n))
		tell_queue(f, &n);
}
