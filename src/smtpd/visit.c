/* SPDX-License-Identifier: ISC */
/*
 * visit: the door.  See visit.h and smtpd.h.
 */
#include "smtpd/visit.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "smtpd/filters.h"
#include "smtpd/limits.h"
#include "smtpd/names.h"
#include "smtpd/proxy.h"
#include "smtpd/replay.h"

enum {
	PEERS_MAX = 20'000,		/* addresses remembered by one worker */
	PROXY_MS = 5'000,
	FAREWELL_MS = 1'000,
	FAREWELL_BYTES = 64 << 20,
};

struct smtpd *
smtpd_new(const struct config *cfg, struct spool_writer *sw, const struct smtpd_ops *ops)
{
	struct smtpd *srv = calloc(1, sizeof(*srv));

	if (!srv)
		return NULL;
	srv->cfg = cfg;
	srv->lim = &cfg->lim;
	srv->sw = sw;
	srv->ops = *ops;
	srv->accepted_fd = -1;
	link_init(&srv->visits);
	srv->policy = policy_new(cfg);
	if (srv->policy)
		policy_tables(srv->policy, ops->tables);
	srv->limiter = limiter_new(PEERS_MAX);
	srv->sessions = group_open(FOREVER);
	return srv;
}

void
smtpd_free(struct smtpd *srv)
{
	if (!srv)
		return;
	group_cancel(srv->sessions);
	(void)group_wait(&srv->sessions);
	limiter_free(srv->limiter);
	replay_free(srv->replay);
	policy_free(srv->policy);
	free(srv);
}

void
smtpd_drain(struct smtpd *srv)
{
	srv->draining = true;
	LIST_EACH(l, &srv->visits) {
		struct session *s = CONTAINER_OF(l, struct session, link);

		if (s->waiting)
			co_cancel(s->co);
	}
}

/* Whoever is listed must say for whom it speaks, at once and well-formed. */
static bool
proxy_read(struct session *s)
{
	struct proxy_header h;
	struct str bytes;
	size_t used;
	enum io got;

	conn_deadline(s->c, now_ms() + PROXY_MS);
	got = conn_block(s->c, &bytes);
	while (got == IO_OK) {
		switch (proxy_parse(bytes, &h, &used)) {
		case PROXY_OK:
			conn_consume(s->c, used);
			if (!h.local) {
				s->f.have_ip = true;
				s->f.ip = h.src;
				s->f.server_ip = h.dst;
				s->port = h.src_port;
			}
			return true;
		case PROXY_MORE:
			got = conn_more(s->c, &bytes);
			break;
		case PROXY_BAD:
			return false;
		}
	}
	return false;
}

/* This host itself, listed peers and granted networks carry many clients; in the test profile all
 * clients have one address. */
static bool
many_in_one(const struct session *s)
{
	const struct config *cfg = s->srv->cfg;

	return ip_is_loopback(s->f.ip) || nets_have(&cfg->exempt, &s->f.ip) ||
	       (cfg->test.on && cfg->test.assume_peer_set) ||
	       policy_entitled(s->srv->policy, &s->f);
}

/* What is known of the client before a word was said.  suspends */
static void
gather_client(struct session *s)
{
	const struct smtpd_ops *ops = &s->srv->ops;
	struct str name;

	s->f.id.host = (struct str){};
	s->f.id.host_later = false;
	if (s->srv->cfg->access_file.n > 0 && ops->first_tables)
		ops->first_tables(ops->ctx);
	if (s->f.id.local && s->f.id.uid_name.n == 0 && ops->uid_name) {
		name = ops->uid_name(ops->ctx, s->f.id.uid, &s->line);
		if (name.n > 0 && name.n < sizeof s->uid_name) {
			memcpy(s->uid_name, name.p, name.n);
			s->f.id.uid_name = str_from(s->uid_name, name.n);
		}
	}
	if (s->f.have_ip && !ip_is_loopback(s->f.ip) && policy_needs_name(s->srv->policy))
		s->f.id.host = client_name(ops->dns, s->f.ip, &s->line, s->host,
		    &s->f.id.host_later);
}

struct verdict
visit_admit(struct session *s)
{
	struct verdict v;

	struct smtpd *srv = s->srv;
	const struct limits *lim = s->lim;
	enum listener_kind kind = s->listener->kind;
	bool net = s->f.have_ip && (kind == L_MX || kind == L_SUBMISSION);

	limiter_leave(srv->limiter, s->peer, now_ms());
	s->peer = NULL;
	if (!s->counted) {
		srv->live[kind]++;
		s->counted = true;
	}
	s->f.full = srv->live[kind] > lim->sessions_mx;
	s->f.full_ip = s->f.rate_ip = false;
	if (net && !many_in_one(s))
		s->peer = limiter_enter(srv->limiter, s->f.ip, now_ms());
	if (s->peer) {
		s->f.full_ip = peer_live(s->peer) >
		    (kind == L_MX ? lim->sessions_ip : lim->sessions_ip_submission);
		s->f.rate_ip = kind == L_MX && peer_rate(s->peer) > lim->conn_rate_ip;
	}
	if (!s->f.full && !s->f.full_ip && !s->f.rate_ip)
		gather_client(s);
	v = decide_connect(srv->policy, &s->f);
	s->mark = v.mark;
	return v;
}

