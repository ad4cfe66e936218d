/* SPDX-License-Identifier: ISC */
/*
 * cmd_mail: MAIL FROM, RFC 5321 4.1.1.2, 3.3.
 */
#include "smtpd/session.h"

#include "smtpd/checked.h"
#include "smtpd/filters.h"
#include "smtpd/names.h"
#include "smtpd/qualify.h"

/* Is the sender's domain worth a look?  Not of those who are entitled to more, nor of this host
 * itself; and not in the suites' profile, where nothing is asked of DNS. */
static bool
must_look(const struct session *s, const struct path *p)
{
	const struct config *cfg = s->srv->cfg;

	return s->srv->ops.dns && !p->null && !p->literal && p->domain.n > 0 &&
	       !cfg->accept_unresolvable && s->f.have_ip && !ip_is_loopback(s->f.ip) &&
	       !(cfg->test.on && cfg->test.assume_peer_set) &&
	       s->listener->kind != L_LMTP && !policy_own_under(s->srv->policy, p->domain) &&
	       !policy_entitled(s->srv->policy, &s->f);
}

/* What is to be known of the sender before the verdict.  May suspend. */
static void
gather_sender(struct session *s)
{
	const struct path *p = s->f.sender;

	s->f.spool_full = sw_state(s->srv->sw) == SPOOL_FULL;
	s->f.sender_dns = must_look(s, p) ?
	    sender_domain(s->srv->ops.dns, p->domain, &s->line) : DNSF_NONE;
	s->f.sender_dest = !p->null && policy_own(s->srv->policy, p->domain) &&
	    !policy_entitled(s->srv->policy, &s->f) ?
	    s->srv->ops.dest(s->srv->ops.ctx, p, &s->line) : DEST_NONE;
	checked_mail(s);
}

struct reply
on_mail(struct session *s, struct str args)
{
	struct smtp_rules rules = { .arena = &s->line, .ext = s->ext };
	struct mail_args m = {};
	struct perr err = {};
	struct verdict v, filtered;

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
	if (v.act != ACT_ACCEPT || v.nobserved > 0)
		v.reply = session_verdict(s, &v);
	s->f.sender = NULL;
	if (v.act != ACT_ACCEPT) {
		checked_done(s);
		return v.reply;
	}
	if (!m.path.null && m.path.domain.n == 0)
		m.path.domain = tx_main_domain(s);
	if (!tx_begin(s, &m))
		return REPLY(452, 4, 3, 1, "no memory");
	tx_mark(&s->tx->mark, &v.mark);
	filtered = filters_mail(s);
	if (filtered.act == ACT_ACCEPT)
		return v.reply;
	(void)session_verdict(s, &filtered);
	tx_reset(s);
	return filtered.reply;
}
