/* SPDX-License-Identifier: ISC */
/*
 * verb_srs: `postern srs forward|reverse`: what the Sender Rewriting Scheme makes of an address
 * under the secrets given here.
 *
 * The known layout is the default; --strong is that of the server, whose own secrets no verb sees.
 */
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "trust/srs.h"

static const char usage[] = "srs forward|reverse --domain D --secret S [--secret OLD]... "
    "[--now EPOCH] [--strong] -- ADDRESS";

struct srs_verb {
	struct srs_conf conf;
	bool reverse, has_address;
	struct str address;
};

/* An option and its value; false: neither it nor a good value. */
static bool
option(struct srs_verb *v, const char *name, struct str value)
{
	struct srs_conf *c = &v->conf;

	if (strcmp(name, "--domain") == 0)
		c->domain = value;
	else if (strcmp(name, "--now") == 0)
		return num_parse_i64(value, &c->now_s) && c->now_s >= 0;
	else if (strcmp(name, "--secret") == 0 && c->nsecret < SRS_SECRETS_MAX)
		c->secret[c->nsecret++] = value;
	else
		return false;
	return true;
}

static bool
parse_args(int argc, char **argv, struct srs_verb *v)
{
	int i = 2;

	if (argc < 2 || (strcmp(argv[1], "forward") != 0 && strcmp(argv[1], "reverse") != 0))
		return false;
	v->reverse = strcmp(argv[1], "reverse") == 0;
	for (; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--strong") == 0)
			v->conf.classic = false;
		else if (i + 1 >= argc || !option(v, argv[i], str_of(argv[i + 1])))
			return false;
		else
			i++;
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	if (i != argc - 1 || v->conf.domain.n == 0 || v->conf.nsecret == 0)
		return false;
	v->address = str_of(argv[i]);
	return true;
}

int
verb_srs(int argc, char **argv)
{
	struct srs_verb v = { .conf = { .classic = true, .now_s = time(NULL) } };
	const char *why = NULL;
	struct arena a;
	struct str out;
	enum srs r;

	if (!parse_args(argc, argv, &v))
		return verb_usage(argc, argv, usage);
	arena_init(&a, 1 << 20);
	r = v.reverse ? srs_reverse(&v.conf, v.address, &a, &out, &why) :
	    srs_forward(&v.conf, v.address, &a, &out, &why);
	if (r == SRS_ERROR)
		return verb_json_end(json_pack("{s:s,s:s}", "result", "error", "error", why));
	return verb_json_end(json_pack("{s:s,s:o}", "result", r == SRS_OK ? "ok" : "unchanged",
	    "address", verb_json_str(out)));
}
