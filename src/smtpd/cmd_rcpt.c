/* SPDX-License-Identifier: ISC */
/*
 * cmd_rcpt: RCPT TO, RFC 5321 4.1.1.3, 3.3, 3.6.1.
 */
#include "smtpd/session.h"

#include "policy/entitle.h"
#include "smtpd/filters.h"
#include "smtpd/qualify.h"

/* What the recipient is, and for an own-domain sender the place where the sender stage says what
 * that one is (f.sender_dest).  suspends */
static void
gather_rcpt(struct session *s, const struct path *to)
{
	s->f.rcpt = to;
	s->f.unknown = s->unknown;
	s->f.dest = s->srv->ops.dest(s->srv->ops.ctx, to, &s->line);
}

void
rcpt_taken(struct session *s, const struct verdict *v)
{
	struct tx *tx = s->tx;

	tx_mark(&tx->mark, &v->mark);
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
		if (!tx_add(s, &r, entitle_flags(s->f.dest, &v)))
			v.reply = REPLY(452, 4, 3, 1, "no memory");
		else
			rcpt_taken(s, &v);
		s->commands--;			/* RCPTMAX bounds these: we announced it */
	}
	s->f.rcpt = NULL;
	s->f.dest = DEST_NONE;
	return v.reply;
}
