/* SPDX-License-Identifier: ISC */
/*
 * cmd_misc: RSET NOOP QUIT VRFY EXPN HELP, and all that is refused.
 *
 * RFC 5321 4.1.1.5 to 4.1.1.10, 3.5.3, 7.3.  Nothing here tells whether an address exists.
 */
#include "smtpd/session.h"

static bool
too_many_idle(struct session *s)
{
	return ++s->noops > s->lim->noop_commands;
}

#define TOO_MANY REPLY_BYE(421, 4, 7, 0, "too many commands that do nothing")

struct reply
on_rset(struct session *s, struct str args)
{
	if (args.n > 0)
		return REPLY(501, 5, 5, 4, "RSET has no argument");
	/* RSET between messages is what many clients do; alone it is idling. */
	if (!s->tx && too_many_idle(s))
		return TOO_MANY;
	tx_reset(s);
	return REPLY(250, 2, 0, 0, "ok");
}

struct reply
on_noop(struct session *s)
{
	if (too_many_idle(s))
		return TOO_MANY;
	return REPLY(250, 2, 0, 0, "ok");
}

struct reply
on_quit(struct session *s, struct str args)
{
	(void)s;
	if (args.n > 0)
		return REPLY(501, 5, 5, 4, "QUIT has no argument");
	return REPLY_BYE(221, 2, 0, 0, "bye");
}

struct reply
on_vrfy(struct session *s, struct str args)
{
	if (too_many_idle(s))
		return TOO_MANY;
	if (args.n == 0)
		return REPLY(501, 5, 5, 4, "VRFY whom?");
	return REPLY(252, 2, 5, 2, "send mail and see");
}

struct reply
on_expn(struct session *s)
{
	(void)s;
	return REPLY(502, 5, 5, 1, "EXPN is not offered");
}

struct reply
on_help(struct session *s)
{
	if (too_many_idle(s))
		return TOO_MANY;
	return REPLY(214, 2, 0, 0, "see RFC 5321");
}

/* SEND, SOML and SAML spoke to terminals, TURN gave mail to whoever asked: RFC 5321 F.6, F.1 */
struct reply
on_unknown(struct session *s, enum smtp_verb verb)
{
	(void)s;
	return verb == SMTP_UNKNOWN ? REPLY(500, 5, 5, 1, "command not known") :
				      REPLY(502, 5, 5, 1, "command not offered");
}
