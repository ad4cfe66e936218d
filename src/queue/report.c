/* SPDX-License-Identifier: ISC */
/*
 * report: bounces, delay notices and receipts (RFC 3461, 3464, 6522, 6533), as mail of our own.
 *
 * 1. A unit in REPORT is gone only when its notice is committed; a crash before that repeats the
 *    attempt, and a disk that is full keeps the unit waiting here.
 * 2. No notice is ever made about a notice: mail from <> that fails is told to postmaster once,
 *    and that telling, if it fails in turn, is only logged.
 * 3. No notice goes to a sender that may be forged: undelivered.c.
 * 4. Recipients that said NOTIFY=NEVER, or not FAILURE, make no bounce.
 *
 * At most REPORTS_MAX wait at a time; beyond, refusals count as temporary (outcome.c).
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "base/msgid.h"
#include "base/num.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/smtp.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "trust/bodyhash.h"

enum {
	REPORTS_MAX = 2000, ARENA_MAX = 8 << 20, HEAD_MAX = 64 * 1024, FULL_MAX = 512 * 1024,
	AGAIN_MS = 10'000,
};

/* Listener names of our own mail: how a failing notice is known for what it is. */
#define FROM_BOUNCE STR("queue.bounce")
#define FROM_DOUBLE STR("queue.double")
#define FROM_NOTICE STR("queue.notice")

struct report {
	struct link link;
	uint64_t id;
	struct unit *unit;		/* in REPORT and ours; NULL: of a delay */
	enum report_kind kind;
	uint32_t idx;			/* delay: one recipient of the unit that waits */
	struct report_why why;		/* slices of text */
	char text[];
};

bool
report_room(const struct queue *q)
{
	return q->nreports < REPORTS_MAX;
}

static struct report *
report_new(struct queue *q, const struct report_why *why)
{
	struct str status = str_sub(why->status, 0, 16), mta = str_sub(why->mta, 0, 300);
	struct str reply = str_sub(why->reply, 0, 1000);
	struct report *r = calloc(1, sizeof *r + status.n + reply.n + mta.n + 1);
	char *p;

	if (!r)
		abort();
	p = r->text;
	r->why.status = str_from(p, status.n);
	memcpy(p, status.n ? status.p : "", status.n);
	p += status.n;
	r->why.reply = str_from(p, reply.n);
	memcpy(p, reply.n ? reply.p : "", reply.n);
	p += reply.n;
	r->why.mta = str_from(p, mta.n);
	memcpy(p, mta.n ? mta.p : "", mta.n);
	list_push(&q->reports, &r->link);
	q->nreports++;
	task_wake(&q->reporter);
	return r;
}

void
report_unit(struct queue *q, struct unit *u, enum report_kind kind, const struct report_why *why)
{
	struct report *r = report_new(q, why);

	u->state = UNIT_REPORT;
	r->id = u->entry->id;
	r->unit = u;
	r->kind = kind;
}

void
report_delay(struct queue *q, struct unit *u)
{
	const struct reason *why = reason_of(&q->reasons, u->reason ? u->reason :
	    u->dest ? u->dest->reason : 0);
	struct report *r;

	if (!report_room(q) || u->nidx == 0)
		return;
	u->entry->flags |= ENTRY_DELAY_TOLD;
	state_dirty(q, u->entry);
	r = report_new(q, &(struct report_why){ why->status, why->reply, why->mta });
	r->id = u->entry->id;
	r->idx = unit_idx(u)[0];
	r->kind = REPORT_DELAYED;
}

static void
report_free(struct queue *q, struct report *r)
{
	if (link_linked(&r->link))
		list_remove(&r->link);
	q->nreports--;
	free(r);
}

void
reports_free(struct queue *q)
{
	struct link *l;

	while ((l = list_first(&q->reports)))
		report_free(q, CONTAINER_OF(l, struct report, link));
}

