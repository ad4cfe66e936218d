/* SPDX-License-Identifier: ISC */
/*
 * stdio_run: see stdio_run.h.
 */
#include "main/stdio_run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/errors.h"
#include "dns/direct.h"
#include "dns/zone.h"
#include "main/conf_load.h"
#include "main/proof_run.h"
#include "rt/disk.h"
#include "rt/loop.h"
#include "rt/work.h"
#include "smtpd/inhouse.h"
#include "smtpd/pipes.h"
#include "smtpd/recipient.h"

static const struct listener *
find_listener(const struct stdio_run *o)
{
	for (size_t i = 0; i < o->cfg->nlistener; i++) {
		const struct listener *l = &o->cfg->listener[i];

		if (o->listener ? str_eq(l->name, str_of(o->listener)) : l->kind == L_MX)
			return l;
	}
	return NULL;
}

static void
read_tables(struct stdio_run *o)
{
	struct conf_errors errs = {};

	proof_tables(&o->route.tables, o->cfg, &errs);
	for (size_t i = 0; i < errs.n; i++)
		(void)fprintf(stderr, "postern: " STR_F "\n", STR_A(errs.e[i].text));
	conf_errors_done(&errs);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void
open_accepted(const struct stdio_run *o, struct smtpd *srv)
{
	struct str path = o->cfg->test.accepted_file;
	char *z = path.n ? strndup(path.p, path.n) : NULL;

	if (z)
		srv->accepted_fd = open(z, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	free(z);
}

static const struct dns_ops *
live_ops(const struct stdio_run *o)
{
	const char *why;
	struct dns_direct *d = dns_direct_new(&o->cfg->dns, &why);

	if (!d)
		(void)fprintf(stderr, "postern: dns: %s\n", why);
	return d ? dns_direct_ops(d) : NULL;
}

static void
stdio_co(void *arg)
{
	struct stdio_run *o = arg;
	int dir = disk_opendir(o->spool ? o->spool : o->temporary);
	struct inhouse *spool = dir >= 0 ? inhouse_new(dir) : NULL;
	struct smtpd_ops ops = recipient_ops(&o->route);
	struct smtpd *srv;

	o->code = EX_CANTCREAT;
	if (!spool) {
		(void)fprintf(stderr, "postern: cannot write the spool directory\n");
		return;
	}
	ops.dns = o->dns ? dns_zone_ops(o->dns) : o->live ? live_ops(o) : NULL;
	srv = smtpd_new(o->cfg, inhouse_writer(spool), &ops);
	open_accepted(o, srv);
	o->visit.srv = srv;
	o->visit.c = conn_over(pipes_new(o->in, o->out));
	smtpd_visit(&o->visit);
	smtpd_free(srv);
	inhouse_free(spool);
	(void)disk_close(dir);
	o->code = EX_OK;
	if (o->live)
		loop_stop();
}

/* Names from a file, and no program beside this one is asked anything. */
static bool
zone_open(struct stdio_run *o)
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

int
stdio_prepare(struct stdio_run *o)
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
stdio_run(struct stdio_run *o)
{
	loop_init();
	work_init(1);
	o->route.cfg = o->cfg;
	read_tables(o);
	if (!co_spawn("stdio", stdio_co, o))
		return EX_TEMPFAIL;
	loop_run();
	work_done();
	loop_done();
	if (!o->spool)
		(void)nftw(o->temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	tables_done(&o->route.tables);
	dns_zone_free(o->dns);
	config_free(o->cfg);
	return o->code;
}
