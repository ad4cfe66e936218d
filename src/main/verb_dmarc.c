/* SPDX-License-Identifier: ISC */
/*
 * verb_dmarc: `postern dmarc --from DOMAIN [--spf D=RESULT]... [--dkim D=RESULT]...`: what DMARC
 * says of an author's domain and what vouched for it; `postern dmarc record -- TEXT`: is that a
 * record?; `postern dmarc report`: verb_report.c.
 */
#include <string.h>

#include "main/verb.h"
#include "main/verb_ask.h"
#include "main/verb_json.h"
#include "main/verb_trust.h"
#include "trust/dmarc.h"

enum { AUTHS_MAX = 24 };

struct dmarc_verb {
	struct str from;
	bool psl;
	struct dmarc_auth spf[AUTHS_MAX], dkim[AUTHS_MAX];
	size_t nspf, ndkim;
};

const char *
verb_dmarc_policy(enum dmarc_policy p)
{
	static const char *const names[] = {
		[DMARC_P_NONE] = "none", [DMARC_P_QUARANTINE] = "quarantine",
		[DMARC_P_REJECT] = "reject",
	};

	return names[p];
}

json_t *
verb_dmarc_json(const struct dmarc_result *r)
{
	json_t *j = json_pack("{s:s,s:o,s:b,s:b,s:b,s:o,s:s}", "result",
	    auth_result_name(r->result), "org_domain", verb_json_str(r->org_domain),
	    "spf_aligned", r->spf_aligned, "dkim_aligned", r->dkim_aligned, "nxdomain",
	    r->author_nxdomain, "record_domain", verb_json_opt(r->record_domain), "why", r->why);

	if (!r->has_record)
		return j;
	(void)json_object_set_new(j, "policy", json_string(verb_dmarc_policy(r->policy)));
	(void)json_object_set_new(j, "policy_tag", json_string(r->policy_tag));
	(void)json_object_set_new(j, "p", json_string(verb_dmarc_policy(r->record.p)));
	if (r->record.has_sp)
		(void)json_object_set_new(j, "sp", json_string(verb_dmarc_policy(r->record.sp)));
	if (r->record.has_np)
		(void)json_object_set_new(j, "np", json_string(verb_dmarc_policy(r->record.np)));
	return j;
}

static void
dmarc_run(struct verb_ask *v)
{
	struct dmarc_verb *o = v->arg;
	struct dmarc_query q = {
		.author = o->from, .spf = o->spf, .nspf = o->nspf, .dkim = o->dkim,
		.ndkim = o->ndkim, .dns = &v->dns, .a = &v->a,
		.psl = o->psl ? dmarc_psl_builtin() : NULL,
	};
	struct dmarc_result r;

	dmarc_check(&q, &r);
	v->answer = verb_dmarc_json(&r);
	(void)json_object_set_new(v->answer, "queries", json_integer(v->dns.queries));
}

/* DOMAIN=RESULT */
static bool
take_auth(struct str text, struct dmarc_auth *list, size_t *n)
{
	ssize_t eq = str_rchr(text, '=');

	if (eq < 0 || *n == AUTHS_MAX)
		return false;
	list[*n].domain = str_sub(text, 0, (size_t)eq);
	return auth_result_parse(str_skip(text, (size_t)eq + 1), &list[(*n)++].result);
}

static bool
parse_args(int argc, char **argv, struct dmarc_verb *o, struct verb_ask *v)
{
	for (int i = 1; i < argc; i++) {
		struct str value = i + 1 < argc ? str_of(argv[i + 1]) : STR("");
		bool good;

		if (strcmp(argv[i], "--psl") == 0) {
			o->psl = true;
			continue;
		}
		if (verb_ask_option(v, argc, argv, &i))
			continue;
		if (strcmp(argv[i], "--from") == 0)
			good = (o->from = value).n > 0;
		else if (strcmp(argv[i], "--spf") == 0)
			good = take_auth(value, o->spf, &o->nspf);
		else if (strcmp(argv[i], "--dkim") == 0)
			good = take_auth(value, o->dkim, &o->ndkim);
		else
			good = false;
		if (!good)
			return false;
		i++;
	}
	return o->from.n > 0;
}

/* p= right behind v=, as receivers of the old standard (RFC 7489) demand: who publishes wants all
 * of them to read it. */
static bool
in_order(struct str text)
{
	struct str rest = text, name;

	(void)str_split(&rest, ';');
	name = str_split(&rest, '=');
	while (name.n > 0 && ascii_isspace(name.p[0]))
		name = str_skip(name, 1);
	return str_ieq(str_trim(name), STR("p"));
}

static int
record(struct str text)
{
	struct dmarc_record r;
	const char *why;
	bool valid = dmarc_record_parse(text, &r, &why);

	if (valid && !in_order(text) && *why == '\0') {
		valid = false;
		why = "p= does not stand right behind v=";
	}
	return verb_json_end(json_pack("{s:b,s:s,s:s}", "valid", valid, "why", why, "p",
	    verb_dmarc_policy(r.p)));
}

int
verb_dmarc(int argc, char **argv)
{
	struct dmarc_verb o = {};
	struct verb_ask v = { .arg = &o };

	if (argc > 2 && strcmp(argv[1], "record") == 0) {
		int at = strcmp(argv[2], "--") == 0 ? 3 : 2;

		return record(at < argc ? str_of(argv[at]) : STR(""));
	}
	if (argc == 2 && strcmp(argv[1], "report") == 0)
		return verb_dmarc_report();
	if (!parse_args(argc, argv, &o, &v))
		return verb_usage(argc, argv, "dmarc --from DOMAIN [--spf DOMAIN=RESULT]... "
		    "[--dkim DOMAIN=RESULT]... [--psl] [--zone FILE]\n"
		    "       postern dmarc record -- TEXT\n"
		    "       postern dmarc report < REPORT");
	return verb_ask_run(&v, dmarc_run);
}
