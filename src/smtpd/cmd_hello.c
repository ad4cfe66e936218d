/* SPDX-License-Identifier: ISC */
/*
 * cmd_hello: HELO, EHLO, LHLO, and what we announce.
 *
 * RFC 5321 4.1.1.1, RFC 2033 4.1.  What stands in s->ext was announced, and nothing else is taken
 * later.  STARTTLS and AUTH are announced by announce_security.
 */
#include "smtpd/session.h"

#include "base/num.h"

static void
announce_security(struct session *s, struct buf *b)
{
	if (s->ext & EXT_STARTTLS)
		(void)buf_puts(b, "\nSTARTTLS");
	session_announce_auth(s, b);
}

static bool
xclient_allowed(const struct session *s)
{
	return s->f.have_ip && nets_have(&s->listener->xclient_from, &s->f.ip);
}

static unsigned
extensions(const struct session *s)
{
	unsigned ext = EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_CHUNKING |
	    EXT_ENHANCED | EXT_LIMITS;

	if (s->srv->cfg->announce_binarymime)
		ext |= EXT_BINARYMIME;
	if (!(s->srv->cfg->privacy & PRIV_NORECEIPTS))
		ext |= EXT_DSN;
	if (xclient_allowed(s))
		ext |= EXT_XCLIENT;
	if (session_may_starttls(s))
		ext |= EXT_STARTTLS;
	if (s->f.tls && (s->login || session_mechanisms(s)))
		ext |= EXT_AUTH;
	return ext;
}

static void
announce(struct session *s, struct buf *b)
{
	uint64_t rcpt_max = policy_rcpt_max(s->srv->policy, &s->f);

	(void)buf_put(b, s->srv->cfg->hostname);
	(void)buf_puts(b, "\nPIPELINING\nSIZE ");
	(void)buf_putu(b, s->lim->message_size);
	(void)buf_puts(b, "\n8BITMIME\nSMTPUTF8\nCHUNKING\nENHANCEDSTATUSCODES\nLIMITS MAILMAX=");
	(void)buf_putu(b, s->lim->messages_conn);
	(void)buf_puts(b, " RCPTMAX=");
	(void)buf_putu(b, rcpt_max);
	if (s->ext & EXT_BINARYMIME)
		(void)buf_puts(b, "\nBINARYMIME");
	if (s->ext & EXT_DSN)
		(void)buf_puts(b, "\nDSN");
	if (s->ext & EXT_XCLIENT)
		(void)buf_puts(b, "\nXCLIENT NAME ADDR PORT PROTO HELO");
	announce_security(s, b);
}

struct reply
on_hello(struct session *s, enum smtp_verb verb, struct str args)
{
	bool lmtp = s->listener->kind == L_LMTP;
	struct hello_args hello;
	struct perr err = {};
	struct verdict v;
	struct buf b;
	char *mem;

	if (lmtp != (verb == SMTP_LHLO))			/* RFC 2033 4.1 */
		return lmtp ? REPLY(500, 5, 5, 1, "LHLO here") : REPLY(500, 5, 5, 1, "EHLO here");
	if (!smtp_hello_parse(args, &hello, &err) || hello.name.n > HELO_MAX)
		return REPLY(501, 5, 5, 2, "bad name of host");

	tx_reset(s);						/* RFC 5321 4.1.4 */
	memcpy(s->helo, hello.name.p, hello.name.n);
	s->f.helo = str_from(s->helo, hello.name.n);
	s->f.helo_literal = hello.literal;
	s->f.helo_ip = hello.ip;
	v = decide_helo(s->srv->policy, &s->f);
	s->helo_seen = v.act == ACT_ACCEPT;
	s->extended = s->helo_seen && verb != SMTP_HELO;
	s->ext = s->extended ? extensions(s) : 0;
	if (!s->helo_seen)
		return session_verdict(s, &v);
	if (verb == SMTP_HELO)
		return REPLY_TEXT(250, 0, 0, 0, s->srv->cfg->hostname);

	mem = arena_alloc(&s->line, 1024);
	if (!mem)
		return REPLY(452, 4, 3, 1, "no memory");
	b = (struct buf){ .p = mem, .cap = 1024, .max = 1024 };
	announce(s, &b);
	return REPLY_TEXT(250, 0, 0, 0, buf_str(&b));
}
