/* SPDX-License-Identifier: ISC */
/*
 * local_role: see local_role.h.
 */
#include "local/local_role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "ipc/role.h"
#include "local/accounts.h"
#include "local/lane.h"
#include "local/mailbox.h"
#include "local/verdict.h"
#include "policy/found.h"
#include "rt/log.h"
#include "rt/loop.h"

enum { LANES_MAX = 64, WINDOW = 2048, JOB_ARENA_MAX = 4 << 20, READER_FDS = 64 };

/* One job from queue until its last outcome is told. */
struct held {
	struct link link;
	struct local *me;
	struct job job;
	struct arena arena;
	size_t left;			/* deliveries without an outcome */
	size_t ntold;			/* outcomes that queue has */
	struct delivery *d;		/* one for each recipient */
};

struct local {
	struct role_env *env;
	const struct config *cfg;
	struct ipc *queue;
	struct accounts *accounts;
	struct spool_reader *reader;
	struct group *group;
	struct link held;
	size_t nlane;
	struct lane *lane[LANES_MAX];
	uint64_t done;
	bool draining;
	struct co *waiter;		/* in role body, until all is done */
};

static void
held_free(struct held *h)
{
	struct local *me = h->me;

	list_remove(&h->link);
	free(h->d);
	arena_done(&h->arena);
	free(h);
	if (me->draining && list_empty(&me->held) && me->waiter != NULL)
		co_wake(me->waiter);
}

static void
log_delivery(const struct delivery *d)
{
	static const char *const events[] = { "delivered", "delivered", "deferred", "failed" };

	log_begin(d->out.kind == OUT_DELIVERED ? LOG_INFO : LOG_WARN, events[d->out.kind]);
	log_id("id", d->job->msgid);
	log_s("to", d->rcpt->addr);
	log_cstr("via", "maildir");
	log_s("status", d->out.status);
	log_s("reply", d->out.reply);
	log_end();
}

/* Tell queue; without a queue the held job keeps its outcomes for the next one. */
static void
tell(struct held *h, struct delivery **d, size_t n)
{
	struct outcome out[16];

	for (size_t i = 0; i < n; ) {
		size_t k = 0;

		while (k < COUNT(out) && i < n)
			out[k++] = d[i++]->out;
		if (h->me->queue == NULL ||
		    !outcome_send(h->me->queue, h->job.msgid, h->job.jobno, out, k))
			return;
		h->ntold += k;
	}
	if (h->ntold == h->job.nrcpt)
		held_free(h);
}

/* Outcomes of one batch; deliveries of one job stand side by side, mostly. */
static void
on_done(void *ctx, struct delivery **d, size_t n)
{
	struct local *me = ctx;

	for (size_t i = 0; i < n; ) {
		struct held *h = d[i]->owner;
		size_t k = i;

		while (k < n && d[k]->owner == h) {
			log_delivery(d[k]);
			h->left--;
			me->done++;
			k++;
		}
		tell(h, d + i, k - i);
		i = k;
	}
}

static struct lane *
lane_for(struct local *me, const struct mailbox *m)
{
	struct lane_conf conf = {
		.group = me->group, .reader = me->reader, .hostname = me->cfg->hostname,
		.on_done = on_done, .ctx = me,
	};

	for (size_t i = 0; i < me->nlane; i++)
		if (lane_is(me->lane[i], m->uid, m->gid, m->base))
			return me->lane[i];
	if (me->nlane == LANES_MAX) {
		/* a place for the new one; the old ends when its work is done */
		lane_close(me->lane[0]);
		memmove(me->lane, me->lane + 1, --me->nlane * sizeof me->lane[0]);
	}
	struct lane *l = lane_open(&conf, m->uid, m->gid, m->base);

	if (l != NULL)
		me->lane[me->nlane++] = l;
	return l;
}

/* Finds the mailbox of one delivery and hands it to its lane.  suspends when lookup is asked */
static void
place(struct local *me, struct delivery *d)
{
	struct held *h = d->owner;
	const struct domain *domain;
	struct account account = {};
	struct mailbox m;
	struct str user;
	struct lane *lane;
	enum account_answer known = ACCOUNT_UNKNOWN;

	if (mailbox_address(me->cfg, d->rcpt->addr, &user, &domain))
		known = accounts_find(me->accounts, domain, user, &h->arena, &account);
	switch (known) {
	case ACCOUNT_UNKNOWN:
		verdict_unknown(d);
		on_done(me, &d, 1);
		return;
	case ACCOUNT_LATER:
		verdict_outcome(d, EAGAIN, "look-up of the user");
		on_done(me, &d, 1);
		return;
	case ACCOUNT_VIRTUAL:
	case ACCOUNT_OWN:
		break;
	}
	if (!mailbox_place(domain, user, known == ACCOUNT_OWN ? &account : NULL, &h->arena, &m) ||
	    (lane = lane_for(me, &m)) == NULL) {
		verdict_outcome(d, EPERM, "path of the mailbox");
		on_done(me, &d, 1);
		return;
	}
	d->rel = m.rel;
	lane_put(lane, d);
}

