/* SPDX-License-Identifier: ISC */
/*
 * cmd_rcpt: RCPT TO, RFC 5321 4.1.1.3, 3.3, 3.6.1.
 */
#include "smtpd/session.h"

#include "policy/entitle.h"
#include "smtpd/filters.h"
#include "smtpd/qualify.h"
#include "trust/batv.h"
#include "trust/srs.h"

static bool
of_ours(enum dest d)
{
	return d == DEST_LOCAL || d == DEST_UNKNOWN || d == DEST_DISABLED || d == DEST_FULL;
}

/* No catch-all and no mailbox takes such an address: it is ours or nobody's.  suspends */
static void
gather_srs(struct session *s, const struct path *to)
{
	struct str text = path_text(to, &s->line);

	s->f.srs = text.n > 0 ? s->srv->srs.judge(s->srv->srs.ctx, text, to->domain) : SRSF_LATER;
	s->f.dest = s->f.srs == SRSF_GOOD ? DEST_LOCAL : DEST_UNKNOWN;
}

/* A sender that we tagged comes back: what it is without the tag.  suspends */
static void
gather_tag(struct session *s, const struct path *to)
{
	struct path_rules rules = { .arena = &s->line, .utf8 = true };
	struct str text = path_text(to, &s->line);
	struct path bare = {};
	struct perr err = {};

	s->f.tag = text.n > 0 ? s->srv->srs.tag(s->srv->srs.ctx, text) : SRSF_LATER;
	if (s->f.tag == SRSF_GOOD &&
	    path_parse(batv_strip(text, &s->line), &rules, &bare, &err))
		s->f.dest = s->srv->ops.dest(s->srv->ops.ctx, &bare, &s->line);
}

/* suspends */
static bool
leaves(struct session *s, const struct path *to)
{
	const struct smtpd_ops *ops = &s->srv->ops;

	if (s->f.dest == DEST_RELAYED || s->f.dest == DEST_REMOTE)
		return true;
	return s->f.dest == DEST_LOCAL && s->listener->kind == L_MX && ops->leaves &&
	    ops->leaves(ops->ctx, to, &s->line);
}

/* What the recipient is, and for an own-domain sender the place where the sender stage says what
 * that one is (f.sender_dest).  suspends */
static void
gather_rcpt(struct session *s, const struct path *to)
{
	s->f.rcpt = to;
	s->f.unknown = s->unknown;
	s->f.dest = s->srv->ops.dest(s->srv->ops.ctx, to, &s->line);
	s->f.leaves = leaves(s, to);
	s->f.srs = SRSF_NONE;
	s->f.srs_taken = s->tx->srs_taken;
	if (s->srv->srs.judge && srs_looks_like(to->local) && of_ours(s->f.dest))
		gather_srs(s, to);
	s->f.tag = SRSF_NONE;
	if (s->srv->srs.tag && batv_looks_like(to->local) && of_ours(s->f.dest))
		gather_tag(s, to);
}

void
rcpt_taken(struct session *s, const struct verdict *v)
{
	struct tx *tx = s->tx;

	tx_mark(&tx->mark, &v->mark);
	tx->srs_taken |= s->f.srs == SRSF_GOOD;
	s->f.tx_leaves = s->f.leaves;
	if (s->tx->nrcpt <= 1)
		s->f.first_class = policy_rcpt_class(s->srv->policy, &s->f);
	if (!v->relay)
		return;
	tx->rule = v->rule;
	tx->why = v->line > 0 ? str_fmt(&s->mem, STR_F ":%u", STR_A(v->why), v->line) : v->why;
	s->f.relays |= v->grant != GRANT_DESTINATION;
}

struct reply
on_rcpt(struct session *s, struct str args)
{
	struct smtp_rules rules = { .arena = &s->line, .ext = s->ext };
	struct rcpt_args r = {};
	struct perr err = {};
	struct verdict v, filtered = { .act = ACT_ACCEPT };

	if (!s->tx)
		return REPLY(503, 5, 5, 1, "say MAIL first");
	if (s->tx->begun)
		return REPLY(503, 5, 5, 1, "the message has begun");	/* RFC 3030 2 */
	rules.utf8 = s->tx->m.smtputf8;
	if (s->listener->kind == L_LOCAL)
		args = qualify(&s->line, args, tx_main_domain(s));
	if (!smtp_rcpt_parse(args, &rules, &r, &err))
		return reply_of_perr(&err);
	gather_rcpt(s, &r.path);
	v = decide_rcpt(s->srv->policy, &s->f);
	if (v.act != ACT_ACCEPT || v.nobserved > 0)
		v.reply = session_verdict(s, &v);
	if (s->f.dest == DEST_UNKNOWN)
		s->unknown++;
	if (v.act == ACT_ACCEPT)
		filtered = filters_rcpt(s, &r);
	if (filtered.act != ACT_ACCEPT) {
		v = filtered;
		(void)session_verdict(s, &v);
	}
	if (v.act == ACT_ACCEPT) {
		if (!tx_add(s, &r, entitle_flags(s->f.dest, &v) |
		    (s->f.leaves ? ENTITLE_LEAVES : 0)))
			v.reply = REPLY(452, 4, 3, 1, "no memory");
		else
			rcpt_taken(s, &v);
		s->commands--;			/* RCPTMAX bounds these: we announced it */
	}
	s->f.rcpt = NULL;
	s->f.dest = DEST_NONE;
	s->f.srs = SRSF_NONE;
	return v.reply;
}
