/* SPDX-License-Identifier: ISC */
/*
 * verb_check: `postern check`: every mistake of an instance at once, before it is started.
 *
 * Exit 0 when it can run, 78 with the list of all mistakes.  What opens the house further than a
 * fresh installation does is listed, but is no mistake.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "conf/errors.h"
#include "conf/print.h"
#include "main/check_files.h"
#include "main/conf_load.h"
#include "main/proof_run.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "policy/prove.h"

enum { EX_CONFIG_ = 78 };

enum { REQUIRE_MAX = 16 };

static const char usage_text[] = "check [--config F] [--json] [--require PROPERTY]... "
    "[--diff OLD]\n\n"
    "Finds every mistake, and proves that nobody relays or writes as somebody else.\n"
    "--require: a property that must hold too, one of:\n";

struct asked {
	struct str require[REQUIRE_MAX];
	size_t nrequire;
	const char *diff;		/* an older configuration */
	bool json;
};

static int
usage(FILE *to)
{
	(void)fprintf(to, "usage: postern %s%s\n", usage_text, prove_properties);
	return to == stdout ? 0 : 64;
}

static bool
read_text(const char *path, struct buf *text, struct conf_errors *errs)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	while (fd >= 0 && n > 0) {
		char *to = buf_reserve(text, 65536);

		n = to != NULL ? read(fd, to, 65536) : -1;
		if (n > 0)
			buf_add(text, (size_t)n);
	}
	if (fd < 0 || n < 0)
		conf_error_add(errs, 0, 0, "%s", errno == ENOENT ?
		    "does not exist: postern init DOMAIN makes one" : "cannot be read");
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 && n == 0;
}

static void
check_all(struct check *c)
{
	check_secrets(c);
	check_directories(c);
	check_tables(c);
	check_ports(c);
}

static json_t *
json_lines(struct str text)
{
	json_t *list = json_array();

	while (text.n > 0)
		(void)json_array_append_new(list, verb_json_str(str_split(&text, '\n')));
	return list;
}

/* What was found, in words. */
struct report {
	const char *file;
	const struct conf_errors *errs;
	struct buf loosened, notes, proof, diff;
	struct proof_run run;
	bool proved, holds;		/* the proof was made; it holds */
};

static json_t *
json_proof(const struct report *r)
{
	if (!r->proved)
		return json_null();
	return json_pack("{s:b,s:I,s:I,s:I,s:o}", "holds", r->holds, "classes",
	    (json_int_t)r->run.classes, "requests", (json_int_t)r->run.leaves, "took_us",
	    (json_int_t)r->run.took_us, "findings", json_lines(buf_str(&r->proof)));
}

static int
answer_json(const struct report *r)
{
	json_t *all = json_object(), *list = json_array();
	const struct conf_errors *errs = r->errs;
	bool good = errs->n == 0 && r->holds;

	for (size_t i = 0; i < errs->n; i++) {
		json_t *one = json_object();

		(void)json_object_set_new(one, "line", json_integer(errs->e[i].line));
		(void)json_object_set_new(one, "column", json_integer(errs->e[i].col));
		(void)json_object_set_new(one, "text", verb_json_str(errs->e[i].text));
		(void)json_array_append_new(list, one);
	}
	(void)json_object_set_new(all, "ok", json_boolean(good));
	(void)json_object_set_new(all, "file", verb_json_str(str_of(r->file)));
	(void)json_object_set_new(all, "mistakes", list);
	(void)json_object_set_new(all, "loosened", json_lines(buf_str(&r->loosened)));
	(void)json_object_set_new(all, "notes", json_lines(buf_str(&r->notes)));
	(void)json_object_set_new(all, "proof", json_proof(r));
	(void)json_object_set_new(all, "changes", json_lines(buf_str(&r->diff)));
	return verb_json_end(all) != 0 ? 74 : good ? 0 : EX_CONFIG_;
}

static void
print_lines(const char *head, struct str text)
{
	while (text.n > 0) {
		struct str line = str_split(&text, '\n');

		(void)printf("%s" STR_F "\n", head, STR_A(line));
	}
}

static void
print_mistakes(const struct report *r)
{
	for (size_t i = 0; i < r->errs->n; i++) {
		const struct conf_error *e = &r->errs->e[i];

		if (e->line > 0)
			(void)fprintf(stderr, "%s:%u:%u: " STR_F "\n", r->file, e->line, e->col,
			    STR_A(e->text));
		else
			(void)fprintf(stderr, "%s: " STR_F "\n", r->file, STR_A(e->text));
	}
}

