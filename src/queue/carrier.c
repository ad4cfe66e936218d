/* SPDX-License-Identifier: ISC */
/*
 * carrier: which deliverer serves which destination, and what happens when one comes or goes.
 *
 * A destination has a home among the deliverers of its kind, so that connections are reused; when
 * the home is full another takes over.  Destinations nothing is known of get at most half of a
 * window: a thousand black holes cannot fill it.
 */
#include "queue/carrier.h"

#include <stdlib.h>

#include "base/num.h"
#include "queue/parts.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { HELLO_MS = 5000, UNKNOWN_MS = 60'000 };

void
carriers_init(struct queue *q)
{
	slab_init(&q->flights, num_round_up(sizeof(struct flight), 8));
}

void
carriers_done(struct queue *q)
{
	for (unsigned i = 0; i < CARRIERS; i++)
		free(q->carrier[i]);
	slab_done(&q->flights);
	idmap_done(&q->flight_by_job);
}

struct carrier *
carrier_new(struct queue *q, const struct carrier *proto)
{
	for (unsigned i = 0; i < CARRIERS; i++) {
		struct carrier *c;

		if (q->carrier[i])
			continue;
		c = q->carrier[i] = malloc(sizeof *c);
		if (!c)
			abort();
		*c = *proto;
		c->no = i;
		c->ready = false;
		c->window = c->nflight = c->nunproven = 0;
		link_init(&c->flights);
		return c;
	}
	return NULL;
}

void
carrier_gone(struct queue *q, struct carrier *c)
{
	struct link *l;

	q->carrier[c->no] = NULL;
	c->ready = false;
	log_begin(LOG_INFO, "deliverer_gone");
	log_s("name", c->name);
	log_u("jobs", c->nflight);
	log_end();
	while ((l = list_first(&c->flights)))
		outcome_lost(q, CONTAINER_OF(l, struct flight, link));
	free(c);
	task_wake(&q->dispatch);
}

void
carrier_hello(struct queue *q, struct carrier *c, unsigned window)
{
	c->ready = true;
	c->window = MIN(window, (unsigned)CARRIER_WINDOW_MAX);
	task_wake(&q->dispatch);
}

bool
carriers_ready(const struct queue *q)
{
	if (now_ms() > q->started_ms + HELLO_MS)
		return true;
	for (unsigned i = 0; i < CARRIERS; i++)
		if (q->carrier[i] && !q->carrier[i]->ready)
			return false;
	return true;
}

static bool
room(const struct carrier *c, const struct dest *d)
{
	if (!c->ready || c->nflight >= c->window)
		return false;
	return d->proven || c->nunproven < (c->window + 1) / 2;
}

struct carrier *
carrier_for(const struct queue *q, const struct dest *d)
{
	struct carrier *fit[CARRIERS], *best = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < CARRIERS; i++)
		if (q->carrier[i] && q->carrier[i]->takes[d->transport])
			fit[n++] = q->carrier[i];
	if (n == 0)
		return NULL;
	struct carrier *home = fit[map_hash(d->key) % n];

	if (room(home, d))
		return home;
	for (unsigned i = 0; i < n; i++)
		if (room(fit[i], d) && (!best || fit[i]->nflight < best->nflight))
			best = fit[i];
	return best;
}

struct flight *
flight_new(struct queue *q, struct carrier *c, struct unit *u)
{
	struct flight *f = slab_get(&q->flights);

	f->unit = u;
	f->carrier = c;
	f->msgid = u->entry->id;
	f->jobno = u->jobno;
	f->unproven = !u->dest->proven;
	list_push(&c->flights, &f->link);
	c->nflight++;
	c->nunproven += f->unproven;
	(void)idmap_put(&q->flight_by_job, f->jobno, f);
	return f;
}

void
flight_free(struct queue *q, struct flight *f)
{
	struct carrier *c = f->carrier;

	list_remove(&f->link);
	c->nflight--;
	c->nunproven -= f->unproven;
	(void)idmap_del(&q->flight_by_job, f->jobno);
	slab_put(&q->flights, f);
	task_wake(&q->dispatch);
}

