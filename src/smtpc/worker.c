/* SPDX-License-Identifier: ISC */
/*
 * worker: one connection's life: find the server, say hello, carry jobs one after the other, stay
 * idle a little, QUIT.  Straight-line: this is the coroutine that everything waits in.
 *
 * While the reply to one message is awaited the commands of the next may be on the wire already
 * (w->next); should the connection die, that job has been promised nothing and goes back to line.
 */
#include "smtpc/hops.h"

#include "base/num.h"
#include "mail/smtp.h"
#include "rt/dial.h"
#include "rt/log.h"

enum { HELLOS_MAX = 5, HOLD_MS = 5000, REACH_MS = 300'000, WORKER_ARENA = 1 << 20 };

struct carried {
	struct load *work;		/* NULL: none */
	struct otx tx;
	bool begun;
};

struct worker {
	struct link idle;
	struct nexthop *d;
	struct co *co;
	struct client_conf conf;
	struct client k;
	struct arena arena;		/* of finding a server */
	bool open;
	struct carried now, next;
};

void
worker_wake(struct link *idle)
{
	co_wake(CONTAINER_OF(idle, struct worker, idle)->co);
}

static void
log_unreached(const struct worker *w, const struct trouble *t)
{
	log_begin(t->kind == OUT_PERM ? LOG_WARN : LOG_INFO, "unreached");
	log_s("nexthop", w->d->nexthop);
	log_s("class", out_class_name(t->class));
	log_s("status", t->status);
	log_s("why", t->text);
	log_end();
}

static void
log_connected(const struct worker *w)
{
	if (!log_wants(LOG_DEBUG))
		return;
	log_begin(LOG_DEBUG, "connected");
	log_s("nexthop", w->d->nexthop);
	log_s("mta", w->k.mta);
	log_end();
}

static struct trouble
connect_trouble(struct worker *w, const struct target *t, enum io why, int err)
{
	struct trouble r = TROUBLE_TEMP(CLASS_CONNECT, "4.4.1", "");
	char ip[IP_TEXT_MAX];
	struct str at = t->path.n ? t->path : ip_format(t->ip, ip);

	if (why == IO_TIMEOUT)
		r.text = str_cat(&w->arena, at, STR(": the connection timed out"));
	else if (why == IO_CANCELLED)
		r = TROUBLE_TEMP(CLASS_OWN, "4.3.2", "we are stopping");
	else
		r.text = str_fmt(&w->arena, STR_F ": the connection failed (error %d)", STR_A(at),
		    err);
	return r;
}

/* One server.  True: the connection is open and has said hello. */
static bool
try_target(struct worker *w, const struct plan *p, const struct target *t, struct trouble *why)
{
	const struct limits *lim = &w->d->hops->conf.cfg->lim;
	struct dial dl = { .to = t->ip, .port = t->port,
	    .deadline_ms = deadline_in(lim->client_connect_ms) };
	enum io io;
	int err;

	if (t->path.n)
		dl.path = str_z(&w->arena, t->path);
	struct conn *c = dial(&dl, &io, &err);
	if (!c) {
		*why = connect_trouble(w, t, io, err);
		return false;
	}
	w->conf = (struct client_conf){ .lim = lim, .lmtp = w->d->lmtp, .routed = p->routed,
	    .hostname = w->d->hops->conf.cfg->hostname };
	client_init(&w->k, c, &w->conf, t);
	if (client_hello(&w->k)) {
		if (w->d->no_chunking)
			w->k.ext &= ~(unsigned)EXT_CHUNKING;
		return true;
	}
	*why = w->k.trouble;			/* its texts end with the client */
	why->text = str_dup(&w->arena, why->text);
	why->status = str_dup(&w->arena, why->status);
	why->mta = str_dup(&w->arena, why->mta);
	client_done(&w->k);
	return false;
}

/* RFC 5321 5.1: each address in order, until one serves.  One that is unsure outweighs refusals. */
static bool
reach(struct worker *w, struct trouble *why)
{
	struct hops *hops = w->d->hops;
	struct plan_ask ask = { .nexthop = w->d->nexthop, .lmtp = w->d->lmtp, .dns = hops->conf.dns,
	    .self = hops->conf.self, .deadline = deadline_in(hops->conf.cfg->lim.dns_ms),
	    .random = hops->conf.random, .ctx = hops->conf.ctx };
	int64_t until = deadline_in(REACH_MS);
	unsigned hellos = 0;
	struct plan plan;

	if (!plan_make(&ask, &w->arena, &plan)) {
		*why = plan.trouble;
		return false;
	}
	for (size_t i = 0; i < plan.n && hellos < HELLOS_MAX && now_ms() < until; i++) {
		struct trouble t = {};

		if (try_target(w, &plan, &plan.target[i], &t))
			return true;
		hellos += t.class != CLASS_CONNECT;
		if (i == 0 || why->kind == OUT_PERM || t.kind == OUT_TEMP)
			*why = t;
		if (t.class == CLASS_POLICY || t.class == CLASS_OWN)
			break;
	}
	return false;
}

static void
disconnect(struct worker *w)
{
	if (!w->open)
		return;
	w->open = false;
	w->d->nopen--;
	w->d->no_chunking = w->d->no_chunking || w->k.no_chunking;
	client_quit(&w->k);
}

static bool
connection_spent(const struct worker *w)
{
	const struct limits *lim = w->conf.lim;

	return w->k.dead || w->k.messages >= lim->client_messages ||
	    (w->k.ehlo.mail_max && w->k.messages >= w->k.ehlo.mail_max) ||	/* RFC 9422 4.1 */
	    now_ms() >= w->k.born_ms + lim->client_total_ms;
}

/* The next job of the line as a transaction of this connection; jobs that cannot be sent at all end
 * here.  NULL: no more.  suspends (content) */
static struct load *
carry(struct worker *w, struct carried *c)
{
	struct load *work;

	while ((work = nexthop_take(w->d)) != NULL) {
		if (!work->opened) {
			work->opened = true;
			if (!attempt_open(&work->at)) {
				load_finish(work);
				continue;
			}
		}
		if (otx_begin(&c->tx, &work->at, &w->k)) {
			c->work = work;
			return work;
		}
		load_finish(work);
	}
	c->work = NULL;
	return NULL;
}

/* For otx_run: what may travel behind the present message. */
static struct otx *
take_next(void *arg)
{
	struct worker *w = arg;
	const struct attempt *at = &w->now.work->at;

	if (w->next.work || w->d->hops->draining ||
	    w->k.messages + 1 >= w->conf.lim->client_messages || w->k.ehlo.mail_max ||
	    at->src.size > BODY_WHOLE_MAX)
		return NULL;
	for (size_t i = 0; i < at->job.nrcpt; i++)
		if (at->state[i] == RCPT_WAITING)
			return NULL;		/* the present job is not through */
	return carry(w, &w->next) ? &w->next.tx : NULL;
}

/* The connection is gone and the job has recipients that were promised nothing. */
static void
job_lost(struct worker *w, struct load *work, bool fresh)
{
	if (++work->tries < JOB_TRIES_MAX && (!fresh || w->k.no_chunking)) {
		nexthop_give_back(w->d, work);
		return;
	}
	attempt_fail(&work->at, &w->k.trouble);
	load_finish(work);
}

/* One job to its end, as far as this connection goes. */
static void
serve_job(struct worker *w)
{
	struct load *work = w->now.work;
	struct otx_next next = { take_next, w };
	bool fresh = w->k.messages == 0;

	for (;;) {
		enum otx_end end = otx_run(&w->now.tx, &w->k, &next);

		if (work->at.ndone == work->at.job.nrcpt) {
			load_finish(work);
			return;
		}
		if (w->k.dead || end == OTX_LOST) {
			job_lost(w, work, fresh);
			return;
		}
		if (w->next.work) {			/* it stands between: later then */
			nexthop_give_back(w->d, work);
			return;
		}
		if (!otx_begin(&w->now.tx, &work->at, &w->k)) {
			load_finish(work);
			return;
		}
	}
}

static void
serve(struct worker *w)
{
	while (!connection_spent(w) || w->next.work) {
		if (w->next.work) {
			if (w->k.dead) {
				nexthop_give_back(w->d, w->next.work);
				w->next.work = NULL;
				return;
			}
			w->now = w->next;
			w->next.work = NULL;
		} else if (w->d->hops->draining || !carry(w, &w->now)) {
			return;
		}
		serve_job(w);
		w->now.work = NULL;
	}
}

/* Until there is a job, or the connection has been idle long enough. */
static bool
wait_for_job(struct worker *w)
{
	int64_t until = deadline_min(deadline_in(w->conf.lim->client_idle_ms),
	    w->k.born_ms + w->conf.lim->client_total_ms);

	while (list_empty(&w->d->line)) {
		if (w->d->hops->draining || co_cancelled())
			return false;
		if (!link_linked(&w->idle))
			list_push_front(&w->d->idle, &w->idle);
		if (co_park(until) != WAKE_OK)
			break;
	}
	list_remove(&w->idle);
	return !list_empty(&w->d->line);
}

static void
connect_and_serve(struct worker *w)
{
	struct nexthop *d = w->d;
	struct trouble why = TROUBLE_TEMP(CLASS_CONNECT, "4.4.1", "no server was tried");

	if (!reach(w, &why)) {
		log_unreached(w, &why);
		d->hold_until_ms = deadline_in(HOLD_MS);
		if (d->nopen == 0)
			nexthop_fail(d, &why);
		return;
	}
	w->open = true;
	d->nopen++;
	log_connected(w);
	do
		serve(w);
	while (!connection_spent(w) && wait_for_job(w) && !conn_input_pending(w->k.c));
	/* It broke before it took anything: those in line would fare no better. */
	if (w->k.dead && w->k.messages == 0 && d->nopen == 1 && !w->k.no_chunking)
		nexthop_fail(d, &w->k.trouble);
	disconnect(w);
}

void
worker_run(void *arg)
{
	struct worker w = { .d = arg, .co = co_self() };
	struct nexthop *d = w.d;

	link_init(&w.idle);
	arena_init(&w.arena, WORKER_ARENA);
	while (!list_empty(&d->line) && !d->hops->draining && !co_cancelled()) {
		size_t before = d->hops->ndone;

		connect_and_serve(&w);
		arena_reset(&w.arena);
		if (d->hops->ndone == before && !list_empty(&d->line) && d->nopen)
			break;			/* others have connections: leave it to them */
	}
	arena_done(&w.arena);
	nexthop_worker_ended(d);
}
