/* SPDX-License-Identifier: ISC */
/*
 * cmd_xclient: XCLIENT, by which a listed peer says for whom it speaks.
 *
 * 1. Offered and taken only where the listener names the peer; a name in it (NAME, HELO) is as
 *    untrusted as any client's.  It never carries an identity: LOGIN is refused.
 * 2. Afterwards the session is a new client's: counted, judged and greeted as one.  A client whose
 *    address is unknown has no address, not its proxy's.
 */
#include "smtpd/session.h"

#include "base/num.h"
#include "smtpd/visit.h"

struct claim {
	struct ip ip;
	bool have_ip;
	bool unknown_ip;		/* the peer does not know for whom it speaks */
	uint16_t port;
};

static bool
unknown_value(struct str v)
{
	return str_ieq(v, STR("[UNAVAILABLE]")) || str_ieq(v, STR("[TEMPUNAVAIL]"));
}

/* One attribute; false: not ours or malformed. */
static bool
claim_add(struct claim *c, struct str name, struct str value)
{
	uint32_t n;

	if (str_ieq(name, STR("ADDR"))) {
		c->unknown_ip = unknown_value(value);
		if (c->unknown_ip)
			return true;
		if (str_istarts(value, STR("IPV6:")))
			value = str_skip(value, 5);
		c->have_ip = ip_parse(value, &c->ip);
		return c->have_ip;
	}
	if (str_ieq(name, STR("PORT"))) {
		if (unknown_value(value))
			return true;
		if (!num_parse_u32(value, &n) || n > 65535)
			return false;
		c->port = (uint16_t)n;
		return true;
	}
	/* Names prove nothing: they are taken and left unused. */
	return str_ieq(name, STR("NAME")) || str_ieq(name, STR("HELO")) ||
	       str_ieq(name, STR("PROTO"));
}

static bool
claim_parse(struct session *s, struct str args, struct claim *claim)
{
	struct cur c = cur_of(args);
	struct str name, value;
	bool any = false;

	while (cur_left(&c) > 0) {
		(void)take_wsp(&c);
		if (!take_xclient(&c, &s->line, &name, &value) || !claim_add(claim, name, value))
			return false;
		any = true;
	}
	return any;
}

struct reply
on_xclient(struct session *s, struct str args)
{
	struct claim claim = { .port = s->port };
	struct verdict v;

	if (!s->f.have_ip || !nets_have(&s->listener->xclient_from, &s->f.ip))
		return REPLY(502, 5, 5, 1, "XCLIENT is not offered");
	if (s->tx)
		return REPLY(503, 5, 5, 1, "not within a transaction");
	if (!claim_parse(s, args, &claim))
		return REPLY(501, 5, 5, 4, "bad attribute");
	session_forget(s);
	s->port = claim.port;
	if (claim.have_ip)
		s->f.ip = claim.ip;
	else if (claim.unknown_ip)
		s->f.have_ip = false;		/* and has none of the peer's rights */
	v = visit_admit(s);
	return v.act == ACT_ACCEPT ? visit_greeting(s) : session_verdict(s, &v);
}
