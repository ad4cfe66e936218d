/* SPDX-License-Identifier: ISC */
/*
 * cmd_tls: STARTTLS (RFC 3207) and TLS from the first byte (RFC 8314 3).
 *
 * 1. Nothing may come between STARTTLS and the handshake: bytes that do end the session, and all
 *    that was known before the handshake is forgotten.
 * 2. From the moment the handshake begins the connection is TLS or dead: there is no way back.
 * 3. A client whose certificate does not do keeps its connection and may do nothing with it
 *    (RFC 3207 4.1: every command but QUIT is refused).
 */
#include "smtpd/session.h"

#include "rt/clock.h"
#include "rt/log.h"

static size_t
listener_number(const struct session *s)
{
	return (size_t)(s->listener - s->srv->cfg->listener);
}

static bool
offers(const struct session *s)
{
	return tls_server_offers(s->srv->tls, listener_number(s));
}

bool
session_may_starttls(const struct session *s)
{
	return !s->f.tls && s->listener->tls != LTLS_IMPLICIT && offers(s);
}

bool
session_implicit_tls(const struct session *s)
{
	return s->listener->tls == LTLS_IMPLICIT && offers(s);
}

bool
session_needs_tls(const struct session *s)
{
	return offers(s) && (s->listener->tls == LTLS_REQUIRED ||
	    s->listener->kind == L_SUBMISSION || s->listener->client_certs == CERTS_REQUIRE);
}

/* ---- what is told ---- */

static void
log_client(const struct session *s)
{
	log_u("session", s->serial);
	log_s("listener", s->listener->name);
	if (s->f.have_ip)
		log_ip("client", s->f.ip);
}

/* One word for each session, in the log and in the counters. */
static void
note_failure(struct session *s, enum tls_verify verify, struct str why)
{
	s->srv->tls_verify[verify]++;
	s->f.verify = verify;
	log_begin(LOG_INFO, "tls_failed");
	log_client(s);
	log_s("verify", tls_verify_name(verify));
	log_s("why", why);
	log_end();
}

static void
note_success(const struct session *s, const struct tls_facts *t)
{
	s->srv->tls_verify[t->verify]++;
	log_begin(LOG_INFO, "tls");
	log_client(s);
	log_s("version", t->version);
	log_s("cipher", t->cipher);
	log_u("bits", t->bits);
	log_s("verify", tls_verify_name(t->verify));
	log_b("resumed", t->resumed);
	if (t->peer) {
		log_s("cert_subject", t->peer->subject_text);
		log_s("cert_issuer", t->peer->issuer_text);
		log_s("cert_pin", str_from(t->peer->pin, TLS_PIN_TEXT));
	}
	log_end();
}

/* ---- what is known afterwards ---- */

static bool
pin_is_granted(const struct config *cfg, struct str pin)
{
	for (size_t i = 0; i < cfg->ngrant; i++)
		if (cfg->grant[i].kind == GRANT_CERTIFICATE && str_eq(cfg->grant[i].pin, pin))
			return true;
	return false;
}

/* The client has shown that it holds the key; whose it is, is known only when somebody we trust
 * says so, or when the configuration names the key itself. */
static void
take_facts(struct session *s, const struct tls_facts *t)
{
	s->f.tls = true;
	s->f.verify = t->verify;
	s->f.tls_version = t->version;
	s->f.tls_cipher = t->cipher;
	s->f.tls_bits = t->bits;
	s->f.peer = t->peer;
	if (t->peer) {
		struct str pin = str_from(t->peer->pin, TLS_PIN_TEXT);

		if (t->verify == TV_OK || pin_is_granted(s->srv->cfg, pin))
			s->f.id.cert = pin;
	}
	s->unworthy = s->listener->client_certs == CERTS_REQUIRE && s->f.id.cert.n == 0;
}

bool
session_secure(struct session *s)
{
	struct stream *lower = conn_stream(s->c), *st;
	struct str early = {};
	struct tls_outcome out;
	int64_t deadline = now_ms() + s->lim->tls_ms;

	/* Behind a PROXY header the first bytes of TLS may have come with it. */
	if (conn_has_input(s->c) && conn_block(s->c, &early) != IO_OK)
		return false;
	st = tls_server_stream(s->srv->tls, listener_number(s), lower, early);
	if (!st) {
		note_failure(s, TV_TEMP, STR("no memory"));
		return false;
	}
	conn_discard(s->c);
	conn_set_stream(s->c, st);
	conn_deadline(s->c, deadline);
	out = tls_handshake(st, tls_server_asks(s->srv->tls, listener_number(s)), deadline);
	if (out.io != IO_OK) {
		note_failure(s, out.verify, out.why);
		return false;
	}
	take_facts(s, tls_stream_facts(st));
	note_success(s, tls_stream_facts(st));
	return true;
}

/* ---- the command ---- */

static struct reply
refuse(struct session *s, struct reply r)
{
	note_failure(s, TV_PROTOCOL, r.text);
	s->f.verify = TV_NONE;
	return r;
}

struct reply
on_starttls(struct session *s, struct str args)
{
	struct reply go = REPLY(220, 2, 0, 0, "go ahead");

	if (args.n > 0)
		return refuse(s, REPLY(501, 5, 5, 4, "STARTTLS has no argument"));
	if (conn_input_pending(s->c))
		return refuse(s, REPLY_BYE(554, 5, 5, 1, "nothing may follow STARTTLS"));
	if (s->f.tls)
		return refuse(s, REPLY(503, 5, 5, 1, "TLS is active"));
	if (!offers(s) || s->listener->tls == LTLS_IMPLICIT)
		return REPLY(502, 5, 5, 1, "STARTTLS is not offered");
	if (!(s->ext & EXT_STARTTLS))
		return REPLY(503, 5, 5, 1, "say EHLO first");
	session_forget(s);
	session_reply(s, &go);
	if (conn_flush(s->c) != IO_OK || !session_secure(s))
		return (struct reply){ .close = true };
	return (struct reply){};
}
