/* SPDX-License-Identifier: ISC */
/*
 * pool: which file is in which state, and giving them out.  States are drawn in pool.h.
 *
 * Nothing here blocks or writes: pool_work.c does, on its own coroutine, woken from here.
 */
#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "spool/files.h"
#include "spool/pool_int.h"

uint64_t
pool_size(const struct pool *p, enum spool_kind kind)
{
	switch (kind) {
	case SPOOL_SEGMENT:	return p->conf.segment_size;
	case SPOOL_BIG:		return p->conf.big_size;
	case SPOOL_JOURNAL:	return p->conf.journal_size;
	}
	return 0;
}

unsigned
pool_ahead(const struct pool *p, enum spool_kind kind)
{
	switch (kind) {
	case SPOOL_SEGMENT:	return p->conf.segments_ahead;
	case SPOOL_BIG:		return p->conf.big_ahead;
	case SPOOL_JOURNAL:	return p->conf.journals_ahead;
	}
	return 0;
}

struct pool *
pool_new(int spool_dirfd, const struct pool_ops *ops, const struct pool_conf *conf, void *ctx)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->ops = *ops;
	p->ctx = ctx;
	p->dirfd = spool_dirfd;
	p->clock_fd = p->dir[1] = p->dir[2] = p->dir[3] = -1;
	if (conf)
		p->conf = *conf;
	p->conf.segment_size = p->conf.segment_size ? p->conf.segment_size : 64 << 20;
	p->conf.big_size = p->conf.big_size ? p->conf.big_size : 16 << 20;
	p->conf.journal_size = p->conf.journal_size ? p->conf.journal_size : 64 << 20;
	p->conf.segments_ahead = p->conf.segments_ahead ? p->conf.segments_ahead : 4;
	p->conf.big_ahead = p->conf.big_ahead ? p->conf.big_ahead : 8;
	p->conf.journals_ahead = p->conf.journals_ahead ? p->conf.journals_ahead : 1;
	p->conf.clock_lead_ms = p->conf.clock_lead_ms ? p->conf.clock_lead_ms : 60'000;
	p->conf.reserve = p->conf.reserve ? p->conf.reserve : 1 << 30;
	p->conf.reserve_percent = p->conf.reserve_percent ? p->conf.reserve_percent : 5;
	p->conf.idle_ms = p->conf.idle_ms ? p->conf.idle_ms : 1000;
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		for (int s = POOL_FREE; s <= POOL_LOST; s++)
			link_init(&p->list[k][s]);
	link_init(&p->waiting);
	return p;
}

void
pool_free(struct pool *p)
{
	if (!p)
		return;
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++) {
		for (int s = POOL_FREE; s <= POOL_LOST; s++)
			for (struct link *l; (l = list_pop(&p->list[k][s])) != NULL; )
				free(CONTAINER_OF(l, struct pool_file, link));
		idmap_done(&p->file[k]);
		if (p->dir[k] >= 0)
			(void)disk_close(p->dir[k]);
	}
	if (p->clock_fd >= 0)
		(void)disk_close(p->clock_fd);
	free(p);
}

struct pool_file *
pool_add(struct pool *p, const struct spool_head *h, enum pool_state state)
{
	struct pool_file *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->head = *h;
	f->state = state;
	list_push(&p->list[h->kind][state], &f->link);
	p->count[h->kind][state]++;
	(void)idmap_put(&p->file[h->kind], h->n + 1, f);
	p->next_n[h->kind] = MAX(p->next_n[h->kind], h->n + 1);
	p->next_life = MAX(p->next_life, (h->gen >> 32) + 1);
	return f;
}

void
pool_move(struct pool *p, struct pool_file *f, enum pool_state state)
{
	list_remove(&f->link);
	p->count[f->head.kind][f->state]--;
	f->state = state;
	list_push(&p->list[f->head.kind][state], &f->link);
	p->count[f->head.kind][state]++;
}

void
pool_forget(struct pool *p, struct pool_file *f)
{
	list_remove(&f->link);
	p->count[f->head.kind][f->state]--;
	(void)idmap_del(&p->file[f->head.kind], f->head.n + 1);
	free(f);
}

struct pool_file *
pool_find(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct pool_file *f = idmap_get(&p->file[kind], n + 1);

	return f && f->head.gen == gen ? f : NULL;
}

/* Unlike any before (upper half), and not to be guessed by who sends us bytes (lower half). */
uint64_t
pool_new_life(struct pool *p)
{
	return p->next_life++ << 32 | p->ops.random(p->ctx);
}

void
pool_wake(struct pool *p)
{
	if (p->worker)
		co_wake(p->worker);
}

unsigned
pool_waiters(const struct pool *p, enum spool_kind kind)
{
	unsigned n = 0;

	LIST_EACH(l, &p->waiting)
		n += CONTAINER_OF(l, struct pool_waiter, link)->kind == kind;
	return n;
}

