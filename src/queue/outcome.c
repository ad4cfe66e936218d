/* SPDX-License-Identifier: ISC */
/*
 * outcome: what deliverers answer, applied to units.
 *
 * A unit in flight keeps the recipients that are still open for the queue: delivered ones leave it
 * at once, refused ones leave it as a unit of their own that waits for its notice (REPORT), the
 * temporary ones stay.  When every recipient has its answer the rest is deferred.
 */
#include "queue/carrier.h"

#include "base/num.h"
#include "queue/parts.h"
#include "rt/clock.h"
#include "rt/log.h"

static void
log_outcome(const struct flight *f, const struct sub_outcome *o, const char *event)
{
	struct str addr = flight_addr(f, o->idx);
	const struct dest *d = f->unit->dest;

	if (!log_wants(LOG_INFO))
		return;
	log_begin(LOG_INFO, event);
	log_id("id", f->msgid);
	if (addr.n > 0)
		log_s("rcpt", addr);
	else
		log_u("rcpt_no", o->idx);
	log_s("via", transport_name((enum transport)d->transport));
	if (d->key.n > 1)
		log_s("to", dest_name(d));
	log_s("status", o->status);
	if (o->mta.n > 0)
		log_s("mta", o->mta);
	log_s("reply", o->reply);
	log_end();
}

static void
success(struct queue *q, struct flight *f, const struct sub_outcome *o)
{
	struct unit *u = f->unit;
	bool relayed = o->kind == OUT_RELAYED;
	const struct report_why why = { o->status, o->reply, o->mta };

	log_outcome(f, o, relayed ? "relayed" : "delivered");
	if (relayed)
		q->stats.relayed++;
	else
		q->stats.delivered++;
	if (!(u->entry->flags & ENTRY_SUCCESS_WANTED) || (relayed && o->dsn_passed)) {
		(void)unit_del_idx(u, o->idx);
		return;
	}
	/* Somebody may want to hear of it; report.c finds out who. */
	struct unit *v = unit_split(q, u, &o->idx, 1);

	report_unit(q, v, relayed ? REPORT_RELAYED : REPORT_DELIVERED, &why);
}

static void
failure(struct queue *q, struct flight *f, const struct sub_outcome *o)
{
	const struct report_why why = { o->status, o->reply, o->mta };
	struct unit *v;

	log_outcome(f, o, "refused");
	v = unit_split(q, f->unit, &o->idx, 1);
	report_unit(q, v, REPORT_FAILED, &why);
}

/* Of several temporary answers the one about the whole hop counts, else the first. */
static void
temporary(struct queue *q, struct flight *f, const struct sub_outcome *o)
{
	struct unit *u = f->unit;
	enum out_class class = o->cls < CLASSES ? (enum out_class)o->cls : CLASS_OWN;

	if (u->class < CLASSES && class_is_host((enum out_class)u->class))
		return;
	if (u->class < CLASSES && !class_is_host(class))
		return;
	u->class = (uint8_t)class;
	unit_set_reason(q, u, reason_get(&q->reasons, class, o->status, o->mta, o->reply));
}

static void
dest_died(struct queue *q, struct dest *d, uint16_t reason)
{
	reason_put(&q->reasons, d->reason);
	d->reason = reason_again(&q->reasons, reason);
	log_begin(LOG_INFO, "destination_dead");
	log_s("via", transport_name((enum transport)d->transport));
	log_s("to", dest_name(d));
	log_u("wait_s", d->due.at - queue_sec(q));
	log_u("waiting", d->nready);
	log_s("reply", reason_of(&q->reasons, reason)->reply);
	log_end();
	dest_sweep(q, d);
}

/* The administrator spoke of it meanwhile. */
static bool
fated(struct queue *q, struct unit *u)
{
	enum unit_fate fate = u->entry->flags & ENTRY_DOOMED ? FATE_DROP : (enum unit_fate)u->fate;

	u->fate = FATE_NONE;
	if (fate == FATE_DROP)
		unit_gone(q, u);
	else if (fate == FATE_BOUNCE && report_room(q))
		report_unit(q, u, REPORT_FAILED, &REPORT_BY_ADMIN);
	else
		return false;
	return true;
}

/* Every recipient has been answered for. */
static void
landed(struct queue *q, struct flight *f)
{
	struct unit *u = f->unit;
	struct dest *d = u->dest;
	enum out_class class = (enum out_class)u->class;
	bool temp = u->nidx > 0 && u->class < CLASSES;
	bool host = temp && class_is_host(class);
	uint16_t reason = reason_again(&q->reasons, u->reason);

	dest_ref(&q->dests, d);
	flight_free(q, f);
	u->jobno = u->open = 0;
	if (u->nidx == 0) {
		unit_gone(q, u);
	} else if (!fated(q, u)) {
		u->state = UNIT_WAIT;
		unit_defer(q, u, temp ? class : CLASS_OWN);
	}
	if (temp && class == CLASS_OWN)
		dest_returned(&q->dests, d);	/* says nothing about the hop */
	else if (dest_landed(&q->dests, d, host, queue_sec(q), queue_random(q)))
		dest_died(q, d, reason);
	reason_put(&q->reasons, reason);
	dest_unref(&q->dests, d);
}

static bool
still_open(const struct unit *u, uint32_t idx)
{
	for (uint32_t i = 0; i < u->nidx; i++)
		if (unit_idx(u)[i] == idx)
			return true;
	return false;
}

void
outcome_apply(struct queue *q, struct flight *f, const struct sub_outcome *o, size_t n)
{
	struct unit *u = f->unit;

	for (size_t i = 0; i < n && u->open > 0; i++) {
		if (!still_open(u, o[i].idx))
			continue;
		u->open--;
		if (o[i].kind == OUT_DELIVERED || o[i].kind == OUT_RELAYED)
			success(q, f, &o[i]);
		else if (o[i].kind == OUT_PERM && report_room(q))
			failure(q, f, &o[i]);
		else
			temporary(q, f, &o[i]);
	}
	if (u->open == 0)
		landed(q, f);
	else
		state_dirty(q, u->entry);
}

void
outcome_lost(struct queue *q, struct flight *f)
{
	struct unit *u = f->unit;
	struct dest *d = u->dest;

	dest_ref(&q->dests, d);
	flight_free(q, f);
	u->jobno = u->open = 0;
	if (u->nidx == 0)
		unit_gone(q, u);
	else if (!fated(q, u))
		unit_ready(q, u, true);
	dest_returned(&q->dests, d);
	dest_unref(&q->dests, d);
}
