/* SPDX-License-Identifier: ISC */
/*
 * filter_talk: what a milter is told of a session, step by step, with its macros.
 *
 * Macros by sendmail's names; a filter that listed those it wants gets these alone.
 */
#include "smtpd/filters_int.h"

#include "base/msgid.h"
#include "base/num.h"
#include "rt/clock.h"
#include "rt/co.h"

/* A number as a text in the caller's room. */
static struct str
number(uint64_t v, char room[24])
{
	return (struct str){ room, num_format_u64(v, room) };
}

static void
macros_connect(const struct session *s, struct milter *m)
{
	char ip[IP_TEXT_MAX], num[24];

	milter_macro(m, MS_CONNECT, "j", s->srv->cfg->hostname);
	milter_macro(m, MS_CONNECT, "{daemon_name}", s->listener->name);
	milter_macro(m, MS_CONNECT, "v", STR("postern"));
	if (!s->f.have_ip)
		return;
	milter_macro(m, MS_CONNECT, "{client_addr}", ip_format(s->f.ip, ip));
	milter_macro(m, MS_CONNECT, "_", ip_format(s->f.ip, ip));
	milter_macro(m, MS_CONNECT, "{client_name}",
	    s->f.id.host.n > 0 ? s->f.id.host : STR("unknown"));
	milter_macro(m, MS_CONNECT, "{client_ptr}",
	    s->f.id.host.n > 0 ? s->f.id.host : STR("unknown"));
	milter_macro(m, MS_CONNECT, "{client_port}", number(s->port, num));
	milter_macro(m, MS_CONNECT, "{daemon_port}", number(s->listener->port, num));
	milter_macro(m, MS_CONNECT, "{daemon_addr}", ip_format(s->listener->ip, ip));
}

static void
macros_helo(const struct session *s, struct milter *m)
{
	char num[24];

	if (!s->f.tls)
		return;
	milter_macro(m, MS_HELO, "{tls_version}", s->f.tls_version);
	milter_macro(m, MS_HELO, "{cipher}", s->f.tls_cipher);
	milter_macro(m, MS_HELO, "{cipher_bits}", number(s->f.tls_bits, num));
	milter_macro(m, MS_HELO, "{verify}", tls_verify_name(s->f.verify));
	if (s->f.peer)
		milter_macro(m, MS_HELO, "{cert_subject}", s->f.peer->subject_text);
}

static void
macros_mail(const struct session *s, struct milter *m)
{
	milter_macro(m, MS_MAIL, "{auth_authen}", s->f.id.user);
	if (s->f.id.user.n > 0)
		milter_macro(m, MS_MAIL, "{auth_type}", STR("SASL"));
	milter_macro(m, MS_MAIL, "{auth_author}", s->tx->m.auth);
	milter_macro(m, MS_MAIL, "{mail_addr}", s->tx->sender);
	milter_macro(m, MS_MAIL, "{mail_host}", s->tx->m.path.domain);
	milter_macro(m, MS_MAIL, "{mail_mailer}", STR("smtp"));
}

static void
macro_id(const struct session *s, struct milter *m, enum milter_stage st)
{
	char text[MSGID_TEXT];

	if (s->tx->draft)
		milter_macro(m, st, "i", msgid_format(sd_id(s->tx->draft), text));
}

/* The macros of a step go before it. */
static void
put_macros(const struct session *s, struct milter *m, enum milter_stage st, struct str to)
{
	static const enum milter_command cmd[] = {
		[MS_CONNECT] = MC_CONNECT, [MS_HELO] = MC_HELO, [MS_MAIL] = MC_MAIL,
		[MS_RCPT] = MC_RCPT, [MS_DATA] = MC_DATA, [MS_END] = MC_END, [MS_EOH] = MC_EOH,
	};
	size_t at = milter_begin(&m->out, MC_MACRO), empty;

	(void)buf_putc(&m->out, (char)cmd[st]);
	empty = m->out.n;
	switch (st) {
	case MS_CONNECT:
		macros_connect(s, m);
		break;
	case MS_HELO:
		macros_helo(s, m);
		break;
	case MS_MAIL:
		macros_mail(s, m);
		break;
	case MS_RCPT:
		milter_macro(m, st, "{rcpt_addr}", to);
		milter_macro(m, st, "{rcpt_mailer}", STR("smtp"));
		break;
	case MS_DATA: case MS_END: case MS_EOH:
		macro_id(s, m, st);
		break;
	case MS_COUNT:
		break;
	}
	if (m->out.n == empty)
		m->out.n = at;
	else
		milter_end(&m->out, at);
}

