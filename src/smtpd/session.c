/* SPDX-License-Identifier: ISC */
/*
 * session: one client's visit, banner to QUIT.  See session.h.
 *
 * session_run is the one place that reads commands, writes replies, logs and counts them.
 * RFC 5321 3.1, 4.2, 4.5.3.2; RFC 2920 for when output is flushed.
 */
#include "smtpd/session.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "smtpd/filters.h"
#include "smtpd/limits.h"
#include "smtpd/visit.h"

static char *
put_text(char *to, struct str s)
{
	memcpy(to, s.p, s.n);
	return to + s.n;
}

static bool
plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

static void
reply_put_long(struct session *s, const struct reply *r)
{
	struct buf b;

	buf_init(&b, 64 << 10);
	if (reply_format(&b, r, s->utf8_reply))
		(void)conn_put(s->c, buf_str(&b));
	buf_done(&b);
}

void
session_reply(struct session *s, const struct reply *r)
{
	char line[REPLY_LINE_MAX], *p = line;

	if (r->code == 0)
		return;
	if (r->text.n > 400 || !plain(r->text) || r->s > 99 || r->d > 99) {
		reply_put_long(s, r);
		return;
	}
	p += num_format_u64(r->code, p);
	*p++ = ' ';
	if (r->c) {
		p += num_format_u64(r->c, p);
		*p++ = '.';
		p += num_format_u64(r->s, p);
		*p++ = '.';
		p += num_format_u64(r->d, p);
		*p++ = ' ';
	}
	p = put_text(p, r->text);
	p = put_text(p, STR("\r\n"));
	(void)conn_put(s->c, str_from(line, (size_t)(p - line)));
}

static void
log_session(const struct session *s)
{
	log_u("session", s->serial);
	log_s("listener", s->listener->name);
	if (s->f.have_ip)
		log_ip("client", s->f.ip);
	else if (s->f.id.local)
		log_u("uid", s->f.id.uid);
}

static void
log_observed(const struct session *s, const struct verdict *v)
{
	for (size_t i = 0; i < v->nobserved && log_wants(LOG_INFO); i++) {
		log_begin(LOG_INFO, "observed");
		log_session(s);
		log_s("rule", v->observed[i].rule);
		log_u("would_reply", v->observed[i].code);
		if (s->f.sender && !s->f.sender->null) {
			log_s("from_local", s->f.sender->local);
			log_s("from_domain", s->f.sender->domain);
		}
		log_end();
	}
}

struct reply
session_verdict(struct session *s, const struct verdict *v)
{
	struct reply words = policy_words(&s->f, v, &s->line);

	if (v->nobserved > 0)
		log_observed(s, v);
	if (v->act == ACT_ACCEPT || v->act == ACT_JUNK || !log_wants(LOG_INFO))
		return words;
	log_begin(LOG_INFO, v->act == ACT_DEFER ? "deferred" : "refused");
	log_session(s);
	log_s("rule", v->rule);
	log_u("code", words.code);
	if (v->line > 0) {
		log_s("why", v->why);
		log_u("line", v->line);
	}
	if (v->about != ABOUT_NOTHING)
		log_s("text", words.text);
	if (s->helo_seen)
		log_s("helo", s->f.helo);
	if (s->tx) {
		log_s("from", s->tx->sender);
		if (s->f.rcpt) {
			log_s("to_local", s->f.rcpt->local);
			log_s("to_domain", s->f.rcpt->domain);
		}
	}
	log_end();
	return words;
}

static void
session_log(struct session *s, struct str line, const struct reply *r)
{
	if (!log_wants(LOG_DEBUG))
		return;
	log_begin(LOG_DEBUG, "command");
	log_session(s);
	log_s("line", str_istarts(line, STR("AUTH")) ? STR("AUTH") : line);
	log_u("code", r->code);
	log_end();
}

void
session_forget(struct session *s)
{
	tx_reset(s);
	filters_close(s);
	s->helo_seen = s->extended = false;
	s->ext = 0;
	s->f.helo = (struct str){};
	s->f.helo_literal = false;
	session_logout(s);
	s->f.id = (struct identity){ .local = s->f.id.local, .uid = s->f.id.uid,
	    .uid_name = s->f.id.uid_name, .host = s->f.id.host,
	    .host_later = s->f.id.host_later };
}

/* A line with CR or NUL inside, or ended by LF alone, is no command. */
static bool
line_is_clean(struct session *s, struct str line)
{
	return conn_line_end(s->c) == LINE_CRLF && str_chr(line, '\r') < 0 &&
	       str_chr(line, '\0') < 0;
}

/* RFC 2920 3.1: only after EHLO may commands come in groups, and these must end one.  A pipe
 * (sendmail -bs) is not held to it: nobody stands in its middle. */
static bool
out_of_step(struct session *s, enum smtp_verb verb)
{
	bool must_end = verb == SMTP_EHLO || verb == SMTP_HELO || verb == SMTP_LHLO ||
	    verb == SMTP_DATA || verb == SMTP_AUTH || verb == SMTP_XCLIENT;

	/* What follows BDAT is its content. */
	if ((s->patient && !s->f.have_ip) || s->lim->early_pipelining || verb == SMTP_BDAT ||
	    (s->extended && !must_end))
		return false;
	return conn_input_pending(s->c);
}

