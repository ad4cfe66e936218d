/* SPDX-License-Identifier: ISC */
/*
 * units: the transitions of the state machine drawn in index.h.
 *
 * Each function leaves the unit in exactly one place: a destination, the wheel, nowhere (FLIGHT,
 * HELD, REPORT, or on its way).  Log events of a message's life that the queue decides are here.
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "base/msgid.h"
#include "base/num.h"
#include "queue/retry.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { SWEEP_S = 300 };

void
unit_set_reason(struct queue *q, struct unit *u, uint16_t reason)
{
	reason_put(&q->reasons, u->reason);
	u->reason = reason;
}

void
unit_set_dest(struct queue *q, struct unit *u, struct dest *d)
{
	struct dest *was = u->dest;

	if (d)
		dest_ref(&q->dests, d);
	u->dest = d;
	if (was)
		dest_unref(&q->dests, was);
}

void
unit_ready(struct queue *q, struct unit *u, bool front)
{
	if (u->entry->flags & ENTRY_HELD) {
		u->state = UNIT_HELD;
		return;
	}
	if (!u->dest) {
		unit_wait(q, u, queue_sec(q));
		return;
	}
	u->state = UNIT_READY;
	u->due.at = queue_sec(q);
	dest_push(&q->dests, u, front);
	task_wake(&q->dispatch);
}

void
unit_wait(struct queue *q, struct unit *u, uint32_t at)
{
	u->state = u->dest ? UNIT_WAIT : UNIT_UNROUTED;
	u->due.at = at;
	wheel_add(&q->wheel, &u->due);
}

void
unit_unlink(struct queue *q, struct unit *u)
{
	switch ((enum unit_state)u->state) {
	case UNIT_READY:
		dest_pull(&q->dests, u);
		break;
	case UNIT_WAIT:
	case UNIT_UNROUTED:
		/* Or in the list of those to be routed now, which is not counted. */
		if (!link_linked(&u->due.link))
			break;
		if (u->open)
			list_remove(&u->due.link);
		else
			wheel_del(&q->wheel, &u->due);
		u->open = 0;
		break;
	case UNIT_FLIGHT:
	case UNIT_HELD:
	case UNIT_REPORT:
		break;
	}
}

void
unit_gone(struct queue *q, struct unit *u)
{
	struct entry *e = u->entry;

	unit_set_reason(q, u, 0);
	unit_set_dest(q, u, NULL);
	unit_free(&q->ix, u);
	entry_check(q, e);
}

struct unit *
unit_split(struct queue *q, struct unit *u, const uint32_t *idx, size_t n)
{
	struct unit *v = unit_new(&q->ix, u->entry, NULL);

	for (size_t i = 0; i < n; i++)
		if (unit_del_idx(u, idx[i]))
			unit_add_idx(v, idx[i]);
	v->state = u->state;
	v->attempts = u->attempts;
	v->class = u->class;
	v->fate = u->fate;
	v->due.at = u->due.at;
	v->reason = reason_again(&q->reasons, u->reason);
	unit_set_dest(q, v, u->dest);
	return v;
}

static int64_t
age_ms(const struct queue *q, const struct entry *e)
{
	return queue_wall_ms(q) - msgid_unix_ms(e->id);
}

bool
unit_too_old(const struct queue *q, const struct entry *e)
{
	return age_ms(q, e) >= retry_life_ms(q->lim, e->flags & ENTRY_NULL_SENDER);
}

static void
log_deferred(struct queue *q, const struct unit *u, uint32_t wait_s)
{
	const struct reason *r = reason_of(&q->reasons, u->reason);

	if (!log_wants(LOG_INFO))
		return;
	log_begin(LOG_INFO, "deferred");
	log_id("id", u->entry->id);
	log_s("to", u->dest ? dest_name(u->dest) : STR("-"));
	log_u("rcpts", u->nidx);
	log_u("attempt", u->attempts);
	log_u("wait_s", wait_s);
	log_s("class", out_class_name((enum out_class)u->class));
	log_s("status", r->status);
	log_s("mta", r->mta);
	log_s("reply", r->reply);
	log_end();
}

static void
delay_notice(struct queue *q, struct unit *u)
{
	const struct entry *e = u->entry;

	if (!(e->flags & ENTRY_DELAY_WANTED) || (e->flags & ENTRY_DELAY_TOLD))
		return;
	if (age_ms(q, e) >= q->lim->delay_notice_ms)
		report_delay(q, u);
}

void
unit_defer(struct queue *q, struct unit *u, enum out_class class)
{
	struct entry *e = u->entry;
	uint32_t now = queue_sec(q), wait;
	int64_t life_s = retry_life_ms(q->lim, e->flags & ENTRY_NULL_SENDER) / 1000;
	int64_t end = (msgid_unix_ms(e->id) - MSGID_EPOCH_MS) / 1000 + life_s;

	u->class = (uint8_t)class;
	if (retry_counts(class) && u->attempts < UINT8_MAX)
		u->attempts++;
	q->stats.deferred++;
	if (unit_too_old(q, e)) {
		unit_expire(q, u);
		return;
	}
	wait = (uint32_t)((retry_wait_ms(q->lim, class, u->attempts, queue_random(q)) + 999) /
	    1000);
	/* A last attempt when its time is over, not up to two hours later. */
	if ((int64_t)now + wait > end)
		wait = (uint32_t)MAX(end - (int64_t)now, INT64_C(1));
	log_deferred(q, u, wait);
	delay_notice(q, u);
	if (class_is_host(class) && u->dest)
		unit_ready(q, u, false);	/* the destination waits, and all with it */
	else if (e->flags & ENTRY_HELD)
		u->state = UNIT_HELD;
	else
		unit_wait(q, u, now + wait);
	state_dirty(q, e);
}

