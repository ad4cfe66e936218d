/* SPDX-License-Identifier: ISC */
/*
 * cmd_tls: STARTTLS, RFC 3207.
 *
 * The stage in order: refuse when not announced; nothing may be pipelined behind the command
 * (conn_has_input: 554 5.5.1 and close); 220, flush, handshake by conn_set_stream; then
 * session_forget, conn_discard, and f.tls.  It is announced by cmd_hello.c once a listener has
 * certificates; until then the command is not offered.
 */
#include "smtpd/session.h"

struct reply
on_starttls(struct session *s, struct str args)
{
	if (args.n > 0)
		return REPLY(501, 5, 5, 4, "STARTTLS has no argument");
	if (conn_has_input(s->c))
		return REPLY_BYE(554, 5, 5, 1, "nothing may follow STARTTLS");
	if (!(s->ext & EXT_STARTTLS))
		return REPLY(502, 5, 5, 1, "STARTTLS is not offered");
	return REPLY(454, 4, 7, 0, "TLS not available now");		/* RFC 3207 4 */
}
