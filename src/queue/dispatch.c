/* SPDX-License-Identifier: ISC */
/*
 * dispatch: gives units whose turn it is to deliverers with room.
 *
 * The unit is taken (FLIGHT) before its record is read, because reading may suspend; nothing else
 * touches a unit in flight.  Jobs gather in the channel and leave together at the end of the turn.
 */
#include "queue/carrier.h"

#include "base/num.h"
#include "queue/parts.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { JOB_ARENA = 4 << 20, JOB_BYTES = 40'000 };

static bool
may(void *arg, const struct dest *d)
{
	return d->transport == T_DISCARD || carrier_for(arg, d) != NULL;
}

/* How much of the unit goes into one job: recipients by the limit, texts by the frame. */
static size_t
fit(struct queue *q, const struct unit *u, const struct spool_msg *m, struct job *j)
{
	size_t max = u->dest->transport == T_LOCAL ? 200 : (size_t)MAX(q->lim->client_rcpt, 1U);
	size_t bytes = 0, n = 0;

	for (; n < u->nidx && n < max; n++) {
		uint32_t idx = unit_idx(u)[n];
		const struct made_rcpt *t = entry_target(u->entry, idx);
		const struct spool_rcpt *r = record_rcpt(u->entry, m, idx);
		struct job_rcpt *jr = &j->rcpt[n];

		*jr = (struct job_rcpt){ .idx = idx, .addr = record_addr(u->entry, m, idx) };
		if (r) {
			jr->notify = r->notify;
			jr->orcpt = r->orcpt;
			jr->original = t ? r->addr : (struct str){};
		}
		if (t)
			jr->made_by = t->made_by;
		bytes += jr->addr.n + jr->orcpt.n + jr->original.n + 32;
		if (bytes > JOB_BYTES && n > 0)
			break;
	}
	return n;
}

/* Recipients with an owner- address have their own sender: all of a job must have the same. */
static struct str
job_sender(const struct unit *u, const struct spool_msg *m, struct job *j)
{
	const struct made_rcpt *t = entry_target(u->entry, j->rcpt[0].idx);
	struct str owner = t ? t->sender : (struct str){};

	for (size_t i = 1; i < j->nrcpt; i++) {
		const struct made_rcpt *x = entry_target(u->entry, j->rcpt[i].idx);

		if (!str_eq(x ? x->sender : (struct str){}, owner))
			j->nrcpt = i;
	}
	return owner.n > 0 ? owner : m->env.sender;
}

static bool
make_job(struct queue *q, const struct unit *u, const struct spool_msg *m, struct arena *a,
    struct job *j)
{
	const struct spool_env *env = &m->env;

	*j = (struct job){
		.msgid = m->id, .jobno = u->jobno, .ref = m->ref,
		.transport = (enum transport)u->dest->transport, .nexthop = dest_name(u->dest),
		.smtputf8 = env->smtputf8, .requiretls = env->requiretls, .ret = env->ret,
		.body = (uint8_t)env->body, .flags = env->flags, .envid = env->envid,
		.auth_id = env->auth_id, .token = env->token, .received_ms = env->received_ms,
		.parallel = u->dest->window, .attempt = u->attempts + 1U,
	};
	j->rcpt = arena_alloc(a, MIN(u->nidx, 256U) * sizeof *j->rcpt);
	if (!j->rcpt)
		return false;
	j->nrcpt = fit(q, u, m, j);
	j->sender = job_sender(u, m, j);
	j->null_sender = j->sender.n == 0;
	return true;
}

/* What did not fit waits for its own turn. */
static void
put_back_rest(struct queue *q, struct unit *u, const struct job *j, struct arena *a)
{
	uint32_t *rest, n = 0;

	if (j->nrcpt >= u->nidx)
		return;
	rest = arena_alloc(a, u->nidx * sizeof *rest);
	if (!rest)
		return;
	for (size_t i = j->nrcpt; i < u->nidx; i++)
		rest[n++] = unit_idx(u)[i];
	unit_ready(q, unit_split(q, u, rest, n), true);
}

/* Back to its destination, or to the wheel: no deliverer, or no record. */
static void
give_up(struct queue *q, struct unit *u, bool unreadable)
{
	struct dest *d = u->dest;

	dest_ref(&q->dests, d);
	u->jobno = u->open = 0;
	u->state = UNIT_WAIT;
	if (unreadable) {
		unit_set_reason(q, u, reason_get(&q->reasons, CLASS_OWN, STR("4.3.0"),
		    (struct str){}, STR("the message cannot be read")));
		unit_defer(q, u, CLASS_OWN);
	} else {
		unit_ready(q, u, true);
	}
	dest_returned(&q->dests, d);
	dest_unref(&q->dests, d);
}

static void
log_attempt(const struct job *j, const struct carrier *c)
{
	if (!log_wants(LOG_DEBUG))
		return;
	log_begin(LOG_DEBUG, "attempt");
	log_id("id", j->msgid);
	log_s("to", j->nexthop);
	log_s("via", transport_name(j->transport));
	log_u("rcpts", j->nrcpt);
	log_u("attempt", j->attempt);
	log_s("by", c->name);
	log_end();
}

static void
send_unit(struct queue *q, struct unit *u, const struct spool_msg *m, struct arena *a)
{
	struct carrier *c = carrier_for(q, u->dest);
	struct flight *f;
	struct job j;

	if (!c || !make_job(q, u, m, a, &j)) {
		give_up(q, u, false);
		return;
	}
	put_back_rest(q, u, &j, a);
	u->open = u->nidx;
	u->carrier = (uint8_t)c->no;
	u->class = CLASSES;			/* no answer yet */
	f = flight_new(q, c, u);
	for (size_t i = 0; i < j.nrcpt; i++)
		flight_note(f, j.rcpt[i].idx, j.rcpt[i].addr);
	q->stats.attempts++;
	log_attempt(&j, c);
	/* A closed channel tells its owner, who calls carrier_gone: the job comes back by that. */
	(void)c->send(c->arg, &j);
}

static void
discard(struct queue *q, struct unit *u)
{
	struct dest *d = u->dest;

	dest_ref(&q->dests, d);
	q->stats.delivered += u->nidx;
	log_begin(LOG_INFO, "delivered");
	log_id("id", u->entry->id);
	log_u("rcpts", u->nidx);
	log_s("via", "discard");
	log_end();
	unit_gone(q, u);
	(void)dest_landed(&q->dests, d, false, queue_sec(q), 0);
	dest_unref(&q->dests, d);
}

static void
dispatch_one(struct queue *q, struct unit *u, struct arena *a)
{
	struct spool_msg m;

	u->state = UNIT_FLIGHT;
	do {
		u->jobno = ++q->jobno;
	} while (u->jobno == 0 || idmap_get(&q->flight_by_job, u->jobno));
	if (u->dest->transport == T_DISCARD) {
		discard(q, u);
		return;
	}
	if (record_read(q, u->entry, a, &m))
		send_unit(q, u, &m, a);
	else
		give_up(q, u, true);
	arena_reset(a);
}

void
dispatch_run(void *arg)
{
	struct queue *q = arg;
	struct arena a;
	struct unit *u;

	arena_init(&a, JOB_ARENA);
	while (!q->stopping) {
		if (!carriers_ready(q)) {
			(void)task_wait(q, &q->dispatch, 50);
			continue;
		}
		while (!q->stopping && (u = dest_next(&q->dests, may, q))) {
			dispatch_one(q, u, &a);
			co_worked(4096);
		}
		if (!task_wait(q, &q->dispatch, 60'000))
			break;
	}
	arena_done(&a);
}
