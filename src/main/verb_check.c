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

#include "conf/errors.h"
#include "conf/print.h"
#include "main/check_files.h"
#include "main/conf_load.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "policy/decide.h"

enum { EX_CONFIG_ = 78 };

static const char usage_text[] = "check [--config F] [--json]\n";

static int
usage(FILE *to)
{
	(void)fprintf(to, "usage: postern %s", usage_text);
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

static int
answer_json(const char *file, const struct conf_errors *errs, struct str loosened, struct str notes)
{
	json_t *all = json_object(), *list = json_array();

	for (size_t i = 0; i < errs->n; i++) {
		json_t *one = json_object();

		(void)json_object_set_new(one, "line", json_integer(errs->e[i].line));
		(void)json_object_set_new(one, "column", json_integer(errs->e[i].col));
		(void)json_object_set_new(one, "text", verb_json_str(errs->e[i].text));
		(void)json_array_append_new(list, one);
	}
	(void)json_object_set_new(all, "ok", json_boolean(errs->n == 0));
	(void)json_object_set_new(all, "file", verb_json_str(str_of(file)));
	(void)json_object_set_new(all, "mistakes", list);
	(void)json_object_set_new(all, "loosened", json_lines(loosened));
	(void)json_object_set_new(all, "notes", json_lines(notes));
	return verb_json_end(all) != 0 ? 74 : errs->n == 0 ? 0 : EX_CONFIG_;
}

static void
print_lines(const char *head, struct str text)
{
	while (text.n > 0) {
		struct str line = str_split(&text, '\n');

		(void)printf("%s" STR_F "\n", head, STR_A(line));
	}
}

static int
answer_text(const char *file, const struct conf_errors *errs, struct str loosened, struct str notes)
{
	for (size_t i = 0; i < errs->n; i++) {
		const struct conf_error *e = &errs->e[i];

		if (e->line > 0)
			(void)fprintf(stderr, "%s:%u:%u: " STR_F "\n", file, e->line, e->col,
			    STR_A(e->text));
		else
			(void)fprintf(stderr, "%s: " STR_F "\n", file, STR_A(e->text));
	}
	print_lines("note: ", notes);
	print_lines("loosened: ", loosened);
	if (errs->n == 0)
		(void)printf("%s is good\n", file);
	else
		(void)fprintf(stderr, "%zu mistake%s\n", errs->n, errs->n == 1 ? "" : "s");
	return errs->n == 0 ? 0 : EX_CONFIG_;
}

int
verb_check(int argc, char **argv)
{
	static char whole[PATH_MAX];
	const char *file = CONF_DEFAULT_FILE;
	struct conf_errors errs = {};
	struct buf text, notes, loosened;
	bool json = false;
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			file = argv[++i];
		else if (strcmp(argv[i], "--help") == 0)
			return usage(stdout);
		else
			return usage(stderr);
	}
	if (realpath(file, whole) != NULL)
		file = whole;
	buf_init(&text, 16 << 20);
	buf_init(&notes, 1 << 20);
	buf_init(&loosened, 1 << 20);
	if (read_text(file, &text, &errs)) {
		struct config *cfg = config_parse(buf_str(&text), file, &errs);
		struct check c = { cfg, &errs, &notes };

		if (cfg != NULL) {
			(void)policy_check(cfg, &errs);
			check_all(&c);
			(void)config_loosened(cfg, &loosened);
		}
		config_free(cfg);
	}
	code = (json ? answer_json : answer_text)(file, &errs, buf_str(&loosened), buf_str(&notes));
	conf_errors_done(&errs);
	buf_done(&text);
	buf_done(&notes);
	buf_done(&loosened);
	return code;
}
