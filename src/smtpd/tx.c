/* SPDX-License-Identifier: ISC */
/*
 * tx: begin, grow and end a transaction.  See session.h.
 *
 * RFC 5321 4.1.4: EHLO and RSET end one; so does everything else that ends here.
 */
#include "smtpd/session.h"

#include "base/num.h"
#include "smtpd/checked.h"
#include "smtpd/filters.h"
#include "smtpd/sign.h"

struct str
tx_main_domain(const struct session *s)
{
	const struct config *cfg = s->srv->cfg;

	return cfg->ndomain > 0 ? cfg->domain[0].name : cfg->hostname;
}

static bool
keep(struct session *s, struct str *v)
{
	if (v->n == 0)
		return true;
	*v = str_dup(&s->mem, *v);
	return v->p != NULL;
}

static bool
keep_path(struct session *s, struct path *p)
{
	return keep(s, &p->local) && keep(s, &p->domain);
}

bool
tx_begin(struct session *s, const struct mail_args *m)
{
	struct tx *tx = arena_zalloc(&s->mem, sizeof(*tx));

	if (!tx)
		return false;
	tx->m = *m;
	if (!keep_path(s, &tx->m.path) || !keep(s, &tx->m.envid) || !keep(s, &tx->m.auth)) {
		arena_reset(&s->mem);
		return false;
	}
	if (!tx->m.path.null) {
		tx->sender = path_text(&tx->m.path, &s->mem);
		if (!tx->sender.p) {
			arena_reset(&s->mem);
			return false;
		}
	}
	tx->mark = s->mark;
	s->tx = tx;
	s->f.sender = &tx->m.path;
	return true;
}

void
tx_mark(struct marks *to, const struct marks *from)
{
	to->discard |= from->discard;
	to->hold |= from->hold;
	if (from->hold)
		to->hold_why = from->hold_why;
	if (from->rule.n > 0)
		to->rule = from->rule;
}

static bool
room(struct session *s, struct tx *tx)
{
	size_t cap = tx->rcpt_cap ? tx->rcpt_cap * 2 : 2;
	struct spool_rcpt *more;

	if (tx->nrcpt < tx->rcpt_cap)
		return true;
	more = arena_alloc(&s->mem, cap * sizeof(*more));
	if (!more)
		return false;
	if (tx->nrcpt > 0)
		memcpy(more, tx->rcpt, tx->nrcpt * sizeof(*more));
	tx->rcpt = more;
	tx->rcpt_cap = cap;
	return true;
}

bool
tx_add(struct session *s, const struct rcpt_args *r, uint32_t flags)
{
	struct tx *tx = s->tx;
	struct spool_rcpt to = { .orcpt = r->orcpt, .notify = (uint8_t)r->notify, .flags = flags };

	if (!room(s, tx) || !keep(s, &to.orcpt))
		return false;
	to.addr = r->path.domain.n > 0 ? path_text(&r->path, &s->mem) :
	    str_cat(&s->mem, r->path.local, STR("@"), tx_main_domain(s));
	if (!to.addr.p)
		return false;
	tx->rcpt[tx->nrcpt++] = to;
	s->f.nrcpt = tx->nrcpt;
	return true;
}

void
tx_reset(struct session *s)
{
	struct tx *tx = s->tx;

	sign_done(s);
	s->tx = NULL;
	s->f.sender = s->f.rcpt = NULL;
	s->f.size = 0;
	s->f.spool_full = s->f.sender_bound = false;
	s->f.sender_dns = DNSF_NONE;
	s->f.sender_dest = s->f.dest = DEST_NONE;
	s->f.nrcpt = 0;
	s->f.content = (struct content_facts){};
	s->f.body_signed = SIGNED_NO;
	s->f.relays = s->f.is_report = s->f.leaves = s->f.tx_leaves = false;
	s->f.first_class = 0;
	s->f.sender_sends_nothing = false;
	s->f.who = NULL;
	s->f.author = NULL;
	s->f.nauthor = 0;
	if (!tx)
		return;
	checked_done(s);
	filters_reset(s);
	if (tx->draft)
		sd_drop(tx->draft);
	buf_done(&tx->copy);
	buf_done(&tx->sec.text);
	arena_reset(&s->mem);
}
