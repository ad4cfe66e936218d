/* SPDX-License-Identifier: ISC */
/*
 * role_main: the life of a role process: be told who we are, close the sandbox, run the body.
 *
 * Order: control channel up to "go"; what libraries must read (setup); the sandbox's layers; work
 * threads; the filter; then the body, and the first byte from outside.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "main/keeper.h"
#include "main/sandbox.h"
#include "main/verb.h"
#include "rt/log.h"
#include "rt/work.h"

enum { FD_CTL = 3, FD_LOG = 4, LOG_DRAIN_MS = 200 };

static int exit_code = 70;
static enum role_kind me;

struct boot { struct role_env *env; bool ok; };

/* On the loop's stack: libraries may need much of it. */
static void
close_behind(void *arg)
{
	struct boot *b = arg;
	const struct role_def *def = role_def(b->env->role);

	tzset();			/* reads /etc/localtime */
	if (def->setup && !def->setup(b->env))
		return;
	if (!sandbox_enter(b->env))
		return;
	if (def->threads)
		work_init(def->threads);
	b->ok = sandbox_filter(b->env);
}

static void
boot_run(void *arg)
{
	struct boot b = { .env = role_env_open(FD_CTL, me) };

	(void)arg;
	if (!b.env) {
		loop_stop();
		return;
	}
	log_format(b.env->cfg->log.json ? LOG_JSON : LOG_LOGFMT);
	co_on_main(close_behind, &b);
	if (b.ok) {
		if (role_env_probe(b.env).n)
			probe_run(b.env);
		role_def(me)->run(b.env);
		exit_code = 0;
	}
	loop_stop();
}

int
role_main(const char *title)
{
	const char *blank = strchr(title, ' ');
	bool many;

	if (fcntl(FD_CTL, F_GETFD) == -1 || fcntl(FD_LOG, F_GETFD) == -1 ||
	    !role_of_name(title, &me) || !role_def(me)->run)
		return 64;
	(void)fcntl(FD_CTL, F_SETFD, FD_CLOEXEC);
	(void)fcntl(FD_LOG, F_SETFD, FD_CLOEXEC);
	loop_init();
	log_sink(FD_LOG);
	many = me == ROLE_SMTPD || me == ROLE_SMTPC;
	log_role(role_word(me), many && blank ? (int)strtol(blank + 1, NULL, 10) : -1);
	if (!co_spawn("boot", boot_run, NULL))
		return 71;
	loop_hold();
	loop_run();
	log_drain(LOG_DRAIN_MS);
	/* No tidying up: exit handlers of libraries have no business in a sandbox. */
	_exit(exit_code);
}
