/* SPDX-License-Identifier: ISC */
/*
 * role: channels in, channels out; see role.h.
 *
 * Peers are taken only after the journal has been read, so nothing is told to half a queue.
 */
#include "queue/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/found.h"
#include "queue/admin.h"
#include "queue/carrier.h"
#include "queue/files.h"
#include "queue/forward.h"
#include "queue/parts.h"
#include "queue/sign.h"
#include "queue/vault.h"
#include "queue/wrap.h"
#include "route/client.h"
#include "route/expand.h"
#include "route/find.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "trust/batv.h"
#include "trust/srs.h"

enum { JOB_ARENA = 1 << 20 };

struct queue_role {
	struct queue *q;
	struct files *files;
	struct route_client *tables;
	struct queue_vault *vault;
	struct forward_rates *rates;
};

/* One recipient on its way. */
struct asked {
	struct queue_role *r;
	const struct spool_msg *m;
	struct str addr;
	struct arena *a;
};

/* A deliverer's channel. */
struct hand {
	struct queue_role *r;
	struct carrier *c;
	struct ipc *ch;
	char name[24];
};

/* ---- doors of the queue ---- */

static enum spool
get_file(void *ctx, enum spool_kind kind, struct spool_file *out)
{
	return files_get(((struct queue_role *)ctx)->files, kind, out);
}

static void
drop_file(void *ctx, enum spool_kind kind, const struct spool_file *f, bool broken)
{
	files_drop(((struct queue_role *)ctx)->files, kind, f, broken);
}

static void
release(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	files_release(((struct queue_role *)ctx)->files, kind, n, gen);
}

static void
finished(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	files_finished(((struct queue_role *)ctx)->files, kind, n, gen);
}

static void
big_live(void *ctx, uint64_t n, uint64_t gen)
{
	files_big_live(((struct queue_role *)ctx)->files, n, gen);
}

static void
big_live_end(void *ctx)
{
	files_big_live_end(((struct queue_role *)ctx)->files);
}

/* "550 5.1.1 gone": status and text of a table's error. */
static enum becomes
never(struct str said, struct becoming *out)
{
	struct str rest = said, code = str_split(&rest, ' '), status = str_split(&rest, ' ');

	out->status = str_chr(status, '.') > 0 ? status : STR("5.0.0");
	out->text = said;
	/* A temporary refusal of the administrator's is a later. */
	return code.n == 3 && code.p[0] == '4' ? BECOMES_LATER : BECOMES_NEVER;
}

static bool
take_goal(const struct goal *g, struct queue_target *t)
{
	*t = (struct queue_target){ .addr = g->addr, .nexthop = g->nexthop, .sender = g->sender,
		.made_by = (uint8_t)g->maker.who };
	switch (g->kind) {
	case GOAL_MAILDIR:
		t->transport = T_LOCAL;
		t->nexthop = (struct str){};
		return true;
	case GOAL_LMTP:
		t->transport = T_LMTP;
		return true;
	case GOAL_SMTP:
		t->transport = T_SMTP;
		return true;
	case GOAL_DISCARD:
		t->transport = T_DISCARD;
		return true;
	case GOAL_PROGRAM:
	case GOAL_FILE:
	case GOAL_ERROR:
		return false;
	}
	return false;
}

/* Its own way ends here; the new message goes on by itself.  suspends */
static enum becomes
wrapped(const struct asked *k, const struct goal *g, struct queue_target *t)
{
	const struct wrapping w = { .m = k->m, .at = k->addr, .to = g->addr, .sender = t->sender };

	if (wrap_message(k->r->q, &w, k->a) != SPOOL_OK)
		return BECOMES_LATER;
	t->transport = T_DISCARD;
	return BECOMES_OK;
}