void
unit_expire(struct queue *q, struct unit *u)
{
	const struct reason *r = reason_of(&q->reasons, u->reason);
	struct report_why why = { STR("4.4.7"), r->reply, r->mta };

	if (u->reason == 0 && u->dest) {
		r = reason_of(&q->reasons, u->dest->reason);
		why.reply = r->reply;
		why.mta = r->mta;
	}
	if (why.reply.n == 0)
		why.reply = STR("it could not be delivered in the time allowed");
	q->stats.expired++;
	log_begin(LOG_INFO, "expired");
	log_id("id", u->entry->id);
	log_s("to", u->dest ? dest_name(u->dest) : STR("-"));
	log_u("rcpts", u->nidx);
	log_u("attempts", u->attempts);
	log_end();
	report_unit(q, u, REPORT_FAILED, &why);
}

static void
sweep_one(void *arg, struct unit *u)
{
	struct queue *q = arg;

	if (unit_too_old(q, u->entry) && report_room(q)) {
		unit_unlink(q, u);
		unit_expire(q, u);
	} else {
		delay_notice(q, u);
	}
}

void
dest_sweep(struct queue *q, struct dest *d)
{
	uint32_t now = queue_sec(q);

	/* The first time at once, so that a short life is a short life. */
	if (d->swept != 0 && now - d->swept < SWEEP_S &&
	    q->lim->give_up_bounce_ms > SWEEP_S * 1000)
		return;
	d->swept = now;
	dest_ref(&q->dests, d);
	dest_each(d, sweep_one, q);
	dest_unref(&q->dests, d);
}

void
entry_finish(struct queue *q, struct entry *e, const char *how)
{
	struct seg *s = e->seg;

	if (log_wants(LOG_INFO)) {
		log_begin(LOG_INFO, "removed");
		log_id("id", e->id);
		log_s("how", how);
		log_end();
	}
	q->stats.finished++;
	state_done(q, s, e->off, e->id);
	/* Known from the journal and done before intake came by: it must not be taken again. */
	if (e->off >= s->indexed && !s->scanned)
		seg_note_sorted(s, e->off);
	if (e->flags & ENTRY_BIG)
		finish_big(q, e->extra->big_n, e->extra->big_gen);
	entry_free(&q->ix, e);
	seg_check(q, s);
}

void
entry_check(struct queue *q, struct entry *e)
{
	if (!e->unit)
		entry_finish(q, e, e->flags & ENTRY_DOOMED ? "dropped" : "done");
	else
		state_dirty(q, e);
}

static bool
tick_units(struct queue *q, uint32_t now)
{
	bool any = false;
	struct due *d;

	while ((d = wheel_take(&q->wheel, now))) {
		struct unit *u = CONTAINER_OF(d, struct unit, due);

		any = true;
		if (u->dest) {
			unit_ready(q, u, false);
			continue;
		}
		u->open = 1;			/* in reroute, not on the wheel */
		list_push(&q->reroute, &u->due.link);
		task_wake(&q->intake);
	}
	return any;
}

void
queue_tick(void *arg)
{
	struct queue *q = arg;
	uint32_t now = queue_sec(q);
	struct dest *d;
	bool any = tick_units(q, now);

	while ((d = dest_revive(&q->dests, now))) {
		any = true;
		dest_sweep(q, d);
	}
	undelivered_sweep(q);
	if (any)
		task_wake(&q->dispatch);
	timer_set(&q->tick, now_ms() + 1000, queue_tick, q);
}

static void
settle_unit(struct queue *q, struct unit *u)
{
	uint32_t now = queue_sec(q);

	switch ((enum unit_state)u->state) {
	case UNIT_WAIT:
	case UNIT_UNROUTED:
		/* A clock that was set back must not keep mail for ever. */
		unit_wait(q, u, MIN(u->due.at, now + 4 * 3600));
		break;
	case UNIT_READY:
	case UNIT_FLIGHT:
		unit_ready(q, u, false);
		break;
	case UNIT_REPORT:
		/* Its notice was not committed: the attempt is made again. */
		unit_ready(q, u, false);
		break;
	case UNIT_HELD:
		if (!(u->entry->flags & (ENTRY_HELD | ENTRY_UNDELIVERED)))
			unit_ready(q, u, false);
		break;
	}
}

void
units_settle(struct queue *q)
{
	size_t at = 0;
	uint64_t id;
	void *p;

	while (idmap_next(&q->ix.by_id, &at, &id, &p))
		for (struct unit *u = ((struct entry *)p)->unit; u; u = u->next)
			settle_unit(q, u);
	LIST_EACH(l, &q->segs) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (s->ndone > 1)
			qsort(s->done, s->ndone, sizeof *s->done, seg_by_offset);
		seg_check(q, s);
	}
}