static struct reply
dispatch(struct session *s, struct smtp_cmd cmd)
{
	if (++s->commands > s->lim->commands)
		return REPLY_BYE(421, 4, 7, 0, "too many commands");
	if (s->unworthy && cmd.verb != SMTP_QUIT && cmd.verb != SMTP_NOOP)
		return REPLY(554, 5, 7, 0, "your certificate does not do here");
	if (cmd.verb == SMTP_FOREIGN)
		return REPLY_BYE(554, 5, 5, 1, "this is a mail server");
	if (out_of_step(s, cmd.verb))
		return REPLY_BYE(554, 5, 5, 1, "commands sent before they were offered");

	switch (cmd.verb) {
	case SMTP_HELO:
	case SMTP_EHLO:
	case SMTP_LHLO:		return on_hello(s, cmd.verb, cmd.args);
	case SMTP_MAIL:		return on_mail(s, cmd.args);
	case SMTP_RCPT:		return on_rcpt(s, cmd.args);
	case SMTP_DATA:		return on_data(s, cmd.args);
	case SMTP_BDAT:		return on_bdat(s, cmd.args);
	case SMTP_RSET:		return on_rset(s, cmd.args);
	case SMTP_NOOP:		return on_noop(s);
	case SMTP_QUIT:		return on_quit(s, cmd.args);
	case SMTP_VRFY:		return on_vrfy(s, cmd.args);
	case SMTP_EXPN:		return on_expn(s);
	case SMTP_HELP:		return on_help(s);
	case SMTP_STARTTLS:	return on_starttls(s, cmd.args);
	case SMTP_AUTH:		return on_auth(s, cmd.args);
	case SMTP_XCLIENT:	return on_xclient(s, cmd.args);
	case SMTP_ETRN:
	case SMTP_ATRN:
	case SMTP_BURL:
	case SMTP_OBSOLETE:
	case SMTP_UNKNOWN:
	case SMTP_FOREIGN:	return on_unknown(s, cmd.verb);
	}
	return on_unknown(s, SMTP_UNKNOWN);
}

/* Most of the places taken: who keeps us waiting gets less patience. */
static bool
stress(const struct session *s)
{
	return s->srv->live[s->listener->kind] * 10 >= s->lim->sessions_mx * 9;
}

static int64_t
command_deadline(const struct session *s)
{
	int64_t ms = s->helo_seen ? s->lim->cmd_ms : s->lim->cmd_early_ms;

	if (stress(s) && s->lim->cmd_stress_ms < ms)
		ms = s->lim->cmd_stress_ms;
	return now_ms() + ms;				/* RFC 5321 4.5.3.2.7 */
}

/* RFC 4954 4: where AUTH is offered its first line is as long as the others. */
static uint64_t
line_max(const struct session *s)
{
	return s->f.tls && session_mechanisms(s) ? MAX(s->lim->auth_line, s->lim->cmd_line) :
	    s->lim->cmd_line;
}

static enum io
next_line(struct session *s, struct str *line)
{
	enum io got;

	if (s->srv->draining && !s->tx)
		return IO_CANCELLED;
	s->waiting = !s->tx;
	got = conn_line(s->c, line_max(s) - 2, line);
	s->waiting = false;
	/* Only AUTH may be longer than the rest. */
	if (got == IO_OK && line->n > s->lim->cmd_line - 2 && !str_istarts(*line, STR("AUTH ")))
		return IO_TOOLONG;
	return got;
}

/* Refused recipients beside accepted ones are ordinary: lists age.  All else that fails is counted,
 * first slowed down, then ended. */
static struct reply
count_errors(struct session *s, struct reply r, enum smtp_verb verb)
{
	if (r.code < 400 || r.close || s->f.id.user.n > 0)
		return r;
	if (verb == SMTP_RCPT && s->tx && s->tx->nrcpt > 0 && s->unknown < s->lim->unknown_rcpt)
		return r;
	s->errors++;
	if (s->errors > s->lim->errors_hard)
		return REPLY_BYE(421, 4, 7, 0, "too many errors");
	if (s->errors > s->lim->errors_soft && s->lim->errors_soft_delay_ms > 0)
		(void)co_sleep(s->lim->errors_soft_delay_ms);
	return r;
}

static struct reply
session_command(struct session *s, struct str line)
{
	struct smtp_cmd cmd;
	struct reply r;

	if (!line_is_clean(s, line)) {
		s->commands++;
		r = REPLY(500, 5, 5, 2, "lines end with CR LF, and hold neither");
		return count_errors(s, r, SMTP_UNKNOWN);
	}
	cmd = smtp_cmd_parse(line);
	r = count_errors(s, dispatch(s, cmd), cmd.verb);
	session_log(s, line, &r);
	return r;
}

void
session_run(struct session *s)
{
	struct reply r = {};

	while (!r.close) {
		struct str line = {};

		conn_deadline(s->c, command_deadline(s));
		if (!conn_has_input(s->c) && conn_flush(s->c) != IO_OK)
			return;					/* flush when idle: RFC 2920 3.2 */

		switch (next_line(s, &line)) {
		case IO_OK:
			r = session_command(s, line);
			break;
		case IO_TOOLONG:
			r = count_errors(s, session_mechanisms(s) && s->f.tls ?
			    REPLY(500, 5, 5, 6, "line too long") :
			    REPLY(500, 5, 5, 2, "line too long"), SMTP_UNKNOWN);
			break;
		case IO_TIMEOUT:
			r = REPLY_BYE(421, 4, 4, 2, "idle too long");
			break;
		case IO_CANCELLED:
			r = REPLY_BYE(421, 4, 3, 2, "shutting down");
			break;
		case IO_EOF:
		case IO_BROKEN:
			return;					/* nobody left to tell */
		}
		session_reply(s, &r);
		arena_reset(&s->line);
	}
	visit_farewell(s, &r);
}