/* Mail that leaves us under a foreign sender gets one of ours, which leads back.  suspends */
static enum becomes
leaves(const struct asked *k, const struct goal *g, struct queue_target *t,
    struct becoming *out)
{
	switch (forward_target(&(struct forwarding){
	    .env = &k->m->env, .goal = g, .at = k->addr,
	    .cfg = k->r->q->cfg, .vault = k->r->vault, .rates = k->r->rates,
	    .now_s = queue_sec(k->r->q) }, k->a, t)) {
	case FORWARDED:
		return BECOMES_OK;
	case FORWARD_WRAPPED:
		return wrapped(k, g, t);
	case FORWARD_LATER:
		return BECOMES_LATER;
	case FORWARD_NEVER:
		return never(STR("550 5.7.1 this mail is not forwarded"), out);
	}
	return BECOMES_LATER;
}

/* A target that cannot be, alone or beside others. */
static enum becomes
no_target(const struct expansion *x, const struct goal *g, struct becoming *out)
{
	if (x->ngoal == 1)
		return never(g->kind == GOAL_ERROR ? g->text :
		    STR("550 5.3.5 programs and files are not delivered to"), out);
	log_begin(LOG_WARN, "target_skipped");
	log_s("addr", g->addr);
	log_s("text", g->text);
	log_end();
	return BECOMES_NEVER;
}

/* Does a forward of that user take the mail, so that the mailbox needs no copy? */
static bool
taken_by_forward(const struct expansion *x, const bool *taken, struct str user)
{
	for (size_t i = 0; i < x->ngoal; i++)
		if (taken[i] && !x->goal[i].unless && str_eq(x->goal[i].of, user))
			return true;
	return false;
}

/* Junk for a server that sorts by the detail. */
static void
to_junk(const struct asked *k, struct queue_target *t)
{
	struct str local, domain;
	const struct domain *d;
	ssize_t at;

	if (t->transport != T_LMTP || !(k->m->env.flags & FOUND_JUNK) ||
	    !addr_split(t->addr, &local, &domain))
		return;
	d = config_domain(k->r->q->cfg, domain);
	if (!d || d->junk_detail.n == 0 || d->detail == 0)
		return;
	at = str_chr(local, d->detail);
	t->addr = str_cat(k->a, at > 0 ? str_sub(local, 0, (size_t)at) : local,
	    str_from(&d->detail, 1), d->junk_detail, STR("@"), domain);
}

/* One goal more; mailboxes that only stand in for a forward come when all others are known.
 * suspends */
static enum becomes
take(const struct asked *k, const struct expansion *x, size_t i, struct becoming *out)
{
	const struct goal *g = &x->goal[i];
	enum becomes how;

	if (!take_goal(g, &out->t[out->n]))
		return no_target(x, g, out);
	to_junk(k, &out->t[out->n]);
	how = leaves(k, g, &out->t[out->n], out);
	out->n += how == BECOMES_OK;
	return how;
}

/* suspends */
static enum becomes
goals(const struct asked *k, const struct expansion *x, struct becoming *out)
{
	bool *taken = arena_zalloc(k->a, x->ngoal + 1);
	enum becomes how = BECOMES_OK;

	out->t = arena_alloc(k->a, (x->ngoal + 1) * sizeof *out->t);
	if (!out->t || !taken)
		return BECOMES_LATER;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < x->ngoal; i++) {
			const struct goal *g = &x->goal[i];

			if (g->unless != (pass == 1) ||
			    (g->unless && taken_by_forward(x, taken, g->of)))
				continue;
			how = take(k, x, i, out);
			if (how == BECOMES_LATER)
				return how;
			taken[i] = how == BECOMES_OK;
		}
	if (out->n > 0 || x->ngoal == 0)
		return BECOMES_OK;
	/* Nothing is left, and not because a table said so: nobody must think it arrived. */
	return out->text.n > 0 ? how :
	    never(STR("550 5.3.5 programs and files are not delivered to"), out);
}

/* An address that we made of somebody's sender: not found in any table, and open to one bounce.
 * suspends */