/* What a filter says of the client holds for all of its mail. */
static enum milter_says
session_word(struct filter_run *run, enum milter_says says, struct reply *r)
{
	if (says == MILTER_DONE)
		run->over = true;
	if (says == MILTER_REFUSE) {
		size_t n = MIN(r->text.n, sizeof(run->standing_text));

		memcpy(run->standing_text, r->text.p, n);
		run->refused = true;
		run->standing = *r;
		run->standing.text = str_from(run->standing_text, n);
	}
	return says;
}

/* suspends */
static enum milter_says
greet(struct filters *fl, struct filter_run *run, struct reply *r)
{
	const struct session *s = fl->s;
	struct milter *m = &run->m;
	enum milter_says says = MILTER_GO;

	if (!run->greeted && milter_hears(m, NO_CONNECT)) {
		put_macros(s, m, MS_CONNECT, (struct str){});
		milter_put_connect(&m->out,
		    s->f.id.host.n > 0 ? s->f.id.host : STR("unknown"),
		    s->f.have_ip ? &s->f.ip : NULL, s->port);
		says = session_word(run, milter_step(m, NR_CONNECT, &fl->mem, r), r);
	}
	if (says == MILTER_GO && milter_hears(m, NO_HELO) &&
	    (!run->greeted || !str_eq(s->f.helo, str_of(run->helo)))) {
		size_t at;

		put_macros(s, m, MS_HELO, (struct str){});
		at = milter_begin(&m->out, MC_HELO);
		milter_put_z(&m->out, s->f.helo);
		milter_end(&m->out, at);
		memcpy(run->helo, s->helo, sizeof(run->helo));
		says = session_word(run, milter_step(m, NR_HELO, &fl->mem, r), r);
	}
	run->greeted = true;
	return says;
}

/* suspends */
static enum milter_says
open_one(struct filters *fl, struct filter_run *run)
{
	const struct filter_ops *ops = &fl->s->srv->filter_ops;
	struct conn *c = NULL;
	enum io why = IO_BROKEN;

	if (ops->open)
		c = ops->open(ops->ctx, run->index, deadline_in(run->conf->timeout_ms), &why);
	run->greeted = false;
	run->m.why = why == IO_TIMEOUT ? "no connection in time" : "no connection";
	return c && milter_open(&run->m, run->conf, c) ? MILTER_GO : MILTER_FAILED;
}

/* <address> NUL parameter NUL ... */
static void
put_address(struct milter *m, enum milter_command cmd, struct str addr, const struct mail_args *p)
{
	static const char *const bodies[] = { "BODY=7BIT", "BODY=8BITMIME", "BODY=BINARYMIME" };
	size_t at = milter_begin(&m->out, cmd);

	(void)buf_putc(&m->out, '<');
	(void)buf_put(&m->out, addr);
	milter_put_z(&m->out, STR(">"));
	if (p && p->has_size) {
		(void)buf_puts(&m->out, "SIZE=");
		(void)buf_putu(&m->out, p->size);
		(void)buf_putc(&m->out, '\0');
	}
	if (p && p->has_body && (size_t)p->body < COUNT(bodies))
		milter_put_z(&m->out, str_of(bodies[p->body]));
	if (p && p->smtputf8)
		milter_put_z(&m->out, STR("SMTPUTF8"));
	milter_end(&m->out, at);
}

