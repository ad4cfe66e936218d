/* SPDX-License-Identifier: ISC */
/*
 * route: expansion, grouping by next hop, discarding at once.
 *
 * A message all of whose recipients end in the void never becomes an entry: one journal record (of
 * twelve bytes in a batch) and its log lines are all it costs.
 */
#include "queue/route.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/log.h"

enum { LATER_S = 30 };

/* One message on its way into the index; e is made when it is first needed. */
struct intake {
	struct queue *q;
	struct seg *s;
	const struct spool_msg *m;
	struct arena *a;
	struct entry *e;
	unsigned discarded;
};

void
seal_seen(void *ctx, const struct spool_seal *seal)
{
	struct seal_ctx *sc = ctx;
	struct seg *s = seg_find(sc->q, seal->n, seal->gen);

	if (!s)
		return;				/* long finished */
	s->sealed = seal->at;
	sc->s->seals_n = seal->n;
	sc->s->seals_gen = seal->gen;
}

static struct entry *
the_entry(struct intake *in)
{
	if (in->e)
		return in->e;
	in->e = entry_new(&in->q->ix, in->m->id, in->s, (uint32_t)in->m->ref.offset);
	entry_flags_from(in->e, &in->m->env);
	if (in->m->ref.big_len > 0) {
		in->e->extra = calloc(1, sizeof *in->e->extra);
		if (!in->e->extra)
			abort();
		in->e->extra->big_n = in->m->ref.big_n;
		in->e->extra->big_gen = in->m->ref.big_gen;
		in->e->flags |= ENTRY_BIG;
	}
	return in->e;
}

static void
log_discarded(struct queue *q, uint64_t id, struct str addr)
{
	q->stats.delivered++;
	if (!log_wants(LOG_INFO))
		return;
	log_begin(LOG_INFO, "delivered");
	log_id("id", id);
	log_s("rcpt", addr);
	log_s("via", "discard");
	log_end();
}

/* The unit of that next hop which is only being filled now, or a new one. */
static struct unit *
unit_for(struct intake *in, struct dest *d)
{
	struct entry *e = the_entry(in);

	for (struct unit *u = e->unit; u; u = u->next)
		if (u->dest == d && u->state == UNIT_HELD)
			return u;
	struct unit *u = unit_new(&in->q->ix, e, NULL);

	if (d)
		unit_set_dest(in->q, u, d);
	u->state = UNIT_HELD;			/* until all recipients are in */
	return u;
}

static bool
has_idx(const struct entry *e, const struct dest *d, uint32_t idx)
{
	for (const struct unit *u = e->unit; u; u = u->next)
		for (uint32_t k = 0; u->dest == d && k < u->nidx; k++)
			if (unit_idx(u)[k] == idx)
				return true;
	return false;
}

/* One mailbox gets one copy, whether it was named by the client or made by a table. */
static bool
already(const struct intake *in, const struct dest *d, struct str addr, bool as_it_stands)
{
	const struct entry *e = in->e;
	const struct extra *x = e ? e->extra : NULL;

	for (uint32_t i = 0; x && i < x->nt; i++)
		if (str_eq(x->t[i].addr, addr) && has_idx(e, d, x->t[i].idx))
			return true;
	for (uint32_t i = 0; e && !as_it_stands && i < in->m->env.nrcpt; i++)
		if (str_eq(in->m->env.rcpt[i].addr, addr) && has_idx(e, d, i))
			return true;
	return false;
}

static void
add_target(struct intake *in, uint32_t rcpt, const struct queue_target *t, bool as_it_stands)
{
	struct queue *q = in->q;
	struct dest *d = dest_get(&q->dests, t->transport, t->nexthop);
	uint32_t idx = rcpt;

	if (already(in, d, t->addr, as_it_stands))
		return;
	if (!as_it_stands) {
		struct entry *e = the_entry(in);

		idx = (uint32_t)MAX(in->m->env.nrcpt,
		    (size_t)(e->extra ? e->extra->next_idx : 0));
		(void)entry_add_target(e, &(struct made_rcpt){
			.idx = idx, .rcpt = rcpt, .made_by = t->made_by, .addr = t->addr,
			.sender = in->m->env.null_sender ? (struct str){} : t->sender,
		});
	}
	unit_add_idx(unit_for(in, d), idx);
}

/* Tables are down, or refuse: the recipient itself becomes a unit with that fate. */
static void
add_fate(struct intake *in, uint32_t idx, enum becomes how, const struct becoming *x)
{
	struct queue *q = in->q;
	struct unit *u = unit_new(&q->ix, the_entry(in), NULL);

	unit_add_idx(u, idx);
	if (how == BECOMES_LATER) {
		unit_wait(q, u, queue_sec(q) + LATER_S);
		return;
	}
	report_unit(q, u, REPORT_FAILED,
	    &(struct report_why){ x->status, x->text, (struct str){} });
}

/* What the tables said of one recipient.  All are asked before the first entry is touched, because
 * asking may suspend and a half-made entry must not be seen by a snapshot. */
struct fate {
	enum becomes how;
	struct becoming x;
	uint32_t rcpt, idx;
	uint8_t made_by;		/* of an earlier expansion */
	struct str addr;
};

static void
ask(struct intake *in, struct fate *f)
{
	f->how = in->q->ops.expand(in->q->ctx, in->m, f->addr, in->a, &f->x);
}

/* Did the client say this very address? */
static bool
named(const struct intake *in, const struct fate *f, struct str addr)
{
	return f->rcpt < in->m->env.nrcpt && str_eq(in->m->env.rcpt[f->rcpt].addr, addr);
}

