/* SPDX-License-Identifier: ISC */
/*
 * cmd_auth: AUTH, RFC 4954.  The exchange itself is vault's; here are its frame and its replies.
 *
 * 1. Only inside TLS, once a session, outside of transactions, and only what EHLO offered.
 * 2. The reply to every wrong answer is the same; 235 follows vault's SASL_OK and nothing else.
 * 3. A password is in the line's memory for the length of one exchange, and wiped.
 */
#include "smtpd/session.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/secret.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "sasl/sasl.h"

enum { AUTH_MS = 60'000, ANSWER_MEMORY = 64 << 10, EMAILS_MAX = 4096 };

/* One exchange; lives on the heap: idle sessions are small. */
struct talk {
	enum auth_mech mech;
	uint64_t exchange;
	struct arena mem;		/* of vault's last answer */
	struct buf in;			/* decoded message of the client */
	struct msg_auth_answer answer;
};

unsigned
session_mechanisms(const struct session *s)
{
	if (!s->srv->auth.ask || !s->extended || s->login)
		return 0;
	return sasl_offered(s->srv->cfg, s->listener);
}

void
session_announce_auth(const struct session *s, struct buf *b)
{
	unsigned set = s->f.tls ? session_mechanisms(s) : 0;

	if (set == 0)
		return;
	(void)buf_puts(b, "\nAUTH");
	for (unsigned i = 0; i < MECH_COUNT; i++)
		if (set & MECH_BIT(i)) {
			(void)buf_putc(b, ' ');
			(void)buf_put(b, auth_mech_name((enum auth_mech)i));
		}
}

void
session_logout(struct session *s)
{
	if (s->login)
		explicit_bzero(s->login, sizeof(*s->login));
	free(s->login);
	s->login = NULL;
	s->f.id.user = (struct str){};
	s->f.id.trusted = false;
}

static void
log_auth(const struct session *s, const struct talk *t, const char *what)
{
	log_begin(LOG_INFO, what);
	log_u("session", s->serial);
	log_s("listener", s->listener->name);
	if (s->f.have_ip)
		log_ip("client", s->f.ip);
	log_s("mechanism", auth_mech_name(t->mech));
	if (s->f.id.user.n > 0)
		log_s("user", s->f.id.user);
	log_end();
}

/* ---- talking to vault ---- */

/* Addresses of a certificate that was verified; RFC 4422 A leaves the mapping to us. */
static void
put_certs(const struct session *s, struct buf *b)
{
	const struct tls_peer *p = s->f.peer;

	for (size_t i = 0; p && s->f.verify == TV_OK && i < p->nemail; i++) {
		(void)buf_put(b, p->email[i]);
		(void)buf_putc(b, '\n');
	}
}

static enum sasl
heard(struct talk *t, bool ok)
{
	if (!ok || t->answer.answer >= SASL_ANSWERS)
		return SASL_LATER;
	t->exchange = t->answer.exchange;
	return (enum sasl)t->answer.answer;
}

static enum sasl
ask_begin(struct session *s, struct talk *t, bool has_initial)
{
	unsigned char exporter[32], end_point[64];
	struct stream *st = conn_stream(s->c);
	unsigned plus = MECH_BIT(MECH_SCRAM_SHA_256_PLUS) | MECH_BIT(MECH_SCRAM_SHA_1_PLUS);
	struct msg_auth_begin m = {
		.session = s->serial, .mech = (uint8_t)t->mech, .has_initial = has_initial,
		.plus = (session_mechanisms(s) & plus) != 0, .peer = s->f.ip,
		.initial = buf_str(&t->in),
	};
	struct buf certs;
	size_t n = 0;
	bool ok;

	buf_init(&certs, EMAILS_MAX);
	put_certs(s, &certs);
	m.certs = certs.failed ? (struct str){} : buf_str(&certs);
	if (tls_is_stream(st)) {
		if (tls_exporter_binding(st, exporter))
			m.exporter = str_from(exporter, sizeof(exporter));
		if (tls_end_point_binding(st, end_point, &n))
			m.end_point = str_from(end_point, n);
	}
	ok = s->srv->auth.ask(s->srv->auth.ctx, MSG_auth_begin, &m, &t->answer, &t->mem);
	buf_done(&certs);
	return heard(t, ok);
}

static enum sasl
ask_step(struct session *s, struct talk *t)
{
	struct msg_auth_step m = { .exchange = t->exchange, .data = buf_str(&t->in) };

	arena_reset(&t->mem);
	return heard(t,
	    s->srv->auth.ask(s->srv->auth.ctx, MSG_auth_step, &m, &t->answer, &t->mem));
}

static void
give_up(struct session *s, struct talk *t)
{
	struct msg_auth_abort m = { .exchange = t->exchange };

	(void)s->srv->auth.ask(s->srv->auth.ctx, MSG_auth_abort, &m, NULL, NULL);
}

/* ---- talking to the client ---- */

static bool
challenge(struct session *s, struct str data)
{
	struct buf b;
	bool ok;

	buf_init(&b, base64_len(data.n) + 8);
	ok = buf_puts(&b, "334 ") && base64_encode(&b, data) && buf_puts(&b, "\r\n") &&
	    conn_put(s->c, buf_str(&b)) == IO_OK && conn_flush(s->c) == IO_OK;
	buf_done(&b);
	return ok;
}

static const struct reply go_on = {};

/* The client's next message into t->in; go_on, or how it ends. */
static struct reply
hear(struct session *s, struct talk *t)
{
	struct str line = {};

	conn_deadline(s->c, now_ms() + s->lim->cmd_ms);
	switch (conn_line(s->c, s->lim->auth_line - 2, &line)) {
	case IO_OK:
		break;
	case IO_TOOLONG:
		return REPLY(500, 5, 5, 6, "line too long");		/* RFC 4954 4 */
	case IO_TIMEOUT:
		return REPLY_BYE(421, 4, 4, 2, "idle too long");
	case IO_CANCELLED:
		return REPLY_BYE(421, 4, 3, 2, "shutting down");
	case IO_EOF:
	case IO_BROKEN:
		return (struct reply){ .close = true };
	}
	if (conn_line_end(s->c) != LINE_CRLF)
		return REPLY(501, 5, 5, 2, "lines end with CR LF");
	if (str_eq(line, STR("*")))
		return REPLY(501, 5, 7, 0, "authentication cancelled");
	buf_reset(&t->in);
	if (!base64_decode(&t->in, line))
		return REPLY(501, 5, 5, 2, "that is not base64");
	secret_wipe((char *)(uintptr_t)line.p, line.n);
	return go_on;
}

static struct reply
let_in(struct session *s, struct talk *t)
{
	struct login *l = calloc(1, sizeof(*l));
	const struct msg_auth_answer *a = &t->answer;

	if (!l || a->identity.n == 0 || a->identity.n > sizeof(l->user) ||
	    a->token.n > sizeof(l->token)) {
		free(l);
		return REPLY(454, 4, 7, 0, "authentication not available now");
	}
	memcpy(l->user, a->identity.p, a->identity.n);
	memcpy(l->token, a->token.p, a->token.n);
	l->token_n = a->token.n;
	s->login = l;
	s->f.id.user = str_from(l->user, a->identity.n);
	s->f.id.trusted = (s->srv->cfg->auth.trusted | (s->listener->kind == L_MX ? ~0u : 0)) &
	    MECH_BIT(t->mech);
	log_auth(s, t, "auth");
	return REPLY(235, 2, 7, 0, "authenticated");
}

/* Every exchange that does not end well counts, whoever ended it. */
static struct reply
failed(struct session *s, struct talk *t, struct reply r)
{
	if (r.code == 0)
		return r;
	log_auth(s, t, "auth_failed");
	if (++s->auth_failures >= s->lim->errors_auth && !r.close)
		return REPLY_BYE(421, 4, 7, 0, "too many failed logins");
	return r;
}

static struct reply
outcome(struct session *s, struct talk *t, enum sasl answer)
{
	switch (answer) {
	case SASL_OK:
		return let_in(s, t);
	case SASL_BAD:
		return failed(s, t, REPLY(535, 5, 7, 8, "authentication credentials invalid"));
	case SASL_MALFORMED:
		return failed(s, t, REPLY(501, 5, 5, 2, "malformed response"));
	case SASL_BLOCKED:
		return failed(s, t, REPLY_BYE(421, 4, 7, 0, "too many failed logins"));
	case SASL_LATER:
	case SASL_MORE:
	case SASL_ANSWERS:
		break;
	}
	return REPLY(454, 4, 7, 0, "authentication not available now");
}

static struct reply
converse(struct session *s, struct talk *t, bool has_initial)
{
	enum sasl answer = ask_begin(s, t, has_initial);

	while (answer == SASL_MORE) {
		struct reply r;

		if (!challenge(s, t->answer.data)) {
			give_up(s, t);
			return (struct reply){ .close = true };
		}
		r = hear(s, t);
		if (r.code != 0 || r.close) {
			give_up(s, t);
			return failed(s, t, r);
		}
		answer = ask_step(s, t);
	}
	return outcome(s, t, answer);
}

/* ---- the command ---- */

static struct reply
in_order(struct session *s)
{
	if (!s->extended)
		return REPLY(503, 5, 5, 1, "say EHLO first");
	if (s->login)
		return REPLY(503, 5, 5, 1, "already authenticated");	/* RFC 4954 4 */
	if (s->tx)
		return REPLY(503, 5, 5, 1, "not within a transaction");
	if (s->listener->auth != LAUTH_OFF && !s->f.tls)
		return REPLY(538, 5, 7, 11, "encryption required");
	if (session_mechanisms(s) == 0)
		return REPLY(502, 5, 5, 1, "AUTH is not offered");
	return go_on;
}

struct reply
on_auth(struct session *s, struct str args)
{
	struct reply r = in_order(s);
	struct str mech, initial;
	struct perr err = {};
	struct talk *t;

	if (r.code != 0)
		return r;
	if (!smtp_auth_parse(args, &mech, &initial, &err))
		return reply_of_perr(&err);
	t = calloc(1, sizeof(*t));
	if (!t)
		return REPLY(454, 4, 7, 0, "authentication not available now");
	arena_init(&t->mem, ANSWER_MEMORY);
	buf_init(&t->in, SASL_MESSAGE_MAX);
	if (!auth_mech_find(mech, &t->mech) || !(session_mechanisms(s) & MECH_BIT(t->mech)))
		r = REPLY(504, 5, 5, 4, "that mechanism is not offered");
	else if (!base64_decode(&t->in, initial))
		r = REPLY(501, 5, 5, 2, "that is not base64");
	else
		r = converse(s, t, initial.p != NULL);
	if (args.n > 0)
		secret_wipe((char *)(uintptr_t)args.p, args.n);
	if (t->in.p)
		secret_wipe(t->in.p, t->in.cap);
	buf_done(&t->in);
	arena_done(&t->mem);
	free(t);
	return r;
}