struct reply
visit_greeting(struct session *s)
{
	const struct config *cfg = s->srv->cfg;
	struct str text = s->listener->greeting;

	if (text.n == 0)
		text = s->listener->kind == L_LMTP ? STR("LMTP") : cfg->greeting;
	return REPLY_TEXT(220, 0, 0, 0, str_cat(&s->line, cfg->hostname, STR(" "), text));
}

/* suspends.  False: the client is refused or gone. */
static bool
admit(struct session *s)
{
	const struct test_conf *test = &s->srv->cfg->test;
	struct verdict v;
	struct reply r;

	if (s->f.have_ip && nets_have(&s->listener->proxy_from, &s->f.ip) && !proxy_read(s)) {
		log_begin(LOG_INFO, "proxy_violation");
		log_s("listener", s->listener->name);
		log_ip("client", s->f.ip);
		log_end();
		return false;
	}
	if (test->on && test->assume_peer_set && s->listener->kind == L_MX) {
		s->f.have_ip = true;
		s->f.ip = test->assume_peer;
	}
	if (session_implicit_tls(s) && !s->f.tls) {
		/* Whom we would refuse is not worth a handshake. */
		v = visit_admit(s);
		if (v.act != ACT_ACCEPT) {
			(void)session_verdict(s, &v);
			return false;
		}
		if (!session_secure(s))
			return false;
	}
	s->f.early_talk = !s->patient && s->f.have_ip && conn_input_pending(s->c);
	v = s->f.tls ? decide_connect(s->srv->policy, &s->f) : visit_admit(s);
	r = v.act == ACT_ACCEPT ? visit_greeting(s) : session_verdict(s, &v);
	conn_deadline(s->c, now_ms() + s->lim->cmd_early_ms);
	session_reply(s, &r);
	arena_reset(&s->line);
	if (!r.close)
		return true;
	visit_farewell(s, &r);
	return false;
}

void
visit_farewell(struct session *s, const struct reply *last)
{
	size_t left = FAREWELL_BYTES;
	struct str bytes;

	conn_deadline(s->c, now_ms() + FAREWELL_MS);
	if (conn_flush(s->c) != IO_OK)
		return;
	/* Closing with unread input would make the kernel send a reset, and that would overtake
	 * our reply.  What is read here is discarded, never looked at; it is the client's turn to
	 * close, for a while. */
	if (last->code < 500 && !conn_input_pending(s->c))
		return;
	while (left > 0 && conn_block(s->c, &bytes) == IO_OK) {
		size_t n = MIN(left, bytes.n);

		conn_consume(s->c, n);
		left -= n;
	}
}

[[gnu::noinline]] static void
session_init(struct session *s, const struct visit *v)
{
	struct smtpd *srv = v->srv;

	*s = (struct session){
		.srv = srv, .lim = srv->lim, .listener = v->listener, .c = v->c,
		.co = co_self(), .serial = ++srv->serial, .port = v->port, .patient = v->patient,
		.f = {
			.listener = v->listener->kind, .listener_name = v->listener->name,
			.have_ip = v->have_ip, .ip = v->ip, .server_ip = v->server_ip,
			.id = { .local = v->have_uid, .uid = v->uid },
			.client_ca = v->listener->client_ca,
		},
	};
	if (v->assumed) {
		s->f.id.user = v->assumed->user;
		s->f.id.trusted = s->f.id.user.n > 0;
		s->f.id.cert = v->assumed->cert;
		s->f.tls = v->assumed->tls;
		s->f.trace = v->assumed->trace;
	}
	arena_init(&s->line, LINE_MEMORY);
	arena_init(&s->mem, TX_MEMORY);
	list_push(&srv->visits, &s->link);
	s->f.tls_needed = session_needs_tls(s);
}

void
smtpd_visit(const struct visit *v)
{
	struct session s;

	session_init(&s, v);
	if (admit(&s)) {
		s.mend = s.f.have_ip && nets_have(&s.srv->cfg->normalise, &s.f.ip);
		session_run(&s);
	}
	tx_reset(&s);
	filters_close(&s);
	session_logout(&s);
	arena_done(&s.line);
	arena_done(&s.mem);
	list_remove(&s.link);
	limiter_leave(s.srv->limiter, s.peer, now_ms());
	if (s.counted)
		s.srv->live[s.listener->kind]--;
	s.srv->served++;
	conn_close(s.c);
}

static void
visit_run(void *arg)
{
	struct visit v = *(struct visit *)arg;

	free(arg);
	smtpd_visit(&v);
}

bool
smtpd_visit_go(const struct visit *v)
{
	struct visit *mine = malloc(sizeof(*mine));

	if (mine) {
		*mine = *v;
		if (group_go(v->srv->sessions, "session", visit_run, mine))
			return true;
		free(mine);
	}
	conn_close(v->c);
	return false;
}
