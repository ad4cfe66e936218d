/* SPDX-License-Identifier: ISC */
/*
 * cmd_mail: MAIL FROM, RFC 5321 4.1.1.2, 3.3.
 */
#include "smtpd/session.h"

#include "smtpd/qualify.h"

/* The place of the sender stage: look-ups of the sender's domain, SPF, and the identity's binding
 * fill sender_dns and sender_bound here, before the verdict.  May suspend. */
static void
gather_sender(struct session *s)
{
	s->f.spool_full = sw_state(s->srv->sw) == SPOOL_FULL;
}

struct reply
on_mail(struct session *s, struct str args)
{
	struct smtp_rules rules = { .arena = &s->line, .ext = s->ext };
	struct mail_args m = {};
	struct perr err = {};
	struct verdict v;

	if (!s->helo_seen)
		return REPLY(503, 5, 5, 1, "say EHLO first");
	if (s->tx)
		return REPLY(503, 5, 5, 1, "already have a sender");
	if (s->messages >= s->lim->messages_conn)
		return REPLY_BYE(421, 4, 7, 0, "too many messages, come again");
	if (s->listener->kind == L_LOCAL)
		args = qualify(&s->line, args, tx_main_domain(s));
	if (!smtp_mail_parse(args, &rules, &m, &err)) {
		if (!unqualified(args, &rules, &m.path))
			return reply_of_perr(&err);
	}
	s->f.sender = &m.path;
	s->f.size = m.has_size ? m.size : 0;
	gather_sender(s);
	v = decide_mail(s->srv->policy, &s->f);
	s->f.sender = NULL;
	if (v.act != ACT_ACCEPT)
		return session_verdict(s, &v);
	if (!tx_begin(s, &m))
		return REPLY(452, 4, 3, 1, "no memory");
	return v.reply;
}
