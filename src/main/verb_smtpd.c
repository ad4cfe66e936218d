/* SPDX-License-Identifier: ISC */
/*
 * verb_smtpd: `postern smtpd --stdio`: one SMTP session on standard input and output.
 *
 * For trying a configuration and for test suites.  Tables are read once; what is accepted goes
 * into a spool of its own, a temporary one unless --spool names a directory that is nobody else's.
 * The configuration's `test` block may have each accepted message written to a file.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "main/stdio_run.h"
#include "main/verb.h"
#include "rt/log.h"

static const char usage[] =
    "usage: postern smtpd --stdio [--peer IP] [--listener NAME] [--config FILE] [--spool DIR]\n"
    "                              [--zone FILE] [--log]\n";

static bool
parse(int argc, char **argv, struct stdio_run *o, bool *log)
{
	bool stdio = false;

	for (int i = 1; i < argc; i++) {
		const char **to = NULL;

		if (strcmp(argv[i], "--stdio") == 0)
			stdio = true;
		else if (strcmp(argv[i], "--log") == 0)
			*log = true;
		else if (strcmp(argv[i], "--zone") == 0)
			to = &o->zone;
		else if (strcmp(argv[i], "--peer") == 0)
			to = &o->peer;
		else if (strcmp(argv[i], "--config") == 0)
			to = &o->config;
		else if (strcmp(argv[i], "--listener") == 0)
			to = &o->listener;
		else if (strcmp(argv[i], "--spool") == 0)
			to = &o->spool;
		else
			return false;
		if (to && ++i == argc)
			return false;
		if (to)
			*to = argv[i];
	}
	return stdio;
}

int
verb_smtpd(int argc, char **argv)
{
	struct stdio_run o = { .in = STDIN_FILENO, .out = STDOUT_FILENO };
	bool log = false;
	int code;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return EX_OK;
	}
	if (!parse(argc, argv, &o, &log)) {
		(void)fputs(usage, stderr);
		return EX_USAGE;
	}
	code = stdio_prepare(&o);
	if (code != EX_OK)
		return code;
	log_threshold(log ? LOG_INFO : LOG_WARN);
	return stdio_run(&o);
}
