/* SPDX-License-Identifier: ISC */
/*
 * filter_change: what milters change at the end of a message.
 *
 * 1. A filter's changes are gathered, and made only when it has let the message pass.
 * 2. A recipient it adds is judged by decide_rcpt as one the client had named: relay is granted to
 *    the session or not at all, and mail that does not relay yet never begins to here.
 * 3. A sender it sets may not be one of ours, and not be set for mail that relays: the grant was
 *    given for the sender the client named.
 * What may not be is left out and logged; the rest of the changes holds.
 */
#include "smtpd/filters_int.h"

#include "base/num.h"
#include "policy/entitle.h"
#include "rt/log.h"

static bool
keep(struct filters *fl, struct str *v)
{
	if (v->n > 0)
		*v = str_dup(&fl->mem, *v);
	return v->n == 0 || v->p;
}

/* Replaced body: straight into a draft of its own, which has the same id. */
static bool
take_body(struct filters *fl, struct str bytes)
{
	struct session *s = fl->s;
	enum spool why;

	if (!fl->body)
		fl->body = sd_begin_as(s->srv->sw, sd_id(s->tx->draft), &why);
	if (!fl->body || sd_len(fl->body) + bytes.n > s->lim->message_size ||
	    sd_write(fl->body, bytes) != SPOOL_OK)
		return false;
	content_tail(fl->body_tail, bytes);
	return true;
}

bool
change_take(void *ctx, const struct milter_answer *a)
{
	struct filters *fl = ctx;
	struct change *c;

	if (a->code == MA_BODY)
		return take_body(fl, a->value);
	if (++fl->nchange > CHANGES_MAX || !(c = arena_zalloc(&fl->mem, sizeof(*c))))
		return false;
	c->a = *a;
	if (!keep(fl, &c->a.name) || !keep(fl, &c->a.value) || !keep(fl, &c->a.args))
		return false;
	if (!fl->change)
		fl->change_end = &fl->change;
	*fl->change_end = c;
	fl->change_end = &c->next;
	return true;
}

void
change_drop(struct filters *fl)
{
	if (fl->body)
		sd_drop(fl->body);
	fl->body = NULL;
	fl->change = NULL;
	fl->nchange = 0;
}

static void
log_change(const struct filters *fl, const struct filter_run *run, const char *what,
    struct str value, struct str refused)
{
	log_begin(refused.n > 0 ? LOG_WARN : LOG_INFO,
	    refused.n > 0 ? "filter_change_refused" : "filter_change");
	log_u("session", fl->s->serial);
	log_id("id", sd_id(fl->s->tx->draft));
	log_s("filter", run->conf->label);
	log_s("what", what);
	log_s("value", value);
	if (refused.n > 0)
		log_s("rule", refused);
	log_end();
}

/* "TO:<a@b>" of what a filter wrote with brackets or without. */
static struct str
as_argument(struct filters *fl, const char *word, struct str addr)
{
	bool bare = addr.n == 0 || addr.p[0] != '<';

	return str_cat(&fl->mem, str_of(word), bare ? STR("<") : STR(""), addr,
	    bare ? STR(">") : STR(""));
}

static bool
parse_rcpt(struct filters *fl, struct str addr, struct rcpt_args *out)
{
	struct smtp_rules rules = { .arena = &fl->mem, .utf8 = fl->s->tx->m.smtputf8 };
	struct perr err = {};

	return smtp_rcpt_parse(as_argument(fl, "TO:", addr), &rules, out, &err);
}

static void
add_rcpt(struct filters *fl, struct filter_run *run, struct str addr)
{
	struct session *s = fl->s;
	struct rcpt_args to;
	struct verdict v;

	if (!parse_rcpt(fl, addr, &to)) {
		log_change(fl, run, "add_recipient", addr, STR("syntax"));
		return;
	}
	s->f.rcpt = &to.path;
	s->f.dest = s->srv->ops.dest(s->srv->ops.ctx, &to.path, &s->line);
	v = decide_rcpt(s->srv->policy, &s->f);
	if (v.act == ACT_ACCEPT && v.relay && v.grant != GRANT_DESTINATION && !s->f.relays)
		v = (struct verdict){ .act = ACT_REJECT, .rule = STR("nothing relayed so far") };
	if (v.act == ACT_ACCEPT && !tx_add(s, &to, entitle_flags(s->f.dest, &v)))
		v = (struct verdict){ .act = ACT_DEFER, .rule = STR("no memory") };
	if (v.act == ACT_ACCEPT)
		rcpt_taken(s, &v);
	s->f.rcpt = NULL;
	s->f.dest = DEST_NONE;
	log_change(fl, run, "add_recipient", addr,
	    v.act == ACT_ACCEPT ? (struct str){} : v.rule.n > 0 ? v.rule : STR("refused"));
}

