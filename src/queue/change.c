/* SPDX-License-Identifier: ISC */
/*
 * change: what the administrator may do to a message, transition by transition.
 *
 * A unit in flight is not touched: hold, drop and bounce take effect when it lands undelivered;
 * what cannot be done to it is not counted as changed.
 * Single recipients that were chosen are split off first, so each operation is about whole units.
 */
#include "queue/admin.h"

#include "base/num.h"
#include "queue/filter.h"
#include "queue/parts.h"
#include "route/maker.h"
#include "rt/clock.h"
#include "rt/log.h"

/* Reports are bounded: wait for room, so that bouncing a million is possible. */
static bool
wait_report(struct queue *q)
{
	while (!report_room(q) && !q->stopping)
		if (co_sleep(20) == WAKE_CANCELLED)
			return false;
	return !q->stopping;
}

/* The unit's recipients become others, at `to`, in a new unit. */
static void
redirect(struct queue *q, struct unit *u, const struct spool_msg *m, struct str to)
{
	struct entry *e = u->entry;
	struct unit *v = unit_new(&q->ix, e, NULL);

	for (uint32_t i = 0; i < u->nidx; i++) {
		uint32_t was = unit_idx(u)[i], idx;
		const struct made_rcpt *t = entry_target(e, was);

		idx = MAX((uint32_t)m->env.nrcpt, e->extra ? e->extra->next_idx : 0);
		(void)entry_add_target(e, &(struct made_rcpt){
			.idx = idx, .rcpt = t ? t->rcpt : was,
			.made_by = (uint8_t)maker_admin_redirect().who,
			.addr = to,
		});
		unit_add_idx(v, idx);
	}
	unit_wait(q, v, queue_sec(q));
	unit_gone(q, u);
}

static void
hold(struct queue *q, struct unit *u)
{
	u->entry->flags |= ENTRY_HELD;
	if (u->state == UNIT_FLIGHT || u->state == UNIT_REPORT)
		return;
	unit_unlink(q, u);
	u->state = UNIT_HELD;
}

static void
retry(struct queue *q, struct unit *u)
{
	if (u->dest)
		dest_wake(&q->dests, u->dest);
	if (u->state == UNIT_WAIT || u->state == UNIT_UNROUTED) {
		unit_unlink(q, u);
		unit_ready(q, u, true);
	}
	task_wake(&q->dispatch);
}

/* All of a message is remembered as dropped in the journal; of a part only the part goes. */
static void
drop(struct queue *q, struct unit *u, bool whole)
{
	if (whole)
		u->entry->flags |= ENTRY_DOOMED;
	u->fate = FATE_DROP;
	if (u->state == UNIT_FLIGHT || u->state == UNIT_REPORT)
		return;
	unit_unlink(q, u);
	unit_gone(q, u);
}

/* False: nothing could be done to it. */
static bool
apply(struct queue *q, struct unit *u, const struct spool_msg *m, const struct change_ask *ask)
{
	bool still = u->state != UNIT_FLIGHT && u->state != UNIT_REPORT;

	switch (ask->change) {
	case CHANGE_NONE:
		break;
	case CHANGE_RETRY:
		retry(q, u);
		break;
	case CHANGE_HOLD:
		hold(q, u);
		break;
	case CHANGE_RELEASE:
		u->entry->flags &= (uint16_t)~(ENTRY_HELD | ENTRY_UNDELIVERED);
		if (u->state == UNIT_HELD)
			unit_ready(q, u, true);
		break;
	case CHANGE_DROP:
		drop(q, u, ask->whole);
		break;
	case CHANGE_BOUNCE:
		if (u->state == UNIT_FLIGHT) {
			u->fate = FATE_BOUNCE;
			break;
		}
		if (!still)
			return false;
		unit_unlink(q, u);
		report_unit(q, u, REPORT_FAILED, &REPORT_BY_ADMIN);
		break;
	case CHANGE_REDIRECT:
		if (!still)
			return false;
		unit_unlink(q, u);
		redirect(q, u, m, ask->to);
		break;
	}
	return true;
}

/* A split changes nothing about when a part's turn comes. */
static void
as_before(struct queue *q, struct unit *u, enum unit_state was, uint32_t at)
{
	if (was == UNIT_WAIT || was == UNIT_UNROUTED)
		unit_wait(q, u, at);
	else if (was != UNIT_HELD)
		unit_ready(q, u, false);
}

/* The chosen part of u: u itself, a unit split off, or NULL. */
static struct unit *
chosen(struct queue *q, const struct filter *f, struct unit *u, const struct spool_msg *m,
    struct arena *a)
{
	uint32_t *idx, n = 0;

	if (!filter_by_rcpt(f))
		return u;
	idx = arena_alloc(a, u->nidx * sizeof *idx);
	if (!idx)
		return NULL;
	for (uint32_t i = 0; i < u->nidx; i++)
		if (filter_rcpt(q, f, u, record_addr(u->entry, m, unit_idx(u)[i])))
			idx[n++] = unit_idx(u)[i];
	if (n == u->nidx || n == 0)
		return n ? u : NULL;
	if (u->state == UNIT_FLIGHT || u->state == UNIT_REPORT)
		return NULL;
	enum unit_state was = u->state;
	uint32_t at = u->due.at;

	if (was != UNIT_HELD)
		unit_unlink(q, u);
	struct unit *v = unit_split(q, u, idx, n);

	as_before(q, u, was, at);
	as_before(q, v, was, at);
	return v;
}

static bool
any_chosen(const struct queue *q, const struct filter *f, const struct entry *e,
    const struct spool_msg *m)
{
	if (!filter_by_rcpt(f))
		return true;
	for (const struct unit *u = e->unit; u; u = u->next)
		for (uint32_t i = 0; i < u->nidx; i++)
			if (filter_rcpt(q, f, u, record_addr(e, m, unit_idx(u)[i])))
				return true;
	return false;
}

void
change_message(struct queue *q, const struct filter *f, uint64_t id, struct arena *a,
    struct change_ask *ask)
{
	struct entry *e = entry_find(&q->ix, id);
	struct spool_msg m = {};
	struct unit **all;
	size_t n = 0;
	bool any = false;

	if (!e || !filter_cheap(q, f, e))
		return;
	if ((filter_needs_record(f) || filter_by_rcpt(f) || ask->change == CHANGE_REDIRECT) &&
	    !record_read(q, e, a, &m))
		return;
	e = entry_find(&q->ix, id);			/* reading may have suspended */
	if (!e || !filter_message(f, &m) || !any_chosen(q, f, e, &m))
		return;
	ask->matched++;
	if (ask->dry_run || (ask->change == CHANGE_BOUNCE && !wait_report(q)))
		return;
	if (!(e = entry_find(&q->ix, id)))
		return;
	for (struct unit *u = e->unit; u; u = u->next)
		n++;
	all = arena_alloc(a, n * sizeof(struct unit *));
	if (!all)
		return;
	n = 0;
	for (struct unit *u = e->unit; u; u = u->next)
		all[n++] = u;
	ask->whole = !filter_by_rcpt(f);
	state_dirty(q, e);
	/* The entry may end with its last unit: it is not touched after that. */
	for (size_t i = 0; i < n; i++) {
		struct unit *u = chosen(q, f, all[i], &m, a);

		if (u && apply(q, u, &m, ask))
			any = true;
	}
	ask->changed += any;
}
