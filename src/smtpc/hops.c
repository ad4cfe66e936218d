/* SPDX-License-Identifier: ISC */
/*
 * hops: see hops.h.  Here are the lines of jobs and when workers are started; worker.c is what
 * one does.
 */
#include "smtpc/hops.h"

#include <stdlib.h>

#include "base/num.h"

enum { WORK_ARENA = 4 << 20, DESTS_REMEMBERED = 1000 };

bool
hops_init(struct hops *p, const struct hops_conf *conf)
{
	*p = (struct hops){ .conf = *conf };
	link_init(&p->works);
	link_init(&p->starved);
	p->workers = group_open(FOREVER);
	return p->workers != NULL;
}

static struct nexthop *
nexthop_get(struct hops *p, bool lmtp, struct str nexthop)
{
	struct nexthop *d = calloc(1, sizeof *d + nexthop.n + 1);

	if (!d)
		return NULL;
	d->bytes[0] = lmtp ? 'L' : 'S';
	memcpy(d->bytes + 1, nexthop.p, nexthop.n);
	d->key = (struct str){ d->bytes, nexthop.n + 1 };
	struct nexthop *old = map_get(&p->dests, d->key);
	if (old) {
		free(d);
		return old;
	}
	d->nexthop = str_skip(d->key, 1);
	d->lmtp = lmtp;
	d->hops = p;
	link_init(&d->line);
	link_init(&d->idle);
	link_init(&d->starved);
	(void)map_put(&p->dests, d->key, d);
	return d;
}

static void
nexthop_free_if_unused(struct nexthop *d)
{
	if (d->nworker || !list_empty(&d->line))
		return;
	list_remove(&d->starved);
	if (d->no_chunking && d->hops->dests.n < DESTS_REMEMBERED)
		return;			/* worth remembering */
	(void)map_del(&d->hops->dests, d->key);
	free(d);
}

static void
load_free(struct load *w)
{
	list_remove(&w->in_line);
	list_remove(&w->all);
	w->dest->hops->nwork--;
	arena_done(&w->arena);
	free(w);
}

void
load_finish(struct load *w)
{
	struct hops *p = w->dest->hops;

	p->ndone++;
	p->conf.done(p->conf.ctx, &w->at);
	load_free(w);
}

bool
hops_add(struct hops *p, const struct msg_job *m)
{
	struct load *w = calloc(1, sizeof *w);

	if (!w)
		return false;
	arena_init(&w->arena, WORK_ARENA);
	w->at.arena = &w->arena;
	link_init(&w->in_line);
	link_init(&w->all);
	if (!job_unpack(m, &w->arena, &w->at.job))
		goto fail;
	struct job *j = &w->at.job;
	struct nexthop *d = nexthop_get(p, j->transport == T_LMTP, j->nexthop);
	if (!d)
		goto fail;
	p->conf.source(p->conf.ctx, &j->ref, &w->arena, &w->at.src);
	w->dest = d;
	d->parallel = MAX(j->parallel, 1u);
	p->nwork++;
	list_push(&p->works, &w->all);
	list_push(&d->line, &w->in_line);
	nexthop_kick(d);
	return true;
fail:
	arena_done(&w->arena);
	free(w);
	return false;
}

/* There is work in line: wake an idle worker, or start one if there may be one more. */
void
nexthop_kick(struct nexthop *d)
{
	struct hops *p = d->hops;
	struct link *l;

	if (list_empty(&d->line) || p->draining)
		return;
	if ((l = list_pop(&d->idle)) != NULL) {
		worker_wake(l);
		return;
	}
	if (d->nworker >= d->parallel || (d->nopen && now_ms() < d->hold_until_ms))
		return;
	if (p->nworker >= HOPS_WORKERS_MAX ||
	    !group_go(p->workers, "smtpc", worker_run, d)) {
		if (d->nworker == 0 && list_empty(&d->starved))
			list_push(&p->starved, &d->starved);
		return;
	}
	p->nworker++;
	d->nworker++;
}

struct load *
nexthop_take(struct nexthop *d)
{
	struct link *l = list_pop(&d->line);

	return l ? CONTAINER_OF(l, struct load, in_line) : NULL;
}

void
nexthop_give_back(struct nexthop *d, struct load *w)
{
	for (size_t i = 0; w->opened && i < w->at.job.nrcpt; i++)
		if (w->at.state[i] != RCPT_DONE)
			w->at.state[i] = RCPT_WAITING;
	list_push_front(&d->line, &w->in_line);
}

/* Also for those that wait unopened: they have no outcomes yet to write to. */
static void
load_fail(struct load *w, const struct trouble *t)
{
	struct attempt *at = &w->at;

	if (!w->opened) {
		at->out = arena_zalloc(&w->arena, at->job.nrcpt * sizeof *at->out + 1);
		at->state = arena_zalloc(&w->arena, at->job.nrcpt + 1);
		w->opened = true;
	}
	if (at->out && at->state)
		attempt_fail(at, t);
	load_finish(w);
}

void
nexthop_fail(struct nexthop *d, const struct trouble *t)
{
	struct load *w;

	while ((w = nexthop_take(d)) != NULL)
		load_fail(w, t);
}

void
nexthop_worker_ended(struct nexthop *d)
{
	struct hops *p = d->hops;
	struct link *l;

	p->nworker--;
	d->nworker--;
	if (d->nworker == 0 && !list_empty(&d->line))
		nexthop_kick(d);
	nexthop_free_if_unused(d);
	if ((l = list_pop(&p->starved)) != NULL)
		nexthop_kick(CONTAINER_OF(l, struct nexthop, starved));
}

void
hops_cancel(struct hops *p, uint64_t msgid, uint32_t jobno)
{
	LIST_EACH(l, &p->works) {
		struct load *w = CONTAINER_OF(l, struct load, all);

		if (w->at.job.msgid != msgid || w->at.job.jobno != jobno ||
		    !link_linked(&w->in_line))
			continue;
		list_remove(&w->in_line);
		load_fail(w, &TROUBLE_TEMP(CLASS_OWN, "4.3.2", "withdrawn"));
		return;
	}
}

void
hops_drain(struct hops *p, int64_t deadline)
{
	p->draining = true;
	LIST_EACH(l, &p->works) {
		struct load *w = CONTAINER_OF(l, struct load, all);

		if (link_linked(&w->in_line))
			load_free(w);
	}
	size_t at = 0;
	struct str key;
	void *v;
	while (map_next(&p->dests, &at, &key, &v)) {
		struct nexthop *d = v;
		struct link *l;

		while ((l = list_pop(&d->idle)) != NULL)
			worker_wake(l);
	}
	while (group_count(p->workers) && now_ms() < deadline)
		if (group_room(p->workers, 1, deadline) != WAKE_OK)
			break;
	group_cancel(p->workers);
	(void)group_wait(&p->workers);
}

void
hops_done(struct hops *p)
{
	size_t at = 0;
	struct str key;
	void *v;

	while (!list_empty(&p->works))
		load_free(CONTAINER_OF(p->works.next, struct load, all));
	while (map_next(&p->dests, &at, &key, &v))
		free(v);
	map_done(&p->dests);
}
