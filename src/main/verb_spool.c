/* SPDX-License-Identifier: ISC */
/*
 * verb_spool: `postern spool check [--dir DIR | --config FILE] [--json]`: is the spool sound?
 *
 * Reads only.  Meant for a stopped server; beside a running one a commit in flight may look like a
 * torn end.  Exit: 0 sound, 65 damaged, 66 cannot be read, 64 usage, 78 configuration.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "conf/config.h"
#include "main/conf_load.h"
#include "main/verb.h"
#include "rt/disk.h"
#include "spool/check.h"

static const char usage[] =
    "usage: postern spool check [--dir DIR | --config FILE] [--json]\n";

struct spool_args {
	const char *dir, *config;
	bool json;
};

static bool
parse(int argc, char **argv, struct spool_args *out)
{
	if (argc < 2 || strcmp(argv[1], "check") != 0)
		return false;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			out->json = true;
		else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
			out->dir = argv[++i];
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			out->config = argv[++i];
		else
			return false;
	}
	return true;
}

static void
print_text(const struct spool_check *c)
{
	(void)printf("%llu files, %llu records, %llu messages, %llu journal entries\n",
	    (unsigned long long)c->files, (unsigned long long)c->records,
	    (unsigned long long)c->messages, (unsigned long long)c->journal_entries);
	if (c->unreachable)
		(void)printf("%llu records behind an end: a commit that was not finished\n",
		    (unsigned long long)c->unreachable);
	if (c->strange)
		(void)printf("%llu names that do not belong here\n",
		    (unsigned long long)c->strange);
	(void)printf("%llu damaged: %s\n", (unsigned long long)c->damaged,
	    c->damaged ? "not sound" : "sound");
}

static int
check(int fd, const struct spool_args *args)
{
	struct spool_check c;
	struct buf json;
	bool ok;

	buf_init(&json, 256 << 20);
	ok = spool_check(fd, &c, args->json ? &json : NULL);
	if (ok && args->json)
		(void)fwrite(json.p, 1, json.n, stdout);
	else if (ok)
		print_text(&c);
	buf_done(&json);
	if (!ok)
		return EX_NOINPUT;
	return c.damaged ? EX_DATAERR : 0;
}

static const char *
path_of(struct str s)
{
	static char path[4096];

	(void)snprintf(path, sizeof path, STR_F, STR_A(s));
	return path;
}

int
verb_spool(int argc, char **argv)
{
	struct spool_args args = {};
	struct config *cfg = NULL;
	int fd, code;

	if (!parse(argc, argv, &args)) {
		(void)fputs(usage, stderr);
		return EX_USAGE;
	}
	if (!args.dir) {
		cfg = conf_load(args.config, stderr);
		if (!cfg)
			return EX_CONFIG;
		args.dir = path_of(cfg->spool_dir);
	}
	fd = disk_opendir(args.dir);
	if (fd < 0) {
		(void)fprintf(stderr, "postern: %s: cannot be opened\n", args.dir);
		code = EX_NOINPUT;
	} else {
		code = check(fd, &args);
		(void)disk_close(fd);
	}
	if (cfg)
		config_free(cfg);
	return code;
}
