/* SPDX-License-Identifier: ISC */
/*
 * verb_spf: `postern spf --ip IP --helo NAME --mail-from ADDR [--receiver NAME] [--zone F]`: what
 * SPF says of a client and a sender, as JSON.  An empty --mail-from is the null sender.
 */
#include <string.h>

#include "main/verb.h"
#include "main/verb_ask.h"
#include "main/verb_json.h"
#include "trust/spf.h"

struct spf_verb {
	struct ip ip;
	bool has_ip;
	struct str helo, mail_from, receiver;
};

static void
spf_run(struct verb_ask *v)
{
	struct spf_verb *o = v->arg;
	struct spf_query q = {
		.ip = o->ip, .helo = o->helo, .domain = o->mail_from, .receiver = o->receiver,
		.now_s = v->now_s, .want_explanation = true, .dns = &v->dns, .a = &v->a,
	};
	ssize_t at = str_rchr(o->mail_from, '@');
	struct spf_result r;

	if (at >= 0) {
		q.local = str_sub(o->mail_from, 0, (size_t)at);
		q.domain = str_skip(o->mail_from, (size_t)at + 1);
	}
	spf_check(&q, &r);
	v->answer = json_pack("{s:s,s:o,s:o,s:b,s:o,s:o,s:I}", "result",
	    auth_result_name(r.result), "domain", verb_json_str(r.domain), "term",
	    verb_json_opt(r.term), "weak", r.weak, "weak_why",
	    verb_json_opt(r.weak_why ? str_of(r.weak_why) : STR("")), "why",
	    verb_json_opt(r.why), "queries", (json_int_t)r.queries);
	if (r.result == AUTH_FAIL && r.explanation.n > 0)
		(void)json_object_set_new(v->answer, "explanation", verb_json_str(r.explanation));
}

int
verb_spf(int argc, char **argv)
{
	struct spf_verb o = {};
	struct verb_ask v = { .arg = &o };

	for (int i = 1; i < argc; i++) {
		struct str value = i + 1 < argc ? str_of(argv[i + 1]) : STR("");

		if (verb_ask_option(&v, argc, argv, &i))
			continue;
		if (i + 1 == argc)
			o.has_ip = false;
		else if (strcmp(argv[i], "--ip") == 0)
			o.has_ip = ip_parse(value, &o.ip);
		else if (strcmp(argv[i], "--helo") == 0)
			o.helo = value;
		else if (strcmp(argv[i], "--mail-from") == 0)
			o.mail_from = value;
		else if (strcmp(argv[i], "--receiver") == 0)
			o.receiver = value;
		else
			return verb_usage(argc, argv, "spf: no such option");
		i++;
	}
	if (!o.has_ip)
		return verb_usage(argc, argv, "spf --ip IP --helo NAME --mail-from ADDRESS "
		    "[--receiver NAME] [--zone FILE]");
	return verb_ask_run(&v, spf_run);
}