static void
held_run(void *arg)
{
	struct held *h = arg;
	size_t n = h->job.nrcpt;

	/* the last outcome frees h: count on our own */
	for (size_t i = 0; i < n; i++) {
		struct delivery *d = &h->d[i];

		place(h->me, d);
	}
}

static void
on_job(struct local *me, const struct msg_job *m)
{
	struct held *h = calloc(1, sizeof *h);

	if (h == NULL)
		abort();		/* the machine is out of memory: keeper starts us again */
	arena_init(&h->arena, JOB_ARENA_MAX);
	h->me = me;
	list_push(&me->held, &h->link);
	if (!job_unpack(m, &h->arena, &h->job) || h->job.nrcpt == 0 ||
	    (h->d = calloc(h->job.nrcpt, sizeof *h->d)) == NULL) {
		held_free(h);
		return;
	}
	h->left = h->job.nrcpt;
	for (size_t i = 0; i < h->job.nrcpt; i++)
		h->d[i] = (struct delivery){
			.job = &h->job, .rcpt = &h->job.rcpt[i], .rel = "",
			.folder = h->job.flags & FOUND_JUNK ? ".Junk" : "", .owner = h,
		};
	if (accounts_at_hand(me->accounts, me->cfg, &h->job)) {
		held_run(h);		/* nothing to ask: no coroutine */
	} else if (!group_go(me->group, "job", held_run, h)) {
		for (size_t i = 0, n = h->job.nrcpt; i < n; i++) {
			struct delivery *d = &h->d[i];

			verdict_outcome(d, ENOMEM, "");
			on_done(me, &d, 1);
		}
	}
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct local *me = ipc_arg(ch);

	(void)call_id;
	if (fd != -1)
		(void)close(fd);
	if (type == MSG_job)
		on_job(me, &m->job);
	/* job_cancel: a delivery takes a moment; its outcome will come anyway */
}

static void
on_queue_close(struct ipc *ch)
{
	struct local *me = ipc_arg(ch);

	if (me->queue == ch)
		me->queue = NULL;
	ipc_close(ch);
}

/* What we have in hand, then the outcomes nobody was there to hear, then hello. */
static void
queue_greet(struct local *me)
{
	struct msg_job_hello hello = { .window = WINDOW };
	struct link *l, *next;

	for (l = me->held.next; l != &me->held; l = l->next) {
		const struct held *h = CONTAINER_OF(l, struct held, link);
		struct msg_job_inflight in = {
			.msgid = h->job.msgid, .jobno = h->job.jobno,
			.first_idx = h->job.rcpt[0].idx, .nrcpt = (uint32_t)h->job.nrcpt,
		};

		(void)ipc_send(me->queue, MSG_job_inflight, &in);
	}
	for (l = me->held.next; l != &me->held; l = next) {
		struct held *h = CONTAINER_OF(l, struct held, link);
		size_t n = h->job.nrcpt;

		next = l->next;
		if (h->left != 0)
			continue;
		h->ntold = 0;
		for (size_t i = 0; i < n; i++) {
			struct delivery *d = &h->d[i];

			tell(h, &d, 1);
		}
	}
	(void)ipc_send(me->queue, MSG_job_hello, &hello);
}

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	static const struct ipc_ops queue_ops = { .on_msg = on_msg, .on_close = on_queue_close };
	struct local *me = env->arg;

	if (peer->role == ROLE_QUEUE) {
		struct ipc *old = me->queue;

		me->queue = ipc_new(fd, peer->name, &queue_ops, me);
		if (old != NULL)
			ipc_close(old);
		if (me->queue != NULL)
			queue_greet(me);
	} else if (peer->role == ROLE_LOOKUP) {
		accounts_peer(me->accounts, fd, peer->name);
	} else {
		(void)close(fd);
	}
}

static void
on_status(struct role_env *env, uint32_t *sessions, uint64_t *done)
{
	const struct local *me = env->arg;

	*sessions = (uint32_t)me->nlane;
	*done = me->done;
}

void
local_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer, .on_status = on_status };
	struct local me = { .env = env, .cfg = env->cfg };

	link_init(&me.held);
	me.group = group_open(FOREVER);
	me.accounts = accounts_new(env->cfg);
	me.reader = sr_new(role_file(env, "spool"), READER_FDS);
	if (me.reader == NULL || me.accounts == NULL) {
		log_begin(LOG_ERROR, "local_cannot_start");
		log_end();
		return;
	}
	role_attach(env, &hooks, &me);
	role_wait_drain(env);

	me.draining = true;
	me.waiter = co_self();
	while (!list_empty(&me.held) && now_ms() < env->drain_deadline)
		if (co_park(env->drain_deadline) == WAKE_CANCELLED)
			break;
	for (size_t i = 0; i < me.nlane; i++)
		lane_close(me.lane[i]);
	(void)group_wait(&me.group);
	sr_free(me.reader);
	accounts_free(me.accounts);
}