static enum spool
give(struct pool *p, struct pool_file *f, struct pool_waiter *w)
{
	char name[FILE_NAME_MAX];
	int fd;

	file_name(f->head.kind, f->head.n, name);
	fd = disk_openat(p->dir[f->head.kind], name, O_WRONLY, 0);
	if (fd < 0) {
		pool_move(p, f, POOL_LOST);
		p->ops.strange(p->ctx, f->head.kind, name);
		return SPOOL_IO;
	}
	p->ops.lock(p->ctx, fd);
	f->holder = w->holder;
	pool_move(p, f, POOL_HELD);
	*w->out = (struct spool_file){
		.fd = fd, .n = f->head.n, .gen = f->head.gen, .size = f->head.size };
	return SPOOL_OK;
}

void
pool_serve(struct pool *p, enum spool_kind kind, enum spool res)
{
	LIST_EACH(l, &p->waiting) {
		struct pool_waiter *w = CONTAINER_OF(l, struct pool_waiter, link);
		struct link *free_file = list_first(&p->list[kind][POOL_FREE]);

		if (w->kind != kind || (!free_file && res == SPOOL_OK))
			continue;
		w->result = free_file ? give(p, CONTAINER_OF(free_file, struct pool_file, link),
		    w) :
		    res;
		w->answered = true;
		list_remove(&w->link);
		co_wake(w->co);
	}
}

enum spool
pool_take(struct pool *p, enum spool_kind kind, uint64_t holder, struct spool_file *out)
{
	struct pool_waiter w = {
		.co = co_self(), .kind = kind, .holder = holder, .out = out };

	pool_space(p);
	p->last_take_ms = now_ms();
	if (p->full && kind != SPOOL_JOURNAL)
		return SPOOL_FULL;		/* outcomes must go on being written */
	list_push(&p->waiting, &w.link);
	pool_serve(p, kind, SPOOL_OK);
	pool_wake(p);
	while (!w.answered) {
		if (p->stopped || co_park(FOREVER) == WAKE_CANCELLED) {
			if (!w.answered)
				list_remove(&w.link);
			return w.answered ? w.result : SPOOL_IO;
		}
	}
	return w.result;
}

void
pool_release(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct pool_file *f = pool_find(p, kind, n, gen);

	if (!f || f->state != POOL_HELD)
		return;
	f->holder = 0;
	pool_move(p, f, POOL_LIVE);
	p->ops.closed(p->ctx, kind, n, gen);
}

void
pool_drop(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen, bool broken)
{
	struct pool_file *f = pool_find(p, kind, n, gen);

	if (!f || f->state != POOL_HELD)
		return;
	f->holder = 0;
	f->remove = broken;
	pool_move(p, f, POOL_DIRTY);
	pool_wake(p);
}

void
pool_gone(struct pool *p, uint64_t holder)
{
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		LIST_EACH(l, &p->list[k][POOL_HELD]) {
			struct pool_file *f = CONTAINER_OF(l, struct pool_file, link);

			if (f->holder == holder)
				f->holder = 0;
		}
	pool_wake(p);
}

void
pool_adopt(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen, uint64_t holder)
{
	struct pool_file *f = pool_find(p, kind, n, gen);

	if (f && f->state == POOL_HELD)
		f->holder = holder;
}

bool
pool_finished(struct pool *p, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct pool_file *f = pool_find(p, kind, n, gen);

	/* A big file's writer says nothing when its message is committed; a journal's writer is
	 * the queue itself. */
	if (!f || !(f->state == POOL_LIVE || (f->state == POOL_HELD && kind != SPOOL_SEGMENT)))
		return false;
	pool_move(p, f, POOL_DIRTY);
	pool_wake(p);
	return true;
}

void
pool_big_live(struct pool *p, uint64_t n, uint64_t gen)
{
	struct pool_file *f = pool_find(p, SPOOL_BIG, n, gen);

	if (f)
		f->at_start = false;
}

void
pool_big_live_end(struct pool *p)
{
	p->big_known = true;
	/* With writers that outlived a pool the queue may not have read all their records yet. */
	if (p->held_at_start)
		return;
	LIST_EACH(l, &p->list[SPOOL_BIG][POOL_LIVE]) {
		struct pool_file *f = CONTAINER_OF(l, struct pool_file, link);

		if (f->at_start)
			pool_move(p, f, POOL_DIRTY);
	}
	pool_wake(p);
}

void
pool_each(struct pool *p, const struct pool_visit *v)
{
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++) {
		LIST_EACH(l, &p->list[k][POOL_HELD])
			v->on_file(v->ctx, &CONTAINER_OF(l, struct pool_file, link)->head, true);
		LIST_EACH(m, &p->list[k][POOL_LIVE])
			v->on_file(v->ctx, &CONTAINER_OF(m, struct pool_file, link)->head, false);
	}
}

struct pool_stats
pool_stats_get(const struct pool *p)
{
	struct pool_stats s = { .created = p->created, .recycled = p->recycled,
		.zeroed = p->zeroed, .full = p->full };

	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++) {
		s.free[k] = p->count[k][POOL_FREE];
		s.held[k] = p->count[k][POOL_HELD];
		s.live[k] = p->count[k][POOL_LIVE];
		s.dirty[k] = p->count[k][POOL_DIRTY] + p->count[k][POOL_BUSY];
	}
	return s;
}