static enum becomes
expand_srs(const struct asked *k, struct becoming *out)
{
	const struct spool_env *env = &k->m->env;
	struct srs_verified v = {};
	struct expansion x = {};

	if (!env->null_sender || env->nrcpt != 1)
		return never(STR("550 5.7.1 this address takes a single bounce"), out);
	switch (queue_vault_judge(k->r->vault, k->addr, env->received_ms, k->a, &v)) {
	case QV_NO:
		return never(STR("550 5.7.1 not a bounce address of ours"), out);
	case QV_LATER:
		return BECOMES_LATER;
	case QV_YES:
		break;
	}
	log_begin(LOG_INFO, "srs_returned"), log_s("addr", v.address),
	    log_s("to", v.original), log_end();
	if (route_expand_srs(route_client_route(k->r->tables), &v, k->a, &x) != EXPAND_OK)
		return BECOMES_LATER;
	return goals(k, &x, out);
}

static bool
is_srs(const struct asked *k)
{
	struct path_rules rules = { .arena = k->a, .utf8 = true };
	struct perr err = {};
	struct path p;

	return path_parse(k->addr, &rules, &p, &err) && srs_looks_like(p.local) &&
	    find_domain(route_client_route(k->r->tables), &p, k->a) != NULL;
}

/* A tag was judged at RCPT: here it is only taken off an address of ours. */
static struct str
untagged(const struct asked *k)
{
	struct str local, domain;

	if (!addr_split(k->addr, &local, &domain) || !batv_looks_like(local) ||
	    config_domain(k->r->q->cfg, domain) == NULL)
		return k->addr;
	return batv_strip(k->addr, k->a);
}

static enum becomes
expand(void *ctx, const struct spool_msg *m, struct str addr, struct arena *a,
    struct becoming *out)
{
	struct asked k = { .r = ctx, .m = m, .addr = addr, .a = a };
	struct expansion x = {};

	*out = (struct becoming){};
	if (is_srs(&k))
		return expand_srs(&k, out);
	addr = untagged(&k);
	switch (route_expand(route_client_route(k.r->tables), addr, a, &x)) {
	case EXPAND_OK:
		return goals(&k, &x, out);
	case EXPAND_UNKNOWN:
		return never(STR("550 5.1.1 no such user here"), out);
	case EXPAND_LOOP:
		return never(STR("554 5.4.6 its aliases go round in a circle"), out);
	case EXPAND_TOO_MANY:
		return never(STR("554 5.3.4 its aliases name too many recipients"), out);
	case EXPAND_LATER:
		return BECOMES_LATER;
	}
	return BECOMES_LATER;
}

/* ---- deliverers ---- */

static bool
send_job(void *arg, const struct job *j)
{
	struct hand *h = arg;
	struct msg_job m;
	struct arena a;
	bool ok;

	arena_init(&a, JOB_ARENA);
	ok = job_pack(j, &a, &m) && ipc_send(h->ch, MSG_job, &m);
	arena_done(&a);
	return ok;
}

static void
hand_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct hand *h = ipc_arg(ch);
	struct queue *q = h->r->q;

	(void)call_id;
	if (fd >= 0)
		(void)close(fd);
	if (type == MSG_job_result)
		carrier_result(q, h->c, &m->job_result);
	else if (type == MSG_job_inflight)
		carrier_inflight(q, h->c, &m->job_inflight);
	else if (type == MSG_job_hello)
		carrier_hello(q, h->c, m->job_hello.window);
}

static void
hand_closed(struct ipc *ch)
{
	struct hand *h = ipc_arg(ch);

	carrier_gone(h->r->q, h->c);
	ipc_close(ch);
	free(h);
}

static void
deliverer(struct queue_role *r, const struct role_peer *peer, int fd)
{
	static const struct ipc_ops ops = { .on_msg = hand_msg, .on_close = hand_closed };
	bool local = peer->role == ROLE_LOCAL;
	struct hand *h = calloc(1, sizeof *h);

	if (!h)
		abort();
	h->r = r;
	(void)snprintf(h->name, sizeof h->name, "%s", peer->name);
	const struct carrier proto = {
		.name = h->name, .send = send_job, .arg = h,
		.takes = { [T_SMTP] = !local, [T_LMTP] = !local, [T_LOCAL] = local },
	};

	h->c = carrier_new(r->q, &proto);
	h->ch = h->c ? ipc_new(fd, h->name, &ops, h) : NULL;
	if (h->ch)
		return;
	if (h->c)
		carrier_gone(r->q, h->c);
	free(h);
}

