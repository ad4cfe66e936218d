/* SPDX-License-Identifier: ISC */
/*
 * verb_tls: `postern tls show`: which certificates the configuration names, for whom, how long.
 *
 * Reads the files as they are now; a running server may still use those before, when these are no
 * good (`postern check` says why).  Exit: 0, 65 when one cannot be read or has expired.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "conf/config.h"
#include "main/conf_load.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "tls/check.h"
#include "tls/provider.h"

static const char usage_text[] = "usage: postern tls show [--config FILE] [--json]\n";

struct tls_args {
	const char *config;
	bool json, help;
};

static bool
parse(int argc, char **argv, struct tls_args *out)
{
	bool show = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "show") == 0 && !show)
			show = true;
		else if (strcmp(argv[i], "--json") == 0)
			out->json = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			out->config = argv[++i];
		else if (strcmp(argv[i], "--help") == 0)
			out->help = true;
		else
			return false;
	}
	return show || out->help;
}

static void
print_date(const char *head, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		(void)strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
	(void)printf("  %-8s %s\n", head, text);
}

static void
print_one(const struct tls_shown *s)
{
	(void)printf(STR_F "\n  names   ", STR_A(s->path));
	for (size_t i = 0; i < s->nname; i++)
		(void)printf(" " STR_F, STR_A(s->name[i]));
	(void)printf("\n  subject  " STR_F "\n  issuer   " STR_F "\n  key      " STR_F "\n",
	    STR_A(s->subject), STR_A(s->issuer), STR_A(s->key));
	print_date("from", s->not_before);
	print_date("until", s->not_after);
	if (s->days_left < 0)
		(void)printf("  left     expired %lld days ago\n", (long long)-s->days_left);
	else
		(void)printf("  left     %lld days\n", (long long)s->days_left);
	(void)printf("  pin      sha256:%.*s\n", TLS_PIN_TEXT, s->pin);
}

static json_t *
json_one(const struct tls_shown *s)
{
	json_t *one = json_object(), *names = json_array();

	for (size_t i = 0; i < s->nname; i++)
		(void)json_array_append_new(names, verb_json_str(s->name[i]));
	(void)json_object_set_new(one, "chain", verb_json_str(s->path));
	(void)json_object_set_new(one, "names", names);
	(void)json_object_set_new(one, "subject", verb_json_str(s->subject));
	(void)json_object_set_new(one, "issuer", verb_json_str(s->issuer));
	(void)json_object_set_new(one, "key", verb_json_str(s->key));
	(void)json_object_set_new(one, "not_before", json_integer(s->not_before));
	(void)json_object_set_new(one, "not_after", json_integer(s->not_after));
	(void)json_object_set_new(one, "days_left", json_integer(s->days_left));
	(void)json_object_set_new(one, "pin",
	    verb_json_str(str_from(s->pin, sizeof(s->pin))));
	return one;
}

static int
show(const struct config *cfg, bool json)
{
	json_t *list = json ? json_array() : NULL;
	int code = 0;

	for (size_t i = 0; i < cfg->ncert; i++) {
		struct tls_shown s;
		struct arena a;
		struct buf pem;
		char *name;

		arena_init(&a, 1 << 20);
		buf_init(&pem, 4 << 20);
		name = str_z(&a, str_cat(&a, STR("chain:"), cfg->cert[i].chain));
		if (!name || !tls_read_path(NULL, name, &pem) ||
		    !tls_show(buf_str(&pem), time(NULL), &a, &s)) {
			(void)fprintf(stderr, STR_F ": no certificate can be read from it\n",
			    STR_A(cfg->cert[i].chain));
			code = EX_DATAERR;
		} else {
			s.path = cfg->cert[i].chain;
			code = s.not_after < time(NULL) ? EX_DATAERR : code;
			if (list)
				(void)json_array_append_new(list, json_one(&s));
			else
				print_one(&s);
		}
		buf_done(&pem);
		arena_done(&a);
	}
	if (!list)
		return code;
	json_t *all = json_object();

	(void)json_object_set_new(all, "certificates", list);
	return verb_json_end(all) != 0 ? EX_IOERR : code;
}

int
verb_tls(int argc, char **argv)
{
	struct tls_args args = {};
	struct config *cfg;
	int code;

	if (!parse(argc, argv, &args) || args.help) {
		(void)fputs(usage_text, args.help ? stdout : stderr);
		return args.help ? 0 : EX_USAGE;
	}
	cfg = conf_load(args.config, stderr);
	if (!cfg)
		return EX_CONFIG;
	code = tls_init() ? show(cfg, args.json) : EX_SOFTWARE;
	config_free(cfg);
	return code;
}
