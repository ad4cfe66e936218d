/* SPDX-License-Identifier: ISC */
/*
 * server: the resolver role.  See server.h.
 *
 * A question is one heap block from its frame until libunbound's answer or its asker's deadline,
 * whichever comes first; the asker's channel is found again by number, for it may have closed.
 */
#include "dns/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "dns/dns.h"
#include "dns/ub.h"
#include "ipc/ipc.h"
#include "ipc/role.h"
#include "rt/co.h"
#include "rt/log.h"
#include "rt/timer.h"

enum { QUESTIONS_MAX = 4096, ASK_MS_MAX = 60'000, ANSWER_ARENA = 1 << 20 };

struct resolver {
	struct ub *ub;
	size_t nquestion;
	struct link channels;
	uint64_t answered, failed, bogus;
	struct arena arena;		/* of one answer */
	struct buf packed;
};

struct channel {
	struct link link;
	struct resolver *r;
	struct ipc *ch;
};

struct question {
	struct resolver *r;
	uint64_t channel;		/* ipc_id */
	uint32_t qid;
	int ub_id;
	bool asking, answered;		/* libunbound may answer within ub_ask */
	struct timer timer;
	struct ub_question q;
	size_t n;
	char name[];
};

static void
answer_send(uint64_t channel, uint32_t qid, struct str packed)
{
	struct ipc *ch = ipc_by_id(channel);

	if (ch)
		(void)ipc_send(ch, MSG_dns_answer, &(struct msg_dns_answer){
			.qid = qid, .packed = packed });
}

static void
answer_temp(struct resolver *r, uint64_t channel, uint32_t qid, enum dns res)
{
	buf_reset(&r->packed);
	if (dns_pack(&(struct dns_answer){ .res = res }, &r->packed))
		answer_send(channel, qid, buf_str(&r->packed));
}

static void
question_free(struct question *q)
{
	timer_clear(&q->timer);
	q->r->nquestion--;
	free(q);
}

static void
log_bogus(const struct question *q, const char *why)
{
	log_begin(LOG_WARN, "dns_bogus");
	log_s("name", str_from(q->name, q->n));
	log_s("type", dns_type_name(q->q.type));
	log_s("why", why);
	log_end();
}

static enum dns
answer_of(struct question *q, const struct ub_said *said, struct dns_answer *out)
{
	struct resolver *r = q->r;

	*out = (struct dns_answer){ .res = DNS_TEMP };
	if (said->bogus) {
		r->bogus++;
		log_bogus(q, said->why_bogus);
		out->res = DNS_BOGUS;
	} else if (said->rcode == 3) {
		*out = (struct dns_answer){ .res = DNS_NXDOMAIN, .secure = said->secure, .ttl =
		    60 };
	} else if (said->packet.n && dns_packet_parse(said->packet, q->q.type, &r->arena, out)) {
		out->secure = said->secure && out->res != DNS_TEMP;
	}
	if (out->res == DNS_TEMP)
		r->failed++;
	return out->res;
}

/* On the loop's stack, from libunbound. */
static void
on_said(void *arg, const struct ub_said *said)
{
	struct question *q = arg;
	struct resolver *r = q->r;
	struct dns_answer ans;

	r->answered++;
	(void)answer_of(q, said, &ans);
	buf_reset(&r->packed);
	if (dns_pack(&ans, &r->packed))
		answer_send(q->channel, q->qid, buf_str(&r->packed));
	else
		answer_temp(r, q->channel, q->qid, DNS_TEMP);
	arena_reset(&r->arena);
	q->answered = true;
	if (!q->asking)
		question_free(q);
}

static void
on_late(void *arg)
{
	struct question *q = arg;

	ub_ask_cancel(q->r->ub, q->ub_id);
	q->r->failed++;
	answer_temp(q->r, q->channel, q->qid, DNS_TEMP);
	question_free(q);
}

static void
ask_on_main(void *arg)
{
	struct question *q = arg;

	q->asking = true;
	bool taken = ub_ask(q->r->ub, &q->q, &q->ub_id);
	q->asking = false;
	if (!taken)
		answer_temp(q->r, q->channel, q->qid, DNS_TEMP);
	if (!taken || q->answered)
		question_free(q);
}

static void
on_ask(struct resolver *r, struct ipc *ch, const struct msg_dns_ask *m)
{
	uint32_t ms = MIN(m->timeout_ms, (uint32_t)ASK_MS_MAX);

	if (r->nquestion >= QUESTIONS_MAX || m->name.n > DNS_NAME_TEXT_MAX || m->type == 0) {
		answer_temp(r, ipc_id(ch), m->qid, DNS_TEMP);
		return;
	}
	struct question *q = calloc(1, sizeof *q + m->name.n + 2);
	if (!q) {
		answer_temp(r, ipc_id(ch), m->qid, DNS_TEMP);
		return;
	}
	r->nquestion++;
	q->r = r;
	q->channel = ipc_id(ch);
	q->qid = m->qid;
	q->n = m->name.n;
	memcpy(q->name, m->name.p, m->name.n);
	if (q->n == 0 || q->name[q->n - 1] != '.')
		q->name[q->n] = '.';
	q->q = (struct ub_question){ .name = q->name, .type = m->type, .done = on_said, .arg = q };
	timer_set(&q->timer, now_ms() + ms, on_late, q);
	co_on_main(ask_on_main, q);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct channel *c = ipc_arg(ch);

	(void)call_id;
	(void)fd;
	if (type == MSG_dns_ask)
		on_ask(c->r, ch, &m->dns_ask);
}

static void
on_close(struct ipc *ch)
{
	struct channel *c = ipc_arg(ch);

	list_remove(&c->link);
	free(c);
	ipc_close(ch);
}

static const struct ipc_ops resolver_ipc = { .on_msg = on_msg, .on_close = on_close };

static void
on_peer(struct role_env *env, const struct role_peer *peer, int fd)
{
	struct resolver *r = env->arg;
	struct channel *c = calloc(1, sizeof *c);

	if (!c) {
		(void)close(fd);
		return;
	}
	c->r = r;
	c->ch = ipc_new(fd, peer->name, &resolver_ipc, c);
	if (!c->ch) {
		free(c);
		return;
	}
	list_push(&r->channels, &c->link);
}

static void
on_status(struct role_env *env, uint32_t *sessions, uint64_t *done)
{
	struct resolver *r = env->arg;

	*sessions = (uint32_t)r->nquestion;
	*done = r->answered;
}

static struct ub *the_ub;		/* from resolver_setup to resolver_role_run */

bool
resolver_setup(struct role_env *env)
{
	const char *why;

	the_ub = ub_new(&env->cfg->dns, "/etc/resolv.conf", &why);
	if (the_ub)
		return true;
	log_begin(LOG_ERROR, "dns_setup_failed");
	log_s("why", why);
	log_end();
	return false;
}

static void
resolver_run_with(struct role_env *env, struct resolver *r)
{
	static const struct role_hooks hooks = { .on_peer = on_peer, .on_status = on_status };

	role_attach(env, &hooks, r);
	role_wait_drain(env);
	while (!list_empty(&r->channels)) {
		struct channel *c = CONTAINER_OF(list_first(&r->channels), struct channel, link);
		struct ipc *ch = c->ch;

		list_remove(&c->link);
		free(c);
		ipc_close(ch);
	}
}

void
resolver_role_run(struct role_env *env)
{
	struct resolver r = { .ub = the_ub };

	link_init(&r.channels);
	arena_init(&r.arena, ANSWER_ARENA);
	buf_init(&r.packed, 2 * DNS_PACKED_MAX);
	resolver_run_with(env, &r);
	/* Questions still open die with the process: libunbound's state goes as a whole. */
	buf_done(&r.packed);
	arena_done(&r.arena);
}
