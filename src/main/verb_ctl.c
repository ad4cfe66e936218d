/* SPDX-License-Identifier: ISC */
/*
 * verb_ctl: status, reload and stop of the running server.
 *
 * Exit codes: 0 done, 64 usage, 69 no server or it refused, 78 bad configuration file.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "main/ctl.h"
#include "main/verb.h"

enum { EX_USAGE = 64 };

struct options { const char *config; bool json, bad, help; };

static struct options
options_read(int argc, char **argv)
{
	struct options o = {};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			o.config = argv[++i];
		else if (strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (strcmp(argv[i], "--help") == 0)
			o.help = true;
		else
			o.bad = true;
	}
	return o;
}

static int
usage(const struct options *o, const char *verb)
{
	(void)fprintf(o->help ? stdout : stderr, "usage: postern %s [--config FILE] [--json]\n",
	    verb);
	return o->help ? 0 : EX_USAGE;
}

static void
print_why(const json_t *answer)
{
	const char *why = json_string_value(json_object_get(answer, "why"));

	if (why && *why)
		(void)fprintf(stderr, "%s%s", why, why[strlen(why) - 1] == '\n' ? "" : "\n");
}

static int
simple(int argc, char **argv, const char *op)
{
	struct options o = options_read(argc, argv);
	json_t *answer;
	int code;

	if (o.bad || o.help)
		return usage(&o, op);
	answer = ctl_ask(o.config, op, NULL, &code);
	if (answer && o.json)
		(void)printf("{\"ok\":%s}\n", code == 0 ? "true" : "false");
	if (answer && code != 0)
		print_why(answer);
	json_decref(answer);
	return code;
}

int
verb_reload(int argc, char **argv)
{
	return simple(argc, argv, "reload");
}

/* Answers when the server has gone, or after 70 s. */
int
verb_stop(int argc, char **argv)
{
	struct options o = options_read(argc, argv);
	int code = simple(argc, argv, "stop");

	for (int i = 0; i < 700 && code == 0 && !o.help && ctl_alive(o.config); i++)
		(void)usleep(100'000);
	return code;
}

static long long
number(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

static void
print_role(const json_t *r)
{
	const char *role = json_string_value(json_object_get(r, "role"));
	const char *state = json_string_value(json_object_get(r, "state"));

	(void)printf("%-9s %3lld %4lld %8lld  %-9s %6lld %10lld %12lld  %s\n", role ? role : "",
	    number(r, "index"), number(r, "generation"), number(r, "pid"), state ? state : "",
	    number(r, "restarts"), number(r, "sessions"), number(r, "done"),
	    json_is_true(json_object_get(r, "answers")) ? "" : "no answer");
}

static void
print_status(const json_t *keeper, const json_t *queue)
{
	const json_t *roles = json_object_get(keeper, "roles");
	const char *key;
	json_t *value;

	(void)printf("generation %lld, pid %lld, spool free %lld MiB\n\n",
	    number(keeper, "generation"), number(keeper, "pid"),
	    number(keeper, "spool_free") >> 20);
	(void)printf("%-9s %3s %4s %8s  %-9s %6s %10s %12s\n", "role", "nr", "gen", "pid", "state",
	    "starts", "sessions", "done");
	for (size_t i = 0; i < json_array_size(roles); i++)
		print_role(json_array_get(roles, i));
	(void)printf("\nqueue:");
	json_object_foreach((json_t *)queue, key, value)
		if (json_is_integer(value))
			(void)printf(" %s %lld", key, (long long)json_integer_value(value));
	(void)printf("\n");
}

int
verb_status(int argc, char **argv)
{
	struct options o = options_read(argc, argv);
	json_t *keeper, *queue;
	int code, ignored;

	if (o.bad || o.help)
		return usage(&o, "status");
	keeper = ctl_ask(o.config, "status", NULL, &code);
	if (!keeper)
		return code;
	queue = ctl_ask(o.config, "queue.stats", NULL, &ignored);
	if (o.json) {
		(void)json_object_set_new(keeper, "queue",
		    queue ? json_incref(queue) : json_null());
		(void)json_dumpf(keeper, stdout, JSON_COMPACT);
		(void)printf("\n");
	} else {
		print_status(keeper, queue);
	}
	json_decref(queue);
	json_decref(keeper);
	return code;
}
