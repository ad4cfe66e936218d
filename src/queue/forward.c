/* SPDX-License-Identifier: ISC */
/*
 * forward: see forward.h.
 */
#include "queue/forward.h"

#include <stdlib.h>

#include "base/map.h"
#include "mail/path.h"
#include "policy/forward.h"
#include "policy/found.h"
#include "rt/log.h"

/* ---- rates ---- */

struct forward_rates {
	struct map counts;		/* "user target" -> count; keys are ours */
	uint32_t hour;
};

struct forward_rates *
forward_rates_new(void)
{
	struct forward_rates *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	return r;
}

static void
forget_all(struct forward_rates *r)
{
	size_t at = 0;
	struct str key;
	void *count;

	while (map_next(&r->counts, &at, &key, &count))
		free(count);			/* the key stands behind it */
	map_done(&r->counts);
}

void
forward_rates_free(struct forward_rates *r)
{
	forget_all(r);
	free(r);
}

struct count {
	uint64_t n;
	char key[];
};

static struct count *
count_new(struct forward_rates *r, struct str key)
{
	struct count *c = calloc(1, sizeof *c + key.n);

	if (!c)
		abort();
	memcpy(c->key, key.p, key.n);
	(void)map_put(&r->counts, str_from(c->key, key.n), c);
	return c;
}

bool
forward_rate_take(struct forward_rates *r, struct str user, struct str target,
    struct forward_share share)
{
	struct count *c;
	struct buf key;

	if (share.now_s / 3600 != r->hour) {
		forget_all(r);
		r->counts = (struct map){};
		r->hour = share.now_s / 3600;
	}
	buf_init(&key, 1024);
	(void)buf_put(&key, user);
	(void)buf_putc(&key, ' ');
	(void)buf_put(&key, target);
	c = map_get(&r->counts, buf_str(&key));
	if (!c)
		c = count_new(r, buf_str(&key));
	buf_done(&key);
	return c->n++ < share.max;
}

/* ---- one target ---- */

/* Our domain, or one below it. */
static bool
ours(const struct config *cfg, struct str domain)
{
	while (domain.n > 0) {
		ssize_t dot = str_chr(domain, '.');

		if (config_domain(cfg, domain) || domain_eq(domain, cfg->hostname))
			return true;
		if (dot < 0)
			return false;
		domain = str_skip(domain, (size_t)dot + 1);
	}
	return false;
}

static struct str
domain_of(struct str address)
{
	struct str local, domain = {};

	(void)addr_split(address, &local, &domain);
	return domain;
}

/* Rewritten senders are at the main domain: one name in SPF, one in the MX. */
static struct str
srs_domain(const struct config *cfg)
{
	return cfg->ndomain > 0 ? cfg->domain[0].name : cfg->hostname;
}

static void
log_forward(const struct forwarding *f, const struct forward_verdict *v, struct str sender)
{
	if (!log_wants(LOG_INFO))
		return;
	log_begin(LOG_INFO, "forward");
	log_s("rcpt", f->at);
	log_s("to", f->goal->addr);
	log_cstr("made_by", maker_name(f->goal->maker.who));
	log_cstr("act", forward_act_name(v->act));
	log_cstr("rule", v->rule);
	log_s("from", f->env->sender);
	log_s("as", sender);
	log_cstr("next_spf", expected_name(v->spf));
	log_cstr("next_dkim", expected_name(v->dkim));
	log_cstr("next_dmarc", expected_name(v->dmarc));
	log_end();
}

static enum forwarded
mint(const struct forwarding *f, struct arena *a, struct queue_target *t)
{
	const struct srs_ask ask = { .sender = f->env->sender, .domain = srs_domain(f->cfg),
		.at_ms = f->env->received_ms };
	struct str out, why;

	switch (queue_vault_mint(f->vault, &ask, a, &out, &why)) {
	case QV_YES:
		t->sender = out;
		return FORWARDED;
	case QV_LATER:
		return FORWARD_LATER;
	case QV_NO:
		break;
	}
	log_begin(LOG_WARN, "srs_impossible");
	log_s("from", f->env->sender);
	log_s("why", why);
	log_end();
	return FORWARD_NEVER;
}

/* Our own senders, where their domain wants it (BATV); without a tag rather than not at all. */
static enum forwarded
tag(const struct forwarding *f, struct arena *a, struct queue_target *t)
{
	const struct domain *d = config_domain(f->cfg, domain_of(f->env->sender));
	const struct srs_ask ask = { .sender = f->env->sender, .at_ms = f->env->received_ms };
	struct str out;

	if (d == NULL || !d->batv || f->env->null_sender)
		return FORWARDED;
	switch (queue_vault_tag(f->vault, &ask, a, &out)) {
	case QV_YES:
		t->sender = out;
		return FORWARDED;
	case QV_LATER:
		return FORWARD_LATER;
	case QV_NO:
		break;
	}
	return FORWARDED;
}

static bool
over_rate(const struct forwarding *f)
{
	const struct forward_share share = { f->cfg->lim.forward_rate, f->now_s };

	return f->goal->maker.who == MAKER_CONFIRMED_FORWARD &&
	    !forward_rate_take(f->rates, f->goal->of, f->goal->addr, share);
}

enum forwarded
forward_target(const struct forwarding *f, struct arena *a, struct queue_target *t)
{
	const struct spool_env *env = f->env;
	struct forward_facts facts = {
		.null_sender = env->null_sender, .owner = t->sender.n > 0,
		.sender_ours = ours(f->cfg, domain_of(env->sender)), .inside = f->goal->inside,
		.bounce = f->goal->maker.who == MAKER_VERIFIED_SRS, .found = env->flags,
		.unsigned_strict = (enum forward_unsigned)f->cfg->forward_unsigned,
	};
	struct forward_verdict v;
	enum forwarded r = FORWARDED;

	if (f->goal->kind != GOAL_SMTP)
		return FORWARDED;
	if (facts.sender_ours && t->sender.n == 0 && !f->goal->inside)
		r = tag(f, a, t);
	if (r == FORWARD_LATER || f->goal->maker.who == MAKER_NONE)
		return r;
	v = forward_decide(&facts);
	if (v.act != FORWARD_REFUSE && over_rate(f))
		v = (struct forward_verdict){ .act = FORWARD_REFUSE, .rule = "forward-rate" };
	switch (v.act) {
	case FORWARD_KEEP:
		break;
	case FORWARD_SRS:
	case FORWARD_WRAP:
		r = mint(f, a, t);
		break;
	case FORWARD_REFUSE:
		r = FORWARD_NEVER;
		break;
	}
	if (r != FORWARD_LATER)
		log_forward(f, &v, t->sender.n > 0 ? t->sender : env->sender);
	return r == FORWARDED && v.act == FORWARD_WRAP ? FORWARD_WRAPPED : r;
}
