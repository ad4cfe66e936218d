/* SPDX-License-Identifier: ISC */
/*
 * checked: see checked.h.
 */
#include "smtpd/checked.h"

#include "base/num.h"
#include "policy/found.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "smtpd/authors.h"
#include "smtpd/replay.h"
#include "smtpd/sender_facts.h"
#include "trust/checks.h"

enum { FIELD_ROOM = 16 << 10 };

struct checked {
	struct checks_query q;
	struct trust_dns dns;
	struct dkim_rules rules;
	struct spf_result spf;		/* asked at MAIL */
	struct checks c;
	struct sender_facts who;
	int64_t left_ms;		/* of the time for DNS */
	uint64_t signature;		/* replay_key of the author's; 0: not counted */
	bool begun;
};

/* May suspend, as all that calls it: the budget is for what DNS takes, not for the client. */
static void
clock_on(struct checked *k)
{
	k->dns.deadline = now_ms() + k->left_ms;
}

static void
clock_off(struct checked *k)
{
	k->left_ms = k->dns.deadline - now_ms();
	if (k->left_ms < 0)
		k->left_ms = 0;
}

static void
set_query(struct session *s, struct checked *k)
{
	const struct path *from = s->f.sender;

	k->rules = (struct dkim_rules){
		.now_s = wall_ms() / 1000, .own_key = s->srv->keys.own, .ctx = s->srv->keys.ctx,
	};
	k->dns = (struct trust_dns){ .ops = s->srv->ops.dns, .queries_max = TRUST_QUERIES_MAX };
	k->left_ms = TRUST_MS;
	k->q = (struct checks_query){
		.ip = s->f.ip, .has_ip = s->f.have_ip && !ip_is_loopback(s->f.ip),
		.helo = s->f.helo,
		.mail_local = from->null ? (struct str){} : str_dup(&s->mem, from->local),
		.mail_domain = from->null ? (struct str){} : str_dup(&s->mem, from->domain),
		.authserv_id = s->srv->cfg->hostname, .now_s = k->rules.now_s,
		.dkim_rules = &k->rules, .dns = &k->dns, .a = &s->mem,
	};
}

void
checked_mail(struct session *s)
{
	struct checked *k;

	s->f.sender_sends_nothing = false;
	if (!policy_judges(s->srv->policy, &s->f))
		return;
	k = s->checked = arena_zalloc(&s->mem, sizeof(*k));
	if (!k)
		return;
	set_query(s, k);
	if (!k->q.has_ip || k->q.mail_domain.n == 0 || s->f.sender->literal ||
	    policy_own_under(s->srv->policy, k->q.mail_domain))
		return;
	struct spf_query spf = {
		.ip = k->q.ip, .helo = k->q.helo, .local = k->q.mail_local,
		.domain = k->q.mail_domain, .receiver = k->q.authserv_id, .dns = &k->dns,
		.a = &s->mem,
	};

	clock_on(k);
	spf_check(&spf, &k->spf);
	clock_off(k);
	k->q.spf = &k->spf;
	s->f.sender_sends_nothing = k->spf.result == AUTH_FAIL && k->spf.sends_nothing;
}

struct forged { struct str id; struct arena *a; };

static bool
forged(void *ctx, const struct field *f)
{
	struct forged *q = ctx;

	return authres_forged(f, q->id, q->a);
}

void
checked_head(struct session *s)
{
	struct checked *k = s->checked;
	struct tx *tx = s->tx;
	struct forged q = { s->srv->cfg->hostname, &s->mem };
	size_t n;

	if (k || policy_wants_authors(s->srv->policy, &s->f))
		tx->head = section_text(&tx->sec, &s->mem);
	else
		tx->head = STR("");
	if (k && tx->draft)
		k->begun = tx->head.p != NULL && checks_begin(&k->c, &k->q, tx->head);
	/* What cannot be looked at is not taken. */
	if (!tx->head.p || (k && tx->draft && !k->begun)) {
		tx->store = SPOOL_BUSY;
		content_spoil(s, 0);
		return;
	}
	if (s->listener->kind == L_LMTP)
		return;
	n = section_strip(&tx->sec, forged, &q);
	if (n > 0 && log_wants(LOG_INFO)) {
		log_begin(LOG_INFO, "forged_fields");
		log_u("session", s->serial);
		log_u("removed", n);
		log_end();
	}
}

void
checked_body(struct session *s, struct str bytes)
{
	if (s->checked && s->checked->begun)
		checks_body(&s->checked->c, bytes);
}

