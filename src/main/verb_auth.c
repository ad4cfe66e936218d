/* SPDX-License-Identifier: ISC */
/*
 * verb_auth: `postern auth check --ip IP --helo NAME --mail-from ADDR --authserv-id ID` with a
 * message on standard input: everything at once, as the SMTP server does it.
 */
#include <string.h>
#include <sysexits.h>

#include "main/verb.h"
#include "main/verb_ask.h"
#include "main/verb_json.h"
#include "main/verb_trust.h"
#include "mail/dotstuff.h"
#include "mail/path.h"
#include "policy/decide.h"
#include "smtpd/sender_facts.h"
#include "trust/checks.h"

struct auth_verb {
	struct ip ip;
	bool has_ip, sender_bad, legacy;
	struct str helo, mail_from, authserv_id;
	struct buf in;
};

struct ruling {
	const char *action, *reason;
};

static struct ruling
refuse(const char *why)
{
	return (struct ruling){ "reject", why };
}

/* What the message's form says before anybody is asked. */
static struct ruling
judge_form(const struct checks *c, unsigned dot)
{
	static const struct { enum from_fault fault; const char *why; } faults[] = {
		{ FROM_MISSING, "no From" }, { FROM_TWICE, "more than one From" },
		{ FROM_DOMAINS, "From names several domains" },
		{ FROM_MANY, "From names several mailboxes" },
		{ FROM_GROUP, "From names a group" }, { FROM_ROUTE, "From has a source route" },
		{ FROM_CONTROL, "control characters in From" },
		{ FROM_ENCODED, "an encoded-word in the address of From" },
		{ FROM_NO_DOMAIN, "From has no domain" }, { FROM_BAD, "From is malformed" },
	};

	if (dot & (DOT_BARE_CR | DOT_BARE_LF | DOT_NUL))
		return refuse("bare CR, bare LF or NUL");
	if (c->header.junk)
		return refuse("the header is malformed");
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		if (c->from_faults & faults[i].fault)
			return refuse(faults[i].why);
	return (struct ruling){ "accept", "" };
}

/* The server's own rules, with the defaults of a fresh installation and a domain that nobody writes
 * as. */
[[gnu::noinline]] static struct ruling
judge_author(const struct auth_verb *o, const struct checks *c, const struct checks_query *q)
{
	struct config *cfg = config_minimal("mx.invalid", "postern.invalid");
	struct policy *p = policy_new(cfg);
	struct path from = { .null = q->mail_domain.n == 0, .local = q->mail_local,
	    .domain = q->mail_domain };
	struct facts f = { .listener = L_MX, .have_ip = true, .ip = o->ip, .helo = o->helo,
	    .sender = &from, .nrcpt = 1 };
	struct ruling r = { "accept", "" };
	struct sender_facts who;
	struct verdict v;

	sender_facts(cfg, c, q, &who);
	f.who = &who;
	v = decide_end(p, &f);
	if (v.act == ACT_JUNK)
		r.action = "quarantine";
	else if (v.act != ACT_ACCEPT)
		r.action = "reject";
	if (v.act != ACT_ACCEPT)
		r.reason = v.rule.p;		/* a constant */
	policy_free(p);
	config_free(cfg);
	return r;
}

static json_t *
cleaned(struct verb_ask *v, const struct checks *c, struct str authserv_id)
{
	struct buf kept;
	json_t *j;

	buf_init(&kept, VERB_INPUT_MAX);
	for (size_t i = 0; i < c->header.n; i++)
		if (!authres_forged(&c->header.field[i], authserv_id, &v->a))
			(void)buf_put(&kept, c->header.field[i].raw);
	j = verb_json_str(buf_str(&kept));
	buf_done(&kept);
	return j;
}

static json_t *
domains(const struct checks *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->from.n; i++)
		if (c->from.addr[i].domain.n > 0)
			(void)json_array_append_new(list, verb_json_str(c->from.addr[i].domain));
	return list;
}

static json_t *
answer(struct verb_ask *v, const struct checks *c, const struct checks_query *q,
    struct ruling r)
{
	struct buf ar;
	json_t *j;

