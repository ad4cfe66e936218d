/* SPDX-License-Identifier: ISC */
/*
 * sign: see sign.h.
 */
#include "smtpd/sign.h"

#include "base/num.h"
#include "mail/addr.h"
#include "mail/date.h"
#include "policy/grants.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "smtpd/edit.h"
#include "trust/bodyhash.h"
#include "trust/dkim_sign.h"

enum { BLOCK_MAX = 48 << 10, FIELDS_MAX = 64 << 10, LIFE_S = 7 * 86'400 };

struct signing {
	const struct domain *domain;
	struct str author;		/* his address */
	struct body_hashes body;
	int number;			/* of the body's hash */
	bool ended;
};

/* The one mailbox of the header section as it is now. */
static bool
author_of(const struct header *h, struct arena *a, struct addr *out)
{
	const struct field *f = header_find(h, STR("From"), 0);
	struct addr_list from;

	if (!f || dkim_sign_refuses(h) != NULL || !addr_list_parse(f->value, a, &from) ||
	    from.n != 1 || from.addr[0].domain.n == 0)
		return false;
	*out = from.addr[0];
	return true;
}

static bool
has_active_key(const struct domain *d)
{
	for (size_t i = 0; i < d->ndkim; i++)
		if (d->dkim[i].stage == DKIM_ACTIVE)
			return true;
	return false;
}

/* The nearest domain of ours that has keys: the author's own, or one above it, as the host's name
 * is below its domain. */
static const struct domain *
domain_for(const struct config *cfg, struct str author)
{
	const struct domain *best = NULL;

	for (size_t i = 0; i < cfg->ndomain; i++) {
		const struct domain *d = &cfg->domain[i];

		if (domain_under(author, d->name) && has_active_key(d) &&
		    (!best || d->name.n > best->name.n))
			best = d;
	}
	return best;
}

void
sign_head(struct session *s)
{
	struct tx *tx = s->tx;
	const struct domain *d;
	struct signing *g;
	struct header h;
	struct addr author;
	struct str text;

	if (!s->srv->sign.ask || !(s->f.id.local || policy_entitled(s->srv->policy, &s->f)))
		return;
	text = section_text(&tx->sec, &s->mem);
	if (!header_parse(text, &s->mem, 0, &h) || !author_of(&h, &s->mem, &author))
		return;
	d = domain_for(s->srv->cfg, author.domain);
	g = d ? arena_zalloc(&s->mem, sizeof *g) : NULL;
	if (!g)
		return;
	g->domain = d;
	g->number = body_hash_want(&g->body, (struct body_wish){ .relaxed = true });
	tx->sign = g;
}

void
sign_body(struct session *s, struct str bytes)
{
	if (s->tx->sign)
		body_hash_feed(&s->tx->sign->body, bytes);
}

void
sign_replaced(struct session *s)
{
	struct signing *g = s->tx->sign;
	struct str body;

	if (!g)
		return;
	body_hashes_done(&g->body);
	g->number = body_hash_want(&g->body, (struct body_wish){ .relaxed = true });
	if (sd_memory(s->tx->draft, &body)) {
		body_hash_feed(&g->body, body);
		return;
	}
	/* It lies in a file that we cannot read: better no signature than a broken one. */
	log_begin(LOG_WARN, "not_signed");
	log_u("session", s->serial);
	log_cstr("why", "a filter replaced a body that is too long to be read again");
	log_end();
	sign_done(s);
}

void
sign_done(struct session *s)
{
	if (!s->tx || !s->tx->sign)
		return;
	body_hashes_done(&s->tx->sign->body);
	s->tx->sign = NULL;
}

/* ---- one signature ---- */

struct asking {
	struct session *s;
	struct smtpd_sign_ask ask;
	bool refused;			/* vault answered no */
};

/* suspends */
static bool
ask_vault(void *ctx, struct str block, struct buf *signature)
{
	struct asking *q = ctx;

	if (block.n > BLOCK_MAX) {
		q->refused = true;
		return false;
	}
	q->ask.block = block;
	return q->s->srv->sign.ask(q->s->srv->sign.ctx, &q->ask, signature, &q->refused);
}

static void
note(const struct session *s, const struct dkim_key *k)
{
	log_begin(LOG_WARN, "not_signed");
	log_u("session", s->serial);
	log_s("selector", k->selector);
	log_cstr("why", "vault refused, or the header is too long");
	log_end();
}

/* False: vault cannot be asked now. */
static bool
put_signature(struct session *s, const struct header *h, const struct dkim_key *k, struct buf *out)
{
	const struct signing *g = s->tx->sign;
	struct grant_hit hit = grants_source(s->srv->policy, &s->f, false);
	bool by_login = s->login && s->f.id.user.n > 0;
	struct asking q = { .s = s, .ask = {
		.domain = g->domain->name, .selector = k->selector,
		.grant = by_login ? 0 : (uint8_t)(1 + (s->f.id.local ? GRANT_LOCAL_UID : hit.kind)),
		.local = !by_login && s->f.id.local ? conn_fd(s->c) : -1,
		.identity = by_login ? s->f.id.user : s->f.id.pop_user, .token = by_login ?
		    str_from(s->login->token, s->login->token_n) : (struct str){},
	} };
	struct dkim_signer signer = {
		.domain = g->domain->name, .selector = k->selector,
		.identity = by_login ? g->author : (struct str){},
		.ed25519 = s->srv->sign.is_ed25519(s->srv->sign.ctx, g->domain->name, k->selector),
		.relaxed_header = true, .relaxed_body = true, .now_s = wall_ms() / 1000,
		.expires_s = wall_ms() / 1000 + LIFE_S, .sign = ask_vault, .ctx = &q,
	};
	uint64_t len;

	/* i= is quoted-printable: an identity that would need it is left out. */
	for (size_t i = 0; i < signer.identity.n; i++)
		if (!ascii_isalnum(signer.identity.p[i]) && !strchr("@.-_+", signer.identity.p[i]))
			signer.identity = (struct str){};
	if (dkim_sign(&signer, h, body_hash_get(&g->body, g->number, &len), &s->mem, out))
		return true;
	if (q.refused)
		note(s, k);
	return q.refused;
}

struct str
sign_fields(struct session *s)
{
	struct signing *g = s->tx->sign;
	struct str text, fields = STR("");
	struct header h;
	struct addr author;
	struct buf out;
	bool good = true;

	if (!g)
		return fields;
	text = section_text(&s->tx->sec, &s->mem);
	/* A filter may have changed who wrote it; then it is not ours to sign. */
	if (!header_parse(text, &s->mem, 0, &h) || !author_of(&h, &s->mem, &author) ||
	    !domain_under(author.domain, g->domain->name))
		return fields;
	g->author = str_cat(&s->mem, author.local, STR("@"), author.domain);
	if (!g->ended)
		body_hash_end(&g->body);
	g->ended = true;
	buf_init(&out, FIELDS_MAX);
	for (size_t i = 0; i < g->domain->ndkim && good; i++)
		if (g->domain->dkim[i].stage == DKIM_ACTIVE)
			good = put_signature(s, &h, &g->domain->dkim[i], &out);
	fields = out.n > 0 ? str_dup(&s->mem, buf_str(&out)) : STR("");
	buf_done(&out);
	return good ? fields : (struct str){};
}

/* ---- what is missing ---- */

static bool
is_private(void *ctx, const struct field *f)
{
	(void)ctx;
	return str_ieq(f->name, STR("Bcc")) || str_ieq(f->name, STR("Return-Path"));
}

void
sign_complete(struct session *s, struct str id)
{
	struct tx *tx = s->tx;
	enum listener_kind kind = s->listener->kind;
	struct edit e;
	struct buf date;

	if ((kind != L_SUBMISSION && kind != L_LOCAL) || tx->header.junk)
		return;
	(void)section_strip(&tx->sec, is_private, NULL);
	if (tx->header.count[HDR_DATE] == 0) {
		buf_init(&date, 64);
		(void)date_format(&date, wall_ms() / 1000, 0);
		e = (struct edit){ .name = STR("Date"), .value = buf_str(&date) };
		(void)edit_add(&tx->sec.text, &e);
		buf_done(&date);
	}
	if (tx->header.count[HDR_MESSAGE_ID] == 0) {
		e = (struct edit){ .name = STR("Message-ID"), .value = str_cat(&s->mem, STR("<"),
		    id, STR("@"), s->srv->cfg->hostname, STR(">")) };
		(void)edit_add(&tx->sec.text, &e);
	}
}
