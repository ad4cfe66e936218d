/* SPDX-License-Identifier: ISC */
/*
 * filter_policy: asking a policy service of Postfix's protocol, at RCPT and at the message's end.
 *
 * One connection for the session, asked again and again; a service that closed it in between is
 * called once more.
 */
#include "smtpd/filters_int.h"

#include <stdio.h>

#include "base/msgid.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { REQUEST_MAX = 32 << 10, LINE_LONGEST = 8 << 10, ANSWER_LINES = 100 };

static void
put_client(struct buf *b, const struct session *s)
{
	char ip[IP_TEXT_MAX];

	policy_put(b, "client_address", s->f.have_ip ? ip_format(s->f.ip, ip) : STR(""));
	policy_put(b, "client_name", s->f.id.host.n > 0 ? s->f.id.host : STR("unknown"));
	policy_put(b, "reverse_client_name", s->f.id.host.n > 0 ? s->f.id.host : STR("unknown"));
	policy_put_u(b, "client_port", s->port);
	if (s->listener->path.n == 0) {
		policy_put(b, "server_address", ip_format(s->listener->ip, ip));
		policy_put_u(b, "server_port", s->listener->port);
	}
	policy_put(b, "helo_name", s->f.helo);
	policy_put(b, "sasl_method", s->f.id.user.n > 0 ? STR("SASL") : STR(""));
	policy_put(b, "sasl_username", s->f.id.user);
	policy_put(b, "ccert_subject", s->f.peer ? s->f.peer->subject_text : STR(""));
	policy_put(b, "encryption_protocol", s->f.tls_version);
	policy_put(b, "encryption_cipher", s->f.tls_cipher);
	policy_put_u(b, "encryption_keysize", s->f.tls_bits);
}

static void
put_request(struct buf *b, const struct session *s, const struct path *to, struct arena *a)
{
	const struct tx *tx = s->tx;
	char id[MSGID_TEXT], instance[64];

	policy_put(b, "request", STR("smtpd_access_policy"));
	policy_put(b, "protocol_state", to ? STR("RCPT") : STR("END-OF-MESSAGE"));
	policy_put(b, "protocol_name", s->listener->kind == L_LMTP ? STR("LMTP") :
	    s->extended ? STR("ESMTP") : STR("SMTP"));
	policy_put(b, "queue_id", tx->draft ? msgid_format(sd_id(tx->draft), id) : STR(""));
	policy_put(b, "sender", tx->sender);
	policy_put(b, "recipient", to ? path_text(to, a) :
	    tx->nrcpt == 1 ? tx->rcpt[0].addr : STR(""));
	policy_put_u(b, "recipient_count", to ? 0 : tx->nrcpt);
	put_client(b, s);
	policy_put_u(b, "size", to ? tx->m.size : tx->content.size);
	(void)snprintf(instance, sizeof(instance), "%llu.%u", (unsigned long long)s->serial,
	    s->messages);
	policy_put(b, "instance", str_of(instance));
	policy_put(b, "stress", STR(""));
	(void)buf_putc(b, '\n');
}

/* suspends.  The value of "action", once the empty line came; *why when there is none. */
static bool
converse(struct conn *c, struct str request, struct arena *a, struct str *action,
    const char **why)
{
	struct str line = {};
	enum io io = conn_write(c, request);

	*action = (struct str){};
	*why = "closed the connection";
	for (unsigned n = 0; io == IO_OK; n++) {
		io = conn_line(c, LINE_LONGEST, &line);
		if (io == IO_OK && line.n == 0)
			break;
		if (n == ANSWER_LINES)
			io = IO_TOOLONG;
		if (io == IO_OK && str_istarts(line, STR("action=")) && action->n == 0)
			*action = str_dup(a, str_skip(line, 7));
	}
	if (io == IO_TIMEOUT)
		*why = "no answer in time";
	if (io == IO_TOOLONG || (io == IO_OK && action->n == 0))
		*why = "garbage";
	return io == IO_OK && action->n > 0;
}

static bool
connect_it(struct filters *fl, struct filter_run *run)
{
	const struct filter_ops *ops = &fl->s->srv->filter_ops;
	enum io why;

	if (!run->c && ops->open)
		run->c = ops->open(ops->ctx, run->index, deadline_in(run->conf->timeout_ms), &why);
	if (run->c)
		conn_deadline(run->c, deadline_in(run->conf->timeout_ms));
	return run->c != NULL;
}

static void
hang_up(struct filter_run *run)
{
	conn_close(run->c);
	run->c = NULL;
}

static bool
ask(struct filters *fl, struct filter_run *run, struct str request, struct str *action,
    const char **why)
{
	bool old = run->c != NULL;

	*why = "no connection";
	if (!connect_it(fl, run))
		return false;
	if (converse(run->c, request, &fl->mem, action, why))
		return true;
	hang_up(run);
	if (!old || !str_eq(str_of(*why), STR("closed the connection")) || !connect_it(fl, run))
		return false;
	if (converse(run->c, request, &fl->mem, action, why))
		return true;
	hang_up(run);
	return false;
}

static void
prepend(struct filters *fl, const struct policy_answer *ans)
{
	struct change *c;

	if (fl->nchange >= CHANGES_MAX || !(c = arena_zalloc(&fl->mem, sizeof(*c))))
		return;
	c->a.name = str_dup(&fl->mem, ans->name);
	c->a.value = str_dup(&fl->mem, ans->text);
	c->next = fl->prepend;
	fl->prepend = c;
	fl->nchange++;
}

static bool
obey(struct filters *fl, struct filter_run *run, const struct policy_answer *ans,
    struct verdict *v)
{
	switch (ans->what) {
	case POLICY_NOTHING:
		return true;
	case POLICY_REFUSE:
		return filters_heed(fl, run, MILTER_REFUSE, &ans->reply, v);
	case POLICY_HOLD:
		if (fl->hold.n == 0) {
			fl->hold = run->conf->label;
			fl->hold_why = str_dup(&fl->mem, ans->text);
		}
		return true;
	case POLICY_DISCARD:
		return filters_heed(fl, run, MILTER_DISCARD, NULL, v);
	case POLICY_PREPEND:
		prepend(fl, ans);
		return true;
	}
	return true;
}

bool
policy_service_ask(struct filters *fl, struct filter_run *run, const struct path *to,
    struct verdict *v)
{
	struct policy_answer ans;
	struct str action = {};
	const char *why;
	struct buf b;
	bool ok;

	buf_init(&b, REQUEST_MAX);
	put_request(&b, fl->s, to, &fl->mem);
	ok = !b.failed && ask(fl, run, buf_str(&b), &action, &why);
	if (b.failed)
		why = "request too long";
	buf_done(&b);
	if (!ok)
		return filters_failed(fl, run, why, v);
	if (!policy_answer_read(action, &fl->mem, &ans)) {
		hang_up(run);
		return filters_failed(fl, run, "unknown action", v);
	}
	return obey(fl, run, &ans, v);
}