static int
answer_text(const struct report *r)
{
	size_t n = r->errs->n + (r->proved && !r->holds ? MAX(r->run.nfinding, (size_t)1) : 0);

	print_mistakes(r);
	print_lines("note: ", buf_str(&r->notes));
	print_lines("loosened: ", buf_str(&r->loosened));
	if (r->proved)
		(void)fprintf(r->holds ? stdout : stderr, STR_F, STR_A(buf_str(&r->proof)));
	print_lines("changes: ", buf_str(&r->diff));
	if (r->proved && r->holds)
		(void)printf("proved: nobody relays and nobody writes as somebody else (%llu "
		    "kinds of requests, %.1f ms)\n", (unsigned long long)r->run.leaves,
		    (double)r->run.took_us / 1000);
	if (n == 0)
		(void)printf("%s is good\n", r->file);
	else
		(void)fprintf(stderr, "%zu mistake%s\n", n, n == 1 ? "" : "s");
	return n == 0 ? 0 : EX_CONFIG_;
}

/* Only a file without mistakes is worth a proof. */
static void
prove_all(const struct config *cfg, const struct asked *asked, struct report *r)
{
	r->run = (struct proof_run){ .cfg = cfg, .require = asked->require,
		.nrequire = asked->nrequire };
	r->holds = proof_run(&r->run, &r->proof);
	r->proved = true;
	if (asked->diff) {
		struct config *old = conf_load(asked->diff, stderr);

		if (!old || !proof_compare(old, cfg, &r->diff))
			(void)buf_puts(&r->notes, "the two configurations cannot be compared\n");
		config_free(old);
	}
}

static bool
parse_args(int argc, char **argv, struct asked *asked, const char **file)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			asked->json = true;
			continue;
		}
		if (i + 1 == argc)
			return false;
		if (strcmp(argv[i], "--config") == 0)
			*file = argv[++i];
		else if (strcmp(argv[i], "--diff") == 0)
			asked->diff = argv[++i];
		else if (strcmp(argv[i], "--require") == 0 && asked->nrequire < REQUIRE_MAX)
			asked->require[asked->nrequire++] = str_of(argv[++i]);
		else
			return false;
	}
	return true;
}

static bool
properties_known(const struct asked *asked)
{
	for (size_t i = 0; i < asked->nrequire; i++) {
		const char *wrong = prove_property_wrong(asked->require[i]);

		if (wrong) {
			(void)fprintf(stderr, "postern: '" STR_F "' %s\n%s",
			    STR_A(asked->require[i]), wrong, prove_properties);
			return false;
		}
	}
	return true;
}

static void
check_text(struct str text, const struct asked *asked, struct report *r, struct conf_errors *errs)
{
	struct config *cfg = config_parse(text, r->file, errs);
	struct check c = { cfg, errs, &r->notes };

	if (cfg != NULL) {
		(void)policy_check(cfg, errs);
		check_all(&c);
		(void)config_loosened(cfg, &r->loosened);
		r->holds = false;
		if (errs->n == 0)
			prove_all(cfg, asked, r);
	}
	config_free(cfg);
}

int
verb_check(int argc, char **argv)
{
	static char whole[PATH_MAX];
	struct conf_errors errs = {};
	struct report r = { .file = CONF_DEFAULT_FILE, .errs = &errs };
	struct asked asked = {};
	struct buf text;
	int code;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (!parse_args(argc, argv, &asked, &r.file))
		return usage(stderr);
	if (!properties_known(&asked))
		return 64;
	if (realpath(r.file, whole) != NULL)
		r.file = whole;
	buf_init(&text, 16 << 20);
	buf_init(&r.notes, 1 << 20);
	buf_init(&r.loosened, 1 << 20);
	buf_init(&r.proof, 4 << 20);
	buf_init(&r.diff, 4 << 20);
	if (read_text(r.file, &text, &errs))
		check_text(buf_str(&text), &asked, &r, &errs);
	code = asked.json ? answer_json(&r) : answer_text(&r);
	conf_errors_done(&errs);
	buf_done(&text);
	buf_done(&r.notes);
	buf_done(&r.loosened);
	buf_done(&r.proof);
	buf_done(&r.diff);
	return code;
}
