/* SPDX-License-Identifier: ISC */
/*
 * cmd_auth: AUTH, RFC 4954.
 *
 * The stage in order: refuse without TLS, twice, in a transaction; parse mechanism and initial
 * response; talk with vault; on success session_forget and f.id.  It is announced by
 * cmd_hello.c where it is offered; elsewhere the command is refused without a look at it.
 */
#include "smtpd/session.h"

struct reply
on_auth(struct session *s, struct str args)
{
	(void)args;
	if (s->listener->kind == L_SUBMISSION && !s->f.tls)
		return REPLY(538, 5, 7, 11, "encryption required");
	if (s->tx)
		return REPLY(503, 5, 5, 1, "not within a transaction");	/* RFC 4954 4 */
	if (!(s->ext & EXT_AUTH))
		return REPLY(502, 5, 5, 1, "AUTH is not offered");
	return REPLY(454, 4, 7, 0, "authentication not available now");
}