/* ---- smtpd and admin ---- */

static void
notice_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct queue_role *r = ipc_arg(ch);

	(void)call_id;
	if (fd >= 0)
		(void)close(fd);
	if (type == MSG_seg_notice)
		queue_on_notice(r->q, &(struct sw_notice){ .segno = m->seg_notice.segno,
			.gen = m->seg_notice.gen, .committed = m->seg_notice.committed,
			.closed = m->seg_notice.closed });
}

static void
admin_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct queue_role *r = ipc_arg(ch);
	uint64_t id = ipc_id(ch);
	struct msg_admin_answer answer;
	struct arena a;

	if (fd >= 0)
		(void)close(fd);
	if (type != MSG_admin_query || call_id == 0)
		return;
	arena_init(&a, 16 << 20);
	answer.ok = queue_admin(r->q, m->admin_query.op, m->admin_query.args, &a, &answer.json);
	if (ipc_by_id(id))
		(void)ipc_reply(ch, call_id, MSG_admin_answer, &answer);
	arena_done(&a);
}

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	static const struct ipc_ops notices = { .on_msg = notice_msg };
	static const struct ipc_ops questions = { .on_msg = admin_msg };
	struct queue_role *r = env->arg;

	if (peer->role == ROLE_POOL)
		files_peer(r->files, fd, peer->name);
	else if (peer->role == ROLE_LOOKUP)
		route_client_peer(r->tables, fd, peer->name);
	else if (peer->role == ROLE_VAULT)
		queue_vault_peer(r->vault, fd, peer->name);
	else if (peer->role == ROLE_SMTPC || peer->role == ROLE_LOCAL)
		deliverer(r, peer, fd);
	else if (peer->role == ROLE_SMTPD)
		(void)ipc_new(fd, peer->name, &notices, r);
	else if (peer->role == ROLE_ADMIN)
		(void)ipc_new(fd, peer->name, &questions, r);
	else
		(void)close(fd);
}

static void
on_status(struct role_env *env, uint32_t *sessions, uint64_t *done)
{
	struct queue_role *r = env->arg;

	*sessions = (uint32_t)r->q->ix.by_id.n;
	*done = r->q->stats.finished;
}

/* Without a journal nothing may be delivered: wait for the pool as long as it takes.  A child of
 * its own, because a stop may come while there is no pool. */
/* suspends */
static struct str
sign(void *ctx, struct str header, struct str body_hash, struct arena *a)
{
	struct queue_role *r = ctx;

	return queue_sign(r->vault, r->q->cfg, &(struct own_mail){ header, body_hash }, a);
}

static void
start_run(void *arg)
{
	struct queue_role *r = arg;

	while (queue_start(r->q) != SPOOL_OK)
		if (co_sleep(1000) == WAKE_CANCELLED)
			break;
}

void
queue_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = { .on_peer = on_peer, .on_status = on_status };
	struct queue_role r = { .files = files_new(), .tables = route_client_new(env->cfg),
		.vault = queue_vault_new(), .rates = forward_rates_new() };
	const struct queue_conf conf = {
		.cfg = env->cfg, .spool_dirfd = role_file(env, "spool"), .ctx = &r,
		.ops = {
			.get_file = get_file, .drop_file = drop_file, .release = release,
			.finished = finished,
			.big_live = big_live, .big_live_end = big_live_end, .expand = expand,
			.sign = sign,
		},
	};

	struct group *starting;

	r.q = queue_new(&conf);
	if (!r.q || queue_load(r.q) != SPOOL_OK) {
		log_begin(LOG_ERROR, "queue_unusable");
		log_s("dir", env->cfg->spool_dir);
		log_end();
		return;
	}
	files_queue(r.files, r.q);
	role_attach(env, &hooks, &r);
	starting = group_open(FOREVER);
	(void)group_go(starting, "queue-start", start_run, &r);
	role_wait_drain(env);
	group_cancel(starting);
	(void)group_wait(&starting);
	queue_free(r.q);
}