void
flight_note(struct flight *f, uint32_t idx, struct str addr)
{
	char *p = f->text + f->text_n;

	if (addr.n > 1000 || f->text_n + 6 + addr.n > sizeof f->text)
		return;
	put_le32(p, idx);
	put_le16(p + 4, (uint16_t)addr.n);
	memcpy(p + 6, addr.p, addr.n);
	f->text_n = (uint16_t)(f->text_n + 6 + addr.n);
}

struct str
flight_addr(const struct flight *f, uint32_t idx)
{
	for (size_t at = 0; at + 6 <= f->text_n; at += 6U + get_le16(f->text + at + 4))
		if (get_le32(f->text + at) == idx)
			return str_from(f->text + at + 6, get_le16(f->text + at + 4));
	return (struct str){};
}

/* A message that is not in the index may be one that intake has yet to read again. */
static struct entry *
known(struct queue *q, uint64_t id)
{
	int64_t until = deadline_in(UNKNOWN_MS);
	struct entry *e = entry_find(&q->ix, id);

	while (!e && !q->recovered && !q->stopping && now_ms() < until) {
		if (co_sleep(20) == WAKE_CANCELLED)
			break;
		e = entry_find(&q->ix, id);
	}
	return e;
}

static bool
unit_has(const struct unit *u, uint32_t idx)
{
	for (uint32_t i = 0; i < u->nidx; i++)
		if (unit_idx(u)[i] == idx)
			return true;
	return false;
}

/* The part of u that the job was made of: nrcpt numbers from first_idx on. */
static struct unit *
part_of(struct queue *q, struct unit *u, uint32_t first, uint32_t n)
{
	uint32_t idx[64], k = 0, i = 0;

	if (n >= u->nidx)
		return u;
	while (i < u->nidx && unit_idx(u)[i] != first)
		i++;
	while (i < u->nidx && k < n && k < COUNT(idx))
		idx[k++] = unit_idx(u)[i++];
	return unit_split(q, u, idx, k);
}

void
carrier_inflight(struct queue *q, struct carrier *c, const struct msg_job_inflight *m)
{
	unsigned no = c->no;
	struct entry *e = known(q, m->msgid);

	if (!e || q->carrier[no] != c || m->jobno == 0)
		return;
	for (struct unit *u = e->unit; u; u = u->next) {
		if (!unit_has(u, m->first_idx) || !u->dest || u->state == UNIT_FLIGHT ||
		    u->state == UNIT_REPORT)
			continue;
		unit_unlink(q, u);
		u->state = UNIT_WAIT;
		struct unit *v = part_of(q, u, m->first_idx, MAX(m->nrcpt, 1U));

		if (v != u)
			unit_ready(q, u, true);
		v->state = UNIT_FLIGHT;
		v->jobno = m->jobno;
		v->open = v->nidx;
		v->carrier = (uint8_t)c->no;
		v->class = CLASSES;		/* no answer yet */
		v->dest->nflight++;
		(void)flight_new(q, c, v);
		return;
	}
}

void
carrier_result(struct queue *q, struct carrier *c, const struct msg_job_result *m)
{
	struct flight *f = idmap_get(&q->flight_by_job, m->jobno);

	if (f && f->msgid == m->msgid) {
		outcome_apply(q, f, m->outcome, m->noutcome);
		return;
	}
	/* Of a job whose report never came: the deliverer named it before, or it is of a unit that
	 * waits here.  What it says is taken, if the message is still known. */
	if (m->noutcome == 0 || !known(q, m->msgid))
		return;
	const struct msg_job_inflight was = {
		.msgid = m->msgid, .jobno = m->jobno, .first_idx = m->outcome[0].idx,
		.nrcpt = (uint32_t)m->noutcome,
	};

	carrier_inflight(q, c, &was);
	f = idmap_get(&q->flight_by_job, m->jobno);
	if (f && f->msgid == m->msgid)
		outcome_apply(q, f, m->outcome, m->noutcome);
}