/* A forwarder that keeps the senders is known by its own name (HELO, RFC 7208 2.3), which is asked
 * for only where it could be one of ours. */
static void
check_forwarder(struct session *s, struct checked *k)
{
	const struct senders_conf *c = &s->srv->cfg->senders;
	struct spf_query spf = {
		.ip = k->q.ip, .helo = k->q.helo, .receiver = k->q.authserv_id,
		.now_s = k->q.now_s, .dns = &k->dns, .a = &s->mem,
	};
	bool listed = false;

	for (size_t i = 0; i < c->nforwarder; i++)
		listed |= c->forwarder[i].via == VIA_SPF_HOST &&
		    domain_under(k->q.helo, c->forwarder[i].name);
	if (listed && k->q.has_ip && k->q.mail_domain.n > 0)
		spf_check_helo(&spf, &k->c.spf_helo);
}

/* The author's signature, when nothing else speaks for who brought it. */
static void
count_signature(struct session *s, struct checked *k)
{
	struct smtpd *srv = s->srv;

	k->signature = sender_replayed(&k->c, s->tx->rcpt, s->tx->nrcpt);
	if (k->signature == 0)
		return;
	if (!srv->replay)
		srv->replay = replay_new();
	k->who.replays = replay_seen(srv->replay, k->signature, k->q.now_s);
	if (k->who.replays < srv->cfg->senders.replay_count || !log_wants(LOG_WARN))
		return;
	log_begin(LOG_WARN, "dkim_replay");
	log_u("session", s->serial);
	log_s("author_domain", k->who.domain);
	log_u("deliveries", k->who.replays);
	log_end();
}

void
checked_end(struct session *s)
{
	struct checked *k = s->checked;

	if (!k || !k->begun)
		return;
	clock_on(k);
	checks_end(&k->c, &k->q);
	check_forwarder(s, k);
	clock_off(k);
	sender_facts(s->srv->cfg, &k->c, &k->q, &k->who);
	k->who.begins_wrong = s->tx->head.n > 0 && ascii_iswsp(s->tx->head.p[0]);
	count_signature(s, k);
	s->f.who = &k->who;
}

void
checked_found(struct session *s, const struct verdict *v)
{
	const struct sender_facts *w = s->f.who;
	struct tx *tx = s->tx;
	uint32_t found = FOUND_JUDGED;

	if (v->act == ACT_JUNK) {
		found |= FOUND_JUNK;
		tx->junk = v->rule;
	}
	if (w && s->checked->signature != 0)
		replay_add(s->srv->replay, s->checked->signature, w->now_s);
	if (w)
		tx->found = found | sender_found(&s->checked->c, &s->checked->q);
}

/* The rule is one of ours: a token. */
bool
checked_fields(struct session *s, struct str *out)
{
	const struct checked *k = s->checked;
	struct buf b;

	*out = (struct str){};
	if (!s->f.who)
		return true;
	buf_init(&b, FIELD_ROOM);
	(void)buf_puts(&b, "Authentication-Results: ");
	if (!checks_authres(&k->c, &k->q, &b)) {
		buf_done(&b);
		return false;
	}
	(void)buf_puts(&b, "\r\n");
	if (s->tx->junk.n > 0)
		buf_putf(&b, "Postern-Verdict: junk; reason=" STR_F "\r\n", STR_A(s->tx->junk));
	if (!k->who.verified)
		(void)buf_puts(&b, "Postern-Author: unverified\r\n");
	*out = b.failed ? (struct str){} : str_dup(&s->mem, buf_str(&b));
	buf_done(&b);
	return out->p != NULL;
}

void
checked_log(const struct session *s)
{
	const struct sender_facts *w = s->f.who;

	if (!w)
		return;
	log_s("author_local", w->local);
	log_s("author_domain", w->domain);
	log_cstr("spf", auth_result_name(w->spf));
	log_cstr("dkim", auth_result_name(s->checked->c.dkim.result));
	log_cstr("dmarc", auth_result_name(w->dmarc));
	log_cstr("verified", w->verified ? "yes" : "no");
	if (w->reply_elsewhere)
		log_cstr("reply_to", "elsewhere");
	if (s->tx->junk.n > 0) {
		log_cstr("verdict", "junk");
		log_s("reason", s->tx->junk);
	}
}

void
checked_done(struct session *s)
{
	struct checked *k = s->checked;

	s->checked = NULL;
	s->f.who = NULL;
	s->f.sender_sends_nothing = false;
	if (k && k->begun)
		checks_done(&k->c);
	if (!s->tx)
		arena_reset(&s->mem);
}