/* One notice in the making. */
struct notice {
	struct queue *q;
	const struct report *r;		/* the first of those told together */
	struct report **all;
	size_t nall;
	struct entry *e;
	struct spool_msg m;
	struct arena *a;
	struct dsn dsn;
	struct dsn_rcpt *rcpt;
	struct str listener;
	bool unproven;			/* nobody vouches for the sender */
};

/* RFC 3461 4.1 and 5.2: does this recipient's sender want to hear of it? */
static bool
wanted(enum report_kind kind, uint8_t notify)
{
	switch (kind) {
	case REPORT_FAILED:
		return notify == 0 || (notify & NOTIFY_FAILURE);
	case REPORT_DELAYED:
		return notify == 0 || (notify & NOTIFY_DELAY);
	case REPORT_DELIVERED:
	case REPORT_RELAYED:
		return notify & NOTIFY_SUCCESS;
	}
	return false;
}

static enum dsn_action
action_of(enum report_kind kind)
{
	switch (kind) {
	case REPORT_FAILED:	return DSN_FAILED;
	case REPORT_DELAYED:	return DSN_DELAYED;
	case REPORT_DELIVERED:	return DSN_DELIVERED;
	case REPORT_RELAYED:	return DSN_RELAYED;
	}
	return DSN_FAILED;
}

static struct str
status_of(const struct report *r)
{
	static const char *const otherwise[] = { "5.0.0", "4.0.0", "2.0.0", "2.0.0" };

	if (dsn_status_valid(r->why.status))
		return r->why.status;
	return str_of(otherwise[r->kind]);
}

static void
add_rcpt(struct notice *n, const struct report *r, uint32_t idx)
{
	const struct spool_rcpt *rc = record_rcpt(n->e, &n->m, idx);
	int64_t life = (n->e->flags & ENTRY_NULL_SENDER) ? n->q->lim->give_up_bounce_ms :
	    n->q->lim->give_up_ms;

	/* Our bounces say NEVER (RFC 3461 6.1); to us their failure is a double bounce. */
	if (rc && !wanted(r->kind, rc->notify) &&
	    !(r->kind == REPORT_FAILED && str_eq(n->m.env.listener, FROM_BOUNCE)))
		return;
	n->rcpt[n->dsn.nrcpt++] = (struct dsn_rcpt){
		.addr = record_addr(n->e, &n->m, idx),
		.orcpt = rc ? rc->orcpt : (struct str){},
		.action = action_of(r->kind), .status = status_of(r), .reply = r->why.reply,
		.remote_mta = r->why.mta, .last_attempt_s = queue_wall_ms(n->q) / 1000,
		.retry_until_s = r->kind == REPORT_DELAYED ?
		    (n->m.env.received_ms + life) / 1000 : 0,
	};
}

static bool
add_rcpts(struct notice *n)
{
	size_t count = 0;

	for (size_t i = 0; i < n->nall; i++)
		count += n->all[i]->unit ? n->all[i]->unit->nidx : 1;
	n->rcpt = arena_alloc(n->a, count * sizeof *n->rcpt);
	if (!n->rcpt)
		return false;
	for (size_t i = 0; i < n->nall; i++) {
		const struct report *r = n->all[i];

		if (!r->unit)
			add_rcpt(n, r, r->idx);
		for (uint32_t k = 0; r->unit && k < r->unit->nidx; k++)
			add_rcpt(n, r, unit_idx(r->unit)[k]);
	}
	n->dsn.rcpt = n->rcpt;
	return true;
}

/* Who is told: the sender, postmaster, nobody. */
static bool
addressee(struct notice *n)
{
	const struct spool_env *env = &n->m.env;

	n->listener = n->r->kind == REPORT_FAILED ? FROM_BOUNCE : FROM_NOTICE;
	n->dsn.to = env->sender;
	if (!env->null_sender && env->sender.n > 0)
		return true;
	if (n->r->kind != REPORT_FAILED || str_eq(env->listener, FROM_DOUBLE) ||
	    str_eq(env->listener, FROM_NOTICE))
		return false;
	n->listener = FROM_DOUBLE;
	n->dsn.to = str_cat(n->a, STR("postmaster@"), n->q->cfg->hostname);
	return n->dsn.to.n > 0;
}

