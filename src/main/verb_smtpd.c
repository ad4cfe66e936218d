/* SPDX-License-Identifier: ISC */
/*
 * verb_smtpd: `postern smtpd --stdio`: one SMTP session on standard input and output.
 *
 * For trying a configuration and for test suites.  Tables are read once; what is accepted goes
 * into a spool of its own, a temporary one unless --spool names a directory that is nobody else's.
 * The configuration's `test` block may have each accepted message written to a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dns/zone.h"
#include "main/conf_load.h"
#include "main/verb.h"
#include "route/ask.h"
#include "rt/disk.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "rt/work.h"
#include "smtpd/inhouse.h"
#include "smtpd/pipes.h"
#include "smtpd/recipient.h"
#include "smtpd/smtpd.h"
#include "table/sources.h"

static const char usage[] =
    "usage: postern smtpd --stdio [--peer IP] [--listener NAME] [--config FILE] [--spool DIR]\n"
    "                              [--zone FILE] [--log]\n";

struct stdio {
	const char *config, *peer, *listener, *spool, *zone;
	bool stdio, log;
	struct dns_zone *dns;		/* instead of the network */
	struct config *cfg;
	struct route route;
	struct visit visit;
	char temporary[64];
	int code;
};

static bool
parse(int argc, char **argv, struct stdio *o)
{
	for (int i = 1; i < argc; i++) {
		const char **to = NULL;

		if (strcmp(argv[i], "--stdio") == 0)
			o->stdio = true;
		else if (strcmp(argv[i], "--log") == 0)
			o->log = true;
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
	return o->stdio;
}

static const struct listener *
find_listener(const struct stdio *o)
{
	for (size_t i = 0; i < o->cfg->nlistener; i++) {
		const struct listener *l = &o->cfg->listener[i];

		if (o->listener ? str_eq(l->name, str_of(o->listener)) : l->kind == L_MX)
			return l;
	}
	return NULL;
}

static bool
read_tables(struct stdio *o)
{
	struct conf_errors errs = {};
	struct sources all = {};
	int fd;

	o->route.cfg = o->cfg;
	sources_of(&all, o->cfg);
	(void)sources_look(&all, &errs);
	for (size_t i = 0; i < errs.n; i++)
		(void)fprintf(stderr, "postern: " STR_F "\n", STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	fd = sources_image(&all);
	sources_done(&all);
	return fd >= 0 && tables_take(&o->route.tables, fd, 1);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void
open_accepted(const struct stdio *o, struct smtpd *srv)
{
	struct str path = o->cfg->test.accepted_file;
	char *z = path.n ? strndup(path.p, path.n) : NULL;

	if (z)
		srv->accepted_fd = open(z, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	free(z);
}

static void
session_run(void *arg)
{
	struct stdio *o = arg;
	int dir = disk_opendir(o->spool ? o->spool : o->temporary);
	struct inhouse *spool = dir >= 0 ? inhouse_new(dir) : NULL;
	struct smtpd_ops ops = recipient_ops(&o->route);
	struct smtpd *srv;

	o->code = EX_CANTCREAT;
	if (!spool) {
		(void)fprintf(stderr, "postern: cannot write the spool directory\n");
		return;
	}
	ops.dns = o->dns ? dns_zone_ops(o->dns) : NULL;
	srv = smtpd_new(o->cfg, inhouse_writer(spool), &ops);
	open_accepted(o, srv);
	o->visit.srv = srv;
	o->visit.c = conn_over(pipes_new(STDIN_FILENO, STDOUT_FILENO));
	smtpd_visit(&o->visit);
	smtpd_free(srv);
	inhouse_free(spool);
	(void)disk_close(dir);
	o->code = EX_OK;
}

/* Names from a file, and no program beside this one is asked anything. */
static bool
zone_open(struct stdio *o)
{
	struct dns_zone_error err = {};
	struct buf text;
	FILE *f = fopen(o->zone, "re");
	size_t n = 1;

	buf_init(&text, 4 << 20);
	while (f && n > 0) {
		char *to = buf_reserve(&text, 4096);

		n = to ? fread(to, 1, 4096, f) : 0;
		buf_add(&text, n);
	}
	if (f)
		(void)fclose(f);
	o->dns = f ? dns_zone_new(buf_str(&text), &err) : NULL;
	if (!o->dns)
		(void)fprintf(stderr, "postern: %s:%u: %s\n", o->zone, err.line, err.what);
	buf_done(&text);
	o->cfg->nfilter = 0;
	return o->dns != NULL;
}

static int
prepare(struct stdio *o)
{
	o->cfg = conf_load(o->config, stderr);
	if (!o->cfg || (o->zone && !zone_open(o)))
		return EX_CONFIG;
	o->visit.listener = find_listener(o);
	if (!o->visit.listener) {
		(void)fprintf(stderr, "postern: the configuration has no such listener\n");
		return EX_CONFIG;
	}
	o->visit.patient = true;
	o->visit.server_ip = o->visit.listener->ip;
	o->visit.have_ip = o->peer != NULL;
	if (o->peer && !ip_parse(str_of(o->peer), &o->visit.ip))
		return EX_USAGE;
	if (!o->peer) {
		o->visit.have_uid = true;
		o->visit.uid = getuid();
	}
	(void)snprintf(o->temporary, sizeof(o->temporary), "/tmp/postern-stdio-XXXXXX");
	if (!o->spool && !mkdtemp(o->temporary))
		return EX_CANTCREAT;
	return EX_OK;
}

int
verb_smtpd(int argc, char **argv)
{
	struct stdio o = {};
	int code;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return EX_OK;
	}
	if (!parse(argc, argv, &o)) {
		(void)fputs(usage, stderr);
		return EX_USAGE;
	}
	code = prepare(&o);
	if (code != EX_OK)
		return code;
	log_threshold(o.log ? LOG_INFO : LOG_WARN);
	loop_init();
	work_init(1);
	if (!read_tables(&o) || !co_spawn("stdio", session_run, &o))
		return EX_TEMPFAIL;
	loop_run();
	work_done();
	loop_done();
	if (!o.spool)
		(void)nftw(o.temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	tables_done(&o.route.tables);
	dns_zone_free(o.dns);
	config_free(o.cfg);
	return o.code;
}
