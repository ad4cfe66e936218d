/* SPDX-License-Identifier: ISC */
/*
 * verb_queue: `postern queue list|show|retry|hold|release|bounce|drop|redirect|flush`, and mailq.
 *
 * Filters narrow what an operation is about; an operation that changes wants an id, a filter or
 * --all.  --dry-run counts only.  --json prints what the server answered, page by page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "main/ctl.h"
#include "main/verb.h"

enum { EX_USAGE = 64, PAGES_MAX = 100'000 };

struct wish {
	const char *config, *op;
	json_t *args;
	bool json, all, narrowed, help, bad;
};

static const char *const ops[] = {
	"list", "show", "retry", "hold", "release", "bounce", "drop", "redirect", "flush",
};

static int
usage(FILE *to, int code)
{
	(void)fputs("usage: postern queue OP [ID ...] [filters] [--json] [--config FILE]\n"
	    "\n"
	    "  list show retry hold release bounce drop redirect flush\n"
	    "\n"
	    "filters: --sender ADDR --recipient ADDR --domain NAME --older 2h --reason TEXT --all\n"
	    "         --undelivered: failed, and nobody was told since the sender may be forged\n"
	    "         --dry-run counts only; --to ADDR is where redirect sends\n", to);
	return code;
}

static bool
is_op(const char *word)
{
	for (size_t i = 0; i < COUNT(ops); i++)
		if (strcmp(ops[i], word) == 0)
			return true;
	return false;
}

/* "90", "30s", "5m", "4h", "5d" in milliseconds. */
static bool
take_age(struct str s, int64_t *ms)
{
	static const struct { char unit; uint64_t ms; } units[] = {
		{ 's', 1000 }, { 'm', 60'000 }, { 'h', 3'600'000 }, { 'd', 86'400'000 },
	};
	uint64_t n, each = 1000;

	for (size_t i = 0; i < COUNT(units) && s.n > 0; i++) {
		if (s.p[s.n - 1] != units[i].unit)
			continue;
		each = units[i].ms;
		s.n--;
		break;
	}
	if (!num_parse_u64(s, &n) || n > INT64_MAX / each)
		return false;
	*ms = (int64_t)(n * each);
	return true;
}

static bool
take_filter(struct wish *w, const char *name, const char *value)
{
	static const char *const plain[] = { "sender", "recipient", "domain", "reason" };
	int64_t ms;

	if (strcmp(name, "--older") == 0) {
		w->narrowed = true;
		return take_age(str_of(value), &ms) &&
		    json_object_set_new(w->args, "older_ms", json_integer(ms)) == 0;
	}
	if (strcmp(name, "--to") == 0)
		return json_object_set_new(w->args, "to", json_string(value)) == 0;
	for (size_t i = 0; i < COUNT(plain); i++) {
		if (strcmp(name + 2, plain[i]) != 0)
			continue;
		w->narrowed = true;
		return json_object_set_new(w->args, plain[i], json_string(value)) == 0;
	}
	return false;
}

static void
take_word(struct wish *w, const char *word)
{
	json_t *ids = json_object_get(w->args, "id");

	if (!w->op) {
		w->op = word;
		w->bad |= !is_op(word);
		return;
	}
	if (!ids) {
		ids = json_array();
		(void)json_object_set_new(w->args, "id", ids);
	}
	(void)json_array_append_new(ids, json_string(word));
	w->narrowed = true;
}

static struct wish
wish_read(int argc, char **argv)
{
	struct wish w = { .args = json_object() };

	for (int i = 1; i < argc && !w.bad; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			w.config = argv[++i];
		else if (strcmp(argv[i], "--json") == 0)
			w.json = true;
		else if (strcmp(argv[i], "--all") == 0)
			w.all = true;
		else if (strcmp(argv[i], "--help") == 0)
			w.help = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			(void)json_object_set_new(w.args, "dry_run", json_true());
		else if (strcmp(argv[i], "--undelivered") == 0)
			w.narrowed = json_object_set_new(w.args, "undelivered", json_true()) == 0;
		else if (strncmp(argv[i], "--", 2) == 0 && i + 1 < argc)
			w.bad = !take_filter(&w, argv[i], argv[i + 1]), i++;
		else if (argv[i][0] != '-')
			take_word(&w, argv[i]);
		else
			w.bad = true;
	}
	return w;
}

static bool
changes(const char *op)
{
	return strcmp(op, "list") != 0 && strcmp(op, "flush") != 0;
}

static const char *
text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static void
print_message(const json_t *m)
{
	const json_t *rcpt = json_object_get(m, "recipients");

	(void)printf("%s  %8lld  %s  <%s>\n", text(m, "id"),
	    (long long)json_integer_value(json_object_get(m, "size")), text(m, "received"),
	    text(m, "sender"));
	for (size_t i = 0; i < json_array_size(rcpt); i++) {
		const json_t *r = json_array_get(rcpt, i);

		(void)printf("    <%s> %s %s\n", text(r, "address"), text(r, "state"),
		    text(r, "reason"));
	}
}

static void
print_answer(const struct wish *w, const json_t *answer)
{
	const json_t *messages = json_object_get(answer, "messages");

	if (w->json || (!messages && !json_object_get(answer, "matched"))) {
		(void)json_dumpf(answer, stdout, w->json ? JSON_COMPACT : JSON_INDENT(2));
		(void)printf("\n");
		return;
	}
	for (size_t i = 0; i < json_array_size(messages); i++)
		print_message(json_array_get(messages, i));
	if (!messages)
		(void)printf("%lld matched, %lld changed\n",
		    (long long)json_integer_value(json_object_get(answer, "matched")),
		    (long long)json_integer_value(json_object_get(answer, "changed")));
}

/* All pages of one wish. */
static int
ask(struct wish *w)
{
	char op[32];
	int code = 0;

	(void)snprintf(op, sizeof(op), "queue.%s", w->op);
	for (unsigned page = 0; page < PAGES_MAX; page++) {
		json_t *answer = ctl_ask(w->config, op, json_deep_copy(w->args), &code), *next;

		if (!answer)
			return code;
		if (code != 0) {
			(void)fprintf(stderr, "postern queue: %s\n", text(answer, "why"));
			json_decref(answer);
			return code;
		}
		print_answer(w, answer);
		next = json_incref(json_object_get(answer, "next"));
		json_decref(answer);
		if (!json_is_string(next)) {
			json_decref(next);
			break;
		}
		(void)json_object_set_new(w->args, "after", next);
	}
	return code;
}

int
verb_queue(int argc, char **argv)
{
	struct wish w = wish_read(argc, argv);
	int code;

	if (w.help)
		code = usage(stdout, 0);
	else if (w.bad || !w.op)
		code = usage(stderr, EX_USAGE);
	else if (changes(w.op) && !w.narrowed && !w.all) {
		(void)fprintf(stderr, "postern queue %s: name messages, a filter, or --all\n",
		    w.op);
		code = EX_USAGE;
	} else
		code = ask(&w);
	json_decref(w.args);
	return code;
}
