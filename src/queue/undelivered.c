/* SPDX-License-Identifier: ISC */
/*
 * undelivered: mail that failed, and whose sender nobody vouches for.
 *
 * A notice would go to whoever is named in a forged envelope, so none is written.  Instead the
 * whole message goes to postmaster's mailbox, once, and what failed stays in the queue (HELD, its
 * entry marked) for the administrator to look at, release, redirect or drop, for a month.
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "base/msgid.h"
#include "base/num.h"
#include "policy/found.h"
#include "route/maker.h"
#include "rt/log.h"

enum { LIFE_DAYS = 30, SWEEP_S = 3600, BATCH = 128 };

bool
sender_proven(const struct spool_env *env)
{
	/* From <> nobody can be told wrongly: postmaster hears of it as ever. */
	if (!(env->flags & FOUND_JUDGED) || env->auth_id.n > 0 || env->null_sender)
		return true;
	return env->flags & (FOUND_SENDER_SPF | FOUND_SENDER_DKIM);
}

static struct str
postmaster(const struct queue *q, struct arena *a)
{
	return str_cat(a, STR("postmaster@"), q->cfg->hostname);
}

static bool
was_told(const struct entry *e, struct str to)
{
	for (uint32_t i = 0; e->extra && i < e->extra->nt; i++)
		if (str_eq(e->extra->t[i].addr, to))
			return true;
	return false;
}

/* The message itself becomes postmaster's, as if redirected there. */
static void
to_postmaster(struct queue *q, struct entry *e, const struct spool_msg *m, struct arena *a)
{
	struct str to = postmaster(q, a);
	uint32_t idx = MAX((uint32_t)m->env.nrcpt, e->extra ? e->extra->next_idx : 0);
	struct unit *v;

	if (to.n == 0 || was_told(e, to))
		return;
	v = unit_new(&q->ix, e, NULL);
	(void)entry_add_target(e, &(struct made_rcpt){ .idx = idx,
		.made_by = (uint8_t)maker_admin_redirect().who, .addr = to });
	unit_add_idx(v, idx);
	unit_wait(q, v, queue_sec(q));
}

void
undelivered_keep(struct queue *q, struct unit *u, const struct report_why *why)
{
	struct entry *e = u->entry;

	unit_set_reason(q, u, reason_get(&q->reasons, CLASS_POLICY, why->status, why->mta,
	    why->reply));
	e->flags |= ENTRY_UNDELIVERED;
	u->state = UNIT_HELD;
	state_dirty(q, e);
}

void
undelivered_tell(struct queue *q, struct entry *e, const struct spool_msg *m, struct arena *a)
{
	to_postmaster(q, e, m, a);
	q->stats.undelivered++;
	log_begin(LOG_WARN, "undelivered");
	log_id("id", e->id);
	log_s("from", m->env.sender);
	log_cstr("why", "nobody vouches for the sender: no notice, to postmaster");
	log_end();
	state_dirty(q, e);
}

static bool
over(const struct queue *q, const struct entry *e)
{
	return (e->flags & ENTRY_UNDELIVERED) &&
	    queue_wall_ms(q) - msgid_unix_ms(e->id) > LIFE_DAYS * INT64_C(86'400'000);
}

/* What failed goes; what is on its way to postmaster stays. */
static void
forget(struct queue *q, struct entry *e)
{
	for (struct unit *u = e->unit, *next; u; u = next) {
		bool last = u->next == NULL;

		next = u->next;
		if (u->state == UNIT_HELD)
			unit_gone(q, u);
		if (last)
			return;			/* the entry may be gone with it */
	}
}

void
undelivered_sweep(struct queue *q)
{
	uint64_t ids[BATCH], id;
	size_t at = 0, n = 0;
	void *p;

	if (queue_sec(q) - q->swept < SWEEP_S)
		return;
	q->swept = queue_sec(q);
	while (n < BATCH && idmap_next(&q->ix.by_id, &at, &id, &p))
		if (over(q, p))
			ids[n++] = id;
	for (size_t i = 0; i < n; i++)
		forget(q, entry_find(&q->ix, ids[i]));
	if (n == BATCH)
		q->swept -= SWEEP_S;
}
