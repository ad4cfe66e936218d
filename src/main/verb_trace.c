/* SPDX-License-Identifier: ISC */
/*
 * verb_trace: `postern trace ID`: the whole life of a message, from the structured log.
 *
 * Every event of a message carries id=; lines are printed as they stand.  The log is the file of
 * the configuration or --log FILE; without either (standard error, journald) it is read from
 * standard input, as in `journalctl -o cat -u postern | postern trace ID`.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msgid.h"
#include "base/str.h"
#include "main/log_find.h"
#include "main/verb.h"

enum { EX_USAGE = 64, EX_NOINPUT = 66 };

/* The id that is named last, for --last. */
static struct str
last_id(FILE *log, char out[MSGID_TEXT])
{
	struct str id = {};
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, log)) > 0) {
		struct str s = str_from(line, (size_t)n);
		ssize_t at = str_find(s, STR(" id=")), skip = 4;
		uint64_t number;

		if (at == -1) {
			at = str_find(s, STR("\"id\":\""));
			skip = 6;
		}
		if (at == -1 || !msgid_parse(str_sub(s, (size_t)(at + skip), MSGID_TEXT), &number))
			continue;
		id = msgid_format(number, out);
	}
	free(line);
	rewind(log);
	return id;
}

static int
trace(FILE *log, struct str id)
{
	char *line = NULL;
	size_t cap = 0, found = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, log)) > 0) {
		if (!log_names(str_from(line, (size_t)n), id))
			continue;
		found++;
		(void)fwrite(line, 1, (size_t)n, stdout);
	}
	free(line);
	return found > 0 ? 0 : 1;
}

static int
usage(bool asked)
{
	(void)fputs("usage: postern trace ID|--last [--config FILE] [--log FILE]\n"
	    "Prints every log line of that message; exit 1 when there is none.\n",
	    asked ? stdout : stderr);
	return asked ? 0 : EX_USAGE;
}

int
verb_trace(int argc, char **argv)
{
	const char *config = NULL, *path = NULL, *id = NULL;
	char last[MSGID_TEXT];
	struct str wanted;
	uint64_t number;
	FILE *log;
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			config = argv[++i];
		else if (strcmp(argv[i], "--log") == 0 && i + 1 < argc)
			path = argv[++i];
		else
			id = argv[i];
	}
	if (!id || strcmp(id, "--help") == 0)
		return usage(id != NULL);
	if (strcmp(id, "--last") != 0 && !msgid_parse(str_of(id), &number))
		return usage(false);
	log = log_open(config, path);
	if (!log)
		return EX_NOINPUT;
	wanted = strcmp(id, "--last") == 0 ? last_id(log, last) : str_of(id);
	code = wanted.n ? trace(log, wanted) : 1;
	if (log != stdin)
		(void)fclose(log);
	return code;
}