static void
delete_rcpt(struct filters *fl, struct filter_run *run, struct str addr)
{
	struct tx *tx = fl->s->tx;
	struct str bare = addr;
	size_t to = 0;

	if (bare.n > 1 && bare.p[0] == '<' && bare.p[bare.n - 1] == '>')
		bare = str_sub(bare, 1, bare.n - 2);
	for (size_t i = 0; i < tx->nrcpt; i++)
		if (!str_ieq(tx->rcpt[i].addr, bare))
			tx->rcpt[to++] = tx->rcpt[i];
	if (to == tx->nrcpt)
		return;
	log_change(fl, run, "delete_recipient", bare, (struct str){});
	tx->nrcpt = to;
	fl->s->f.nrcpt = to;
	if (to == 0)
		fl->discard = run->conf->label;	/* nobody is left to get it */
}

static void
set_sender(struct filters *fl, struct filter_run *run, struct str addr)
{
	struct session *s = fl->s;
	struct smtp_rules rules = { .arena = &fl->mem, .utf8 = s->tx->m.smtputf8 };
	struct mail_args m = {};
	struct perr err = {};
	struct str rule = {}, text;

	if (!smtp_mail_parse(as_argument(fl, "FROM:", addr), &rules, &m, &err))
		rule = STR("syntax");
	else if (s->f.relays)
		rule = STR("relayed mail keeps its sender");
	else if (!m.path.null && policy_own_under(s->srv->policy, m.path.domain))
		rule = STR("sender is ours");
	if (rule.n == 0) {
		text = m.path.null ? (struct str){} : path_text(&m.path, &s->mem);
		m.path.local = str_dup(&s->mem, m.path.local);
		m.path.domain = str_dup(&s->mem, m.path.domain);
		s->tx->m.path = m.path;
		s->tx->sender = text;
	}
	log_change(fl, run, "sender", addr, rule);
}

static void
apply_header(struct filters *fl, struct filter_run *run, const struct milter_answer *a)
{
	struct edit e = {
		.name = a->name, .value = a->value,
		.leading_space = run->m.opt.steps & LEADING_SPACE,
	};
	bool ok = true;

	if (a->code == MA_ADD_HEADER)
		ok = edit_add(&fl->s->tx->sec.text, &e);
	else if (a->code == MA_CHANGE_HEADER)
		ok = edit_change(&fl->s->tx->sec.text, a->index, &e);
	else	/* 0 is above our Received, which stays on top; 1 is just below it */
		ok = edit_insert(&fl->s->tx->sec.text, a->index > 0 ? a->index - 1 : 0, &e);
	if (!ok)
		log_change(fl, run, "header", a->name, STR("malformed"));
}

static void
apply_one(struct filters *fl, struct filter_run *run, const struct milter_answer *a)
{
	switch (a->code) {
	case MA_ADD_HEADER:
	case MA_INSERT_HEADER:
	case MA_CHANGE_HEADER:
		apply_header(fl, run, a);
		return;
	case MA_ADD_RCPT:
	case MA_ADD_RCPT_ARGS:
		add_rcpt(fl, run, a->value);
		return;
	case MA_DEL_RCPT:
		delete_rcpt(fl, run, a->value);
		return;
	case MA_SENDER:
		set_sender(fl, run, a->value);
		return;
	case MA_QUARANTINE:
		if (fl->hold.n == 0) {
			fl->hold = run->conf->label;
			fl->hold_why = a->value;
		}
		return;
	case MA_BODY: case MA_OPTIONS: case MA_ACCEPT: case MA_CONTINUE: case MA_DISCARD:
	case MA_CONN_FAIL: case MA_SHUTDOWN: case MA_PROGRESS: case MA_REJECT: case MA_SKIP:
	case MA_TEMPFAIL: case MA_REPLY:
		return;
	}
}

static void
apply_body(struct filters *fl, struct filter_run *run)
{
	struct tx *tx = fl->s->tx;
	struct spool_draft *old = tx->draft;

	log_change(fl, run, "body", STR(""), (struct str){});
	tx->draft = fl->body;
	fl->body = NULL;
	fl->s->tx->sec.blank = true;
	memcpy(tx->tail, fl->body_tail, sizeof(tx->tail));
	content_replaced(fl->s, fl->s->tx->sec.text.n);
	sd_drop(old);
}

void
change_apply(struct filters *fl, struct filter_run *run)
{
	if (fl->body)
		apply_body(fl, run);
	for (const struct change *c = fl->change; c; c = c->next)
		apply_one(fl, run, &c->a);
	fl->change = NULL;
	fl->nchange = 0;
}