/* A recipient at another server that neither the client named nor a constructor of route/maker.h
 * made: it must not exist, and does not leave. */
static void
unmade(struct intake *in, const struct fate *f, struct str addr)
{
	log_begin(LOG_ERROR, "remote_unmade");
	log_id("id", in->m->id);
	log_s("rcpt", f->addr);
	log_s("to", addr);
	log_end();
	add_fate(in, f->idx, BECOMES_NEVER, &(struct becoming){ .status = STR("5.7.1"),
		.text = STR("550 5.7.1 relaying denied") });
}

static void
apply(struct intake *in, const struct fate *f)
{
	const struct becoming *x = &f->x;

	if (f->how != BECOMES_OK) {
		add_fate(in, f->idx, f->how, x);
		return;
	}
	if (x->n == 0 || (x->n == 1 && x->t[0].transport == T_DISCARD)) {
		log_discarded(in->q, in->m->id, f->addr);
		in->discarded++;
		return;
	}
	for (size_t i = 0; i < x->n; i++) {
		struct queue_target t = x->t[i];
		bool as_it_stands = x->n == 1 && f->idx == f->rcpt && t.sender.n == 0 &&
		    t.made_by == 0 && str_eq(t.addr, f->addr);

		if (t.made_by == 0)
			t.made_by = f->made_by;
		if (t.transport == T_DISCARD)
			log_discarded(in->q, in->m->id, t.addr);
		else if (t.transport == T_SMTP && t.made_by == 0 && !named(in, f, t.addr))
			unmade(in, f, t.addr);
		else
			add_target(in, f->rcpt, &t, as_it_stands);
	}
}

static void
log_queued(const struct spool_msg *m)
{
	if (!log_wants(LOG_INFO))
		return;
	log_begin(LOG_INFO, "queued");
	log_id("id", m->id);
	log_s("from", m->env.sender);
	log_u("rcpts", m->env.nrcpt);
	log_u("size", content_len(&m->ref));
	log_end();
}

/* Everybody is in: off they go. */
static void
launch(struct intake *in)
{
	struct queue *q = in->q;
	struct entry *e = in->e;

	for (struct unit *u = e->unit, *next; u; u = next) {
		next = u->next;
		if (u->state == UNIT_HELD)
			unit_ready(q, u, false);
	}
	if ((e->extra && e->extra->nt > 0) || in->discarded > 0)
		state_dirty(q, e);
}

void
intake_message(struct queue *q, struct seg *s, const struct spool_msg *m, struct arena *a)
{
	struct intake in = { .q = q, .s = s, .m = m, .a = a };
	struct entry *e = entry_find(&q->ix, m->id);
	uint32_t off = (uint32_t)m->ref.offset, n = (uint32_t)m->env.nrcpt;
	struct fate *f;

	s->total++;
	if (seg_was_done(s, off))
		return;
	if (e) {
		/* Else a copy that was carried, and whose journal record the power took. */
		if ((e->seg != s || e->off != off) && !carry_arrived(q, e, s, &m->ref))
			state_done(q, s, off, m->id);
		return;
	}
	f = calloc(n + 1, sizeof *f);		/* never too little for a record we took */
	if (!f)
		abort();
	q->stats.taken++;
	log_queued(m);
	for (uint32_t i = 0; i < n; i++) {
		f[i] = (struct fate){ .rcpt = i, .idx = i, .addr = m->env.rcpt[i].addr };
		ask(&in, &f[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		apply(&in, &f[i]);
	free(f);
	if (in.e) {
		launch(&in);
		return;
	}
	q->stats.finished++;
	state_done(q, s, off, m->id);
	if (m->ref.big_len > 0)
		finish_big(q, m->ref.big_n, m->ref.big_gen);
	if (log_wants(LOG_INFO)) {
		log_begin(LOG_INFO, "removed");
		log_id("id", m->id);
		log_s("how", "done");
		log_end();
	}
}

/* Its recipients are asked for again, one by one; the unit itself ends. */
static void
reroute(struct queue *q, struct unit *u, struct arena *a)
{
	struct entry *e = u->entry;
	struct spool_msg m;
	struct intake in = { .q = q, .s = e->seg, .m = &m, .a = a, .e = e };
	uint32_t n = u->nidx;
	struct fate *f = arena_zalloc(a, n * sizeof *f);

	u->state = UNIT_REPORT;			/* nobody else touches it meanwhile */
	if (!f || !record_read(q, e, a, &m)) {
		unit_wait(q, u, queue_sec(q) + LATER_S * 10);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t idx = unit_idx(u)[i];
		const struct made_rcpt *t = entry_target(e, idx);

		f[i] = (struct fate){ .rcpt = t ? t->rcpt : idx, .idx = idx,
			.made_by = t ? t->made_by : 0,
			.addr = str_dup(a, record_addr(e, &m, idx)) };
		ask(&in, &f[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		apply(&in, &f[i]);
	launch(&in);
	state_dirty(q, e);
	unit_gone(q, u);
}

void
reroute_waiting(struct queue *q, struct arena *a)
{
	struct link *l;

	while (!q->stopping && (l = list_pop(&q->reroute))) {
		struct unit *u = CONTAINER_OF(l, struct unit, due.link);

		u->open = 0;
		if (unit_too_old(q, u->entry)) {
			unit_expire(q, u);
			continue;
		}
		reroute(q, u, a);
		arena_reset(a);
	}
}