	buf_init(&ar, 64 << 10);
	(void)checks_authres(c, q, &ar);
	j = json_pack("{s:s,s:s,s:o,s:{s:s,s:o,s:b},s:o,s:{s:s,s:I},s:o,s:s,s:b,s:o,s:o,s:I}",
	    "action", r.action, "reason", r.reason, "from_domains", domains(c), "spf", "result",
	    auth_result_name(c->spf.result), "domain", verb_json_str(c->spf.domain), "weak",
	    c->spf.weak, "dkim", verb_dkim_json(&c->dkim), "arc", "result",
	    auth_result_name(c->arc.result), "instances", (json_int_t)c->arc.n, "dmarc",
	    verb_dmarc_json(&c->dmarc), "iprev", auth_result_name(c->iprev.result),
	    "author_verified", c->author_verified, "authentication_results",
	    verb_json_str(buf_str(&ar)), "headers_kept", cleaned(v, c, q->authserv_id),
	    "queries", (json_int_t)v->dns.queries);
	buf_done(&ar);
	return j;
}

static void
auth_run(struct verb_ask *v)
{
	struct auth_verb *o = v->arg;
	struct str text = buf_str(&o->in);
	struct checks_query q = {
		.ip = o->ip, .has_ip = true, .helo = o->helo, .authserv_id = o->authserv_id,
		.now_s = v->now_s, .dns = &v->dns, .a = &v->a,
	};
	ssize_t at = str_rchr(o->mail_from, '@');
	struct dot_in dot;
	struct ruling r;
	struct checks c;

	v->status = EX_DATAERR;
	if (at >= 0) {
		q.mail_local = str_sub(o->mail_from, 0, (size_t)at);
		q.mail_domain = str_skip(o->mail_from, (size_t)at + 1);
	}
	dot_in_init(&dot, SIZE_MAX);
	dot_check(&dot, text);
	dot_check_end(&dot);
	if (!checks_begin(&c, &q, text))
		return;
	checks_body(&c, str_skip(text, c.header.body_at));
	checks_end(&c, &q);
	r = o->sender_bad ? refuse("MAIL FROM is no address") : judge_form(&c, dot.faults);
	if (strcmp(r.action, "accept") == 0)
		r = judge_author(o, &c, &q);
	v->answer = answer(v, &c, &q, r);
	checks_done(&c);
}

/* MAIL FROM as the server reads it; the address without a source route. */
static void
read_sender(struct auth_verb *o, struct arena *a)
{
	struct path_rules rules = { .arena = a, .utf8 = true };
	struct perr err = {};
	struct path p;

	if (o->mail_from.n == 0)
		return;
	o->sender_bad = !path_parse(o->mail_from, &rules, &p, &err);
}

static bool
parse_args(int argc, char **argv, struct auth_verb *o, struct verb_ask *v)
{
	for (int i = 2; i < argc; i++) {
		struct str value;

		if (verb_ask_option(v, argc, argv, &i))
			continue;
		if (i + 1 == argc)
			return false;
		value = str_of(argv[i + 1]);
		if (strcmp(argv[i], "--ip") == 0)
			o->has_ip = ip_parse(value, &o->ip);
		else if (strcmp(argv[i], "--helo") == 0)
			o->helo = value;
		else if (strcmp(argv[i], "--mail-from") == 0)
			o->mail_from = value;
		else if (strcmp(argv[i], "--authserv-id") == 0)
			o->authserv_id = value;
		else
			return false;
		i++;
	}
	return o->has_ip && o->authserv_id.n > 0;
}

int
verb_auth(int argc, char **argv)
{
	struct auth_verb o = {};
	struct verb_ask v = { .arg = &o };
	struct arena a;
	int status;

	if (argc < 2 || strcmp(argv[1], "check") != 0 || !parse_args(argc, argv, &o, &v))
		return verb_usage(argc, argv, "auth check --ip IP --helo NAME --mail-from ADDRESS "
		    "--authserv-id ID [--zone FILE] [--now EPOCH] < MESSAGE");
	arena_init(&a, 1 << 20);
	read_sender(&o, &a);
	buf_init(&o.in, VERB_INPUT_MAX);
	if (!verb_read_input(&o.in))
		return EX_DATAERR;
	status = verb_ask_run(&v, auth_run);
	arena_done(&a);
	return status;
}