static struct str
random_token(struct queue *q, struct arena *a, const char *what)
{
	return str_fmt(a, "%s-%08x%08x%08x", what, queue_random(q), queue_random(q),
	    queue_random(q));
}

/* RFC 3461 4.3: RET=FULL is for failures; we give no more than FULL_MAX. */
static bool
add_original(struct notice *n)
{
	uint64_t len = content_len(&n->m.ref), want;
	char *p;

	n->dsn.full = n->r->kind == REPORT_FAILED && n->m.env.ret == 1 && len <= FULL_MAX;
	want = n->dsn.full ? len : MIN(len, (uint64_t)HEAD_MAX);
	p = arena_alloc(n->a, (size_t)want + 1);
	if (!p)
		return false;
	if (want > 0 && sr_content(n->q->reader, &n->m.ref, 0,
	    (struct sr_bytes){ p, (size_t)want }) != SR_OK)
		want = 0;			/* better a bounce without it than none */
	n->dsn.original = str_from(p, (size_t)want);
	return true;
}

static bool
compose(struct notice *n, uint64_t id, struct buf *b)
{
	struct queue *q = n->q;
	const struct spool_env *env = &n->m.env;
	char text[MSGID_TEXT];

	n->dsn.reporting_mta = q->cfg->hostname;
	n->dsn.from = str_cat(n->a, STR("postmaster@"), q->cfg->hostname);
	n->dsn.message_id = str_cat(n->a, msgid_format(id, text), STR(".dsn@"), q->cfg->hostname);
	n->dsn.boundary = random_token(q, n->a, "dsn");
	n->dsn.envid = env->envid;
	n->dsn.now_s = queue_wall_ms(q) / 1000;
	n->dsn.arrival_s = env->received_ms / 1000;
	n->dsn.utf8 = env->smtputf8;
	return add_original(n) && dsn_format(b, &n->dsn, n->a);
}

/* What nobody signs goes unsigned: better than not to tell. */
static struct str
signature(struct notice *n, struct str text)
{
	struct body_hashes b = {};
	int number = body_hash_want(&b, (struct body_wish){ .relaxed = true });
	struct str fields = STR("");
	struct header h;
	uint64_t len;

	if (n->q->ops.sign && header_parse(text, n->a, 0, &h)) {
		body_hash_feed(&b, str_skip(text, h.body_at));
		body_hash_end(&b);
		fields = n->q->ops.sign(n->q->ctx, str_sub(text, 0, h.body_at),
		    body_hash_get(&b, number, &len), n->a);
	}
	body_hashes_done(&b);
	return fields;
}

static enum spool
commit(struct notice *n, struct spool_draft *d, struct str text)
{
	struct queue *q = n->q;
	struct spool_rcpt to = { .addr = n->dsn.to, .notify = NOTIFY_NEVER };
	struct spool_env env = {
		.null_sender = true, .smtputf8 = n->m.env.smtputf8, .body = SPOOL_8BITMIME,
		.listener_kind = L_LOCAL, .listener = n->listener, .received_ms = queue_wall_ms(q),
		.with = STR("local"), .rcpt = &to, .nrcpt = 1,
	};
	enum spool r = sd_write(d, text);
	uint64_t id = 0;

	if (r == SPOOL_OK)
		r = sd_commit(d, &env, signature(n, text), &id);
	if (r != SPOOL_OK) {
		sd_drop(d);
		return r;
	}
	q->stats.notices++;
	if (n->r->kind == REPORT_FAILED)
		q->stats.bounced++;
	log_begin(LOG_INFO, n->r->kind == REPORT_FAILED ? "bounced" : "notice");
	log_id("id", n->r->id);
	log_id("notice", id);
	log_s("to", n->dsn.to);
	log_u("rcpts", n->dsn.nrcpt);
	log_s("status", status_of(n->r));
	log_end();
	return SPOOL_OK;
}

