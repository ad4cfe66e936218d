/* SPDX-License-Identifier: ISC */
/*
 * verb_dns: `postern dns ask NAME TYPE` and `postern dns plan DOMAIN`: what the server sees in
 * DNS, and where it would deliver mail for a domain, in order, or why it could not.
 *
 * --config FILE: with the dns block of that file (default: the installed one, if it can be
 * read, else the system's resolver).  --zone FILE: from that text, no packet is sent.  plan
 * --own-ip IP: addresses to take for our own.  JSON, one object a line; exit 0 when the
 * question was answered.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/hex.h"
#include "dns/direct.h"
#include "dns/zone.h"
#include "main/conf_load.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "rt/loop.h"
#include "smtpc/plan.h"

enum { ANSWER_MS = 30'000, OWN_MAX = 16 };

struct dns_verb {
	const char *words[2], *config, *zone;
	size_t nwords;
	bool plan;
	struct ip own[OWN_MAX];
	size_t nown;
	struct config *cfg;
	const struct dns_ops *ops;
	struct arena arena;
	json_t *answer;
};

static bool
parse_args(int argc, char **argv, struct dns_verb *v)
{
	if (argc < 2 || (strcmp(argv[1], "ask") != 0 && strcmp(argv[1], "plan") != 0))
		return false;
	v->plan = strcmp(argv[1], "plan") == 0;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			v->config = argv[++i];
		else if (strcmp(argv[i], "--zone") == 0 && i + 1 < argc)
			v->zone = argv[++i];
		else if (strcmp(argv[i], "--own-ip") == 0 && i + 1 < argc && v->nown < OWN_MAX &&
		    ip_parse(str_of(argv[i + 1]), &v->own[v->nown]))
			v->nown++, i++;
		else if (argv[i][0] != '-' && v->nwords < 2)
			v->words[v->nwords++] = argv[i];
		else
			return false;
	}
	return v->nwords == (v->plan ? 1 : 2);
}

static json_t *
rr_json(const struct dns_rr *r)
{
	char ip[IP_TEXT_MAX];
	struct buf hex;
	json_t *j;

	switch (r->type) {
	case DNS_A:
	case DNS_AAAA:
		return verb_json_str(ip_format(r->ip, ip));
	case DNS_MX:
		return json_pack("{s:i,s:o}", "preference", (int)r->mx.pref, "host",
		    verb_json_str(r->mx.host));
	case DNS_TXT:
	case DNS_SPF:
		return verb_json_str(r->txt);
	case DNS_TLSA:
		buf_init(&hex, 1 << 18);
		(void)hex_encode(&hex, r->tlsa.data);
		j = json_pack("{s:i,s:i,s:i,s:o}", "usage", (int)r->tlsa.usage, "selector",
		    (int)r->tlsa.selector, "match", (int)r->tlsa.match, "data",
		    verb_json_str(buf_str(&hex)));
		buf_done(&hex);
		return j;
	}
	return verb_json_str(r->name);
}

static void
ask_run(struct dns_verb *v)
{
	struct dns_answer ans;
	uint16_t type;

	if (!dns_type_parse(str_of(v->words[1]), &type))
		return;
	(void)dns_ask(v->ops, str_of(v->words[0]), type, deadline_in(ANSWER_MS), &v->arena, &ans);
	json_t *list = json_array();
	for (size_t i = 0; i < ans.nrr; i++)
		(void)json_array_append_new(list, rr_json(&ans.rr[i]));
	v->answer = json_pack("{s:s,s:b,s:I,s:o,s:o}", "result", dns_res_name(ans.res), "secure",
	    ans.secure, "ttl", (json_int_t)ans.ttl, "alias", verb_json_opt(ans.cname_final),
	    "records", list);
}

static uint64_t
random_below(void *ctx, uint64_t below)
{
	(void)ctx;
	return below < 2 ? 0 : arc4random_uniform((uint32_t)below);
}

static void
plan_run(struct dns_verb *v)
{
	struct self self = { .hostname = v->cfg->hostname, .ip = v->own, .nip = v->nown, .v6 =
	    true };
	struct plan p;

	if (!plan_make(&(struct plan_ask){ .nexthop = str_of(v->words[0]), .dns = v->ops,
	    .self = &self, .deadline = deadline_in(ANSWER_MS), .random = random_below }, &v->arena,
	    &p)) {
		v->answer = json_pack("{s:s,s:o,s:o}", "result",
		    p.trouble.kind == OUT_PERM ? "never" : "later", "status",
		    verb_json_str(p.trouble.status), "why", verb_json_str(p.trouble.text));
		return;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < p.n; i++) {
		char ip[IP_TEXT_MAX];
		const struct target *t = &p.target[i];

		(void)json_array_append_new(list, json_pack("{s:o,s:o,s:i,s:i,s:b}", "host",
		    verb_json_str(t->host), "ip", verb_json_str(ip_format(t->ip, ip)), "port",
		    (int)t->port, "preference", (int)t->pref, "secure", t->secure));
	}
	v->answer = json_pack("{s:s,s:o}", "result", "ok", "targets", list);
}

static void
verb_co(void *arg)
{
	struct dns_verb *v = arg;

	if (v->plan)
		plan_run(v);
	else
		ask_run(v);
	loop_stop();
}

static const struct dns_ops *
zone_ops(const char *file)
{
	struct dns_zone_error err;
	struct dns_zone *z;
	struct buf b;
	FILE *f = fopen(file, "re");
	char *to;

	if (!f) {
		perror(file);
		return NULL;
	}
	buf_init(&b, 64 << 20);
	while ((to = buf_reserve(&b, 65536)) != NULL) {
		size_t n = fread(to, 1, 65536, f);

		if (n == 0)
			break;
		buf_add(&b, n);
	}
	(void)fclose(f);
	z = dns_zone_new(buf_str(&b), &err);
	buf_done(&b);
	if (!z)
		(void)fprintf(stderr, "%s:%u: %s\n", file, err.line, err.what);
	return z ? dns_zone_ops(z) : NULL;
}

static const struct dns_ops *
real_ops(const struct config *cfg)
{
	const char *why;
	struct dns_direct *d = dns_direct_new(&cfg->dns, &why);

	if (!d)
		(void)fprintf(stderr, "postern: dns: %s\n", why);
	return d ? dns_direct_ops(d) : NULL;
}

int
verb_dns(int argc, char **argv)
{
	struct dns_verb v = {};

	if (!parse_args(argc, argv, &v))
		return verb_usage(argc, argv, "dns ask NAME TYPE | dns plan DOMAIN [--own-ip IP]..."
		    " [--config FILE] [--zone FILE]");
	if (v.config || access(CONF_DEFAULT_FILE, R_OK) == 0)
		v.cfg = conf_load(v.config, stderr);
	else
		v.cfg = config_minimal("localhost", "localhost");
	if (!v.cfg)
		return EX_CONFIG;
	loop_init();
	arena_init(&v.arena, 16 << 20);
	v.ops = v.zone ? zone_ops(v.zone) : real_ops(v.cfg);
	if (!v.ops)
		return EX_NOINPUT;
	if (!co_spawn("dns", verb_co, &v))
		return EX_OSERR;
	loop_hold();
	loop_run();
	if (!v.answer)
		return verb_usage(argc, argv, "dns ask NAME TYPE: no such type");
	return verb_json_end(v.answer);
}