static enum milter_says
say_mail(struct filters *fl, struct filter_run *run, struct reply *r)
{
	const struct session *s = fl->s;
	struct milter *m = &run->m;
	enum milter_says says = m->c ? MILTER_GO : open_one(fl, run);

	if (says == MILTER_GO)
		says = greet(fl, run, r);
	if (says != MILTER_GO)
		return says;
	run->begun = true;
	if (!milter_hears(m, NO_MAIL))
		return MILTER_GO;
	put_macros(s, m, MS_MAIL, (struct str){});
	put_address(m, MC_MAIL, s->tx->sender, &s->tx->m);
	return milter_step(m, NR_MAIL, &fl->mem, r);
}

enum milter_says
talk_mail(struct filters *fl, struct filter_run *run, struct reply *r)
{
	bool old = run->m.c != NULL;
	enum milter_says says;

	if (run->refused) {
		*r = run->standing;
		return MILTER_REFUSE;
	}
	says = say_mail(fl, run, r);
	/* A filter may end a conversation that was silent for long: then there is a new one. */
	if (says == MILTER_FAILED && old && (run->m.io == IO_EOF || run->m.io == IO_BROKEN))
		says = say_mail(fl, run, r);
	return says;
}

enum milter_says
talk_rcpt(struct filters *fl, struct filter_run *run, struct str to, struct reply *r)
{
	struct milter *m = &run->m;

	if (!milter_hears(m, NO_RCPT))
		return MILTER_GO;
	put_macros(fl->s, m, MS_RCPT, to);
	put_address(m, MC_RCPT, to, NULL);
	return milter_step(m, NR_RCPT, &fl->mem, r);
}

enum milter_says
talk_data(struct filters *fl, struct filter_run *run, struct reply *r)
{
	struct milter *m = &run->m;

	if (!milter_hears(m, NO_DATA) || m->opt.version < 4)
		return MILTER_GO;
	put_macros(fl->s, m, MS_DATA, (struct str){});
	milter_put(&m->out, MC_DATA, (struct str){});
	return milter_step(m, NR_DATA, &fl->mem, r);
}

enum milter_says
talk_header(struct filters *fl, struct filter_run *run, struct reply *r)
{
	struct milter *m = &run->m;
	enum milter_says says = MILTER_GO;
	struct header h = {};
	struct arena a;

	arena_init(&a, FIELDS_MEMORY);
	if (milter_hears(m, NO_HEADER) && header_parse(buf_str(&fl->s->tx->sec.text), &a, 0, &h))
		for (size_t i = 0; i < h.n && says == MILTER_GO; i++) {
			milter_put_header(&m->out, h.field[i].name, h.field[i].value,
			    m->opt.steps & LEADING_SPACE);
			says = milter_step(m, NR_HEADER, &fl->mem, r);
			co_worked(h.field[i].raw.n);
		}
	arena_done(&a);
	if (says == MILTER_GO && milter_hears(m, NO_EOH)) {
		put_macros(fl->s, m, MS_EOH, (struct str){});
		milter_put(&m->out, MC_EOH, (struct str){});
		says = milter_step(m, NR_EOH, &fl->mem, r);
	}
	return says;
}

enum milter_says
talk_body(struct filters *fl, struct filter_run *run, struct str body, struct reply *r)
{
	struct milter *m = &run->m;
	enum milter_says says = MILTER_GO;

	if (!milter_hears(m, NO_BODY))
		return MILTER_GO;
	for (struct str part; says == MILTER_GO && !run->no_body && body.n > 0; ) {
		part = str_sub(body, 0, MILTER_CHUNK);
		body = str_skip(body, part.n);
		milter_put(&m->out, MC_BODY, part);
		says = milter_step(m, NR_BODY, &fl->mem, r);
		co_worked(part.n);
	}
	return says;
}

enum milter_says
talk_end(struct filters *fl, struct filter_run *run, struct reply *r)
{
	struct milter_changes ch = { .take = change_take, .ctx = fl };
	struct milter *m = &run->m;
	enum milter_says says;

	put_macros(fl->s, m, MS_END, (struct str){});
	milter_put(&m->out, MC_END, (struct str){});
	says = milter_final(m, &ch, &fl->mem, r);
	run->begun = false;			/* it knows that the message is over */
	return says;
}