static void
log_silent(const struct report *r, const char *why)
{
	log_begin(LOG_INFO, r->kind == REPORT_FAILED ? "bounced" : "notice");
	log_id("id", r->id);
	log_s("to", STR("nobody"));
	log_s("why", why);
	log_s("status", status_of(r));
	log_s("reply", r->why.reply);
	log_end();
}

/* SPOOL_OK: told, or nobody wants to know. */
static enum spool
tell(struct notice *n)
{
	struct spool_draft *d;
	enum spool r;
	struct buf b;

	if (!record_read(n->q, n->e, n->a, &n->m)) {
		log_silent(n->r, "the message cannot be read");
		return SPOOL_OK;
	}
	n->unproven = !sender_proven(&n->m.env);
	if (n->unproven && n->r->kind != REPORT_FAILED)
		log_silent(n->r, "nobody vouches for the sender");
	else if (n->unproven)
		undelivered_tell(n->q, n->e, &n->m, n->a);
	if (n->unproven)
		return SPOOL_OK;
	if (!add_rcpts(n))
		return SPOOL_BUSY;
	if (n->dsn.nrcpt == 0 || !addressee(n)) {
		log_silent(n->r, n->dsn.nrcpt == 0 ? "not asked for" : "it was a notice itself");
		return SPOOL_OK;
	}
	d = sd_begin(n->q->writer, &r);
	if (!d)
		return r;
	buf_init(&b, FULL_MAX * 2);
	if (compose(n, sd_id(d), &b)) {
		r = commit(n, d, buf_str(&b));
	} else {
		sd_drop(d);
		log_silent(n->r, "too large to be told");
		r = SPOOL_OK;
	}
	buf_done(&b);
	return r;
}

/* The administrator dropped it: nobody is told. */
static bool
dropped(const struct report *r)
{
	return r->unit && (r->unit->fate == FATE_DROP || r->unit->entry->flags & ENTRY_DOOMED);
}

/* All that is to be told of r's message in the same words: one notice, not one a recipient. */
static bool
gather(struct notice *n, const struct report *r)
{
	const struct link *l;

	n->all = arena_alloc(n->a, n->q->nreports * sizeof(struct report *));
	if (!n->all)
		return false;
	for (l = n->q->reports.next; l != &n->q->reports; l = l->next) {
		struct report *other = CONTAINER_OF(l, struct report, link);

		if (other->id == r->id && other->kind == r->kind && dropped(other) == dropped(r))
			n->all[n->nall++] = other;
	}
	return true;
}

static bool
report_one(struct queue *q, struct report *r, struct arena *a)
{
	struct entry *e = entry_find(&q->ix, r->id);
	struct notice n = { .q = q, .r = r, .e = e, .a = a };

	if (!e) {
		report_free(q, r);
		return true;
	}
	if (!gather(&n, r) || (!dropped(r) && tell(&n) != SPOOL_OK))
		return false;
	bool keep = n.unproven && r->kind == REPORT_FAILED;

	/* The entry may end with its last unit; r is one of these. */
	for (size_t i = 0; i < n.nall; i++) {
		if (n.all[i]->unit && keep)
			undelivered_keep(q, n.all[i]->unit, &n.all[i]->why);
		else if (n.all[i]->unit)
			unit_gone(q, n.all[i]->unit);
		report_free(q, n.all[i]);
	}
	return true;
}

void
report_run(void *arg)
{
	struct queue *q = arg;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	while (!q->stopping) {
		struct link *l = list_first(&q->reports);
		bool stuck = false;

		if (l) {
			stuck = !report_one(q, CONTAINER_OF(l, struct report, link), &a);
			arena_reset(&a);
		}
		if (l && !stuck)
			continue;
		/* Without room on the disk it is tried again, however often we are woken. */
		if (stuck && co_sleep(AGAIN_MS) == WAKE_CANCELLED)
			break;
		if (!stuck && !task_wait(q, &q->reporter, 60'000))
			break;
	}
	arena_done(&a);
}
