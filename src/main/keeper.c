/* SPDX-License-Identifier: ISC */
/*
 * keeper: `postern run`; see keeper.h for the picture.
 *
 * Orderly stop: workers finish and go, then the single roles (queue, pool) in that order, then the
 * helpers.  What does not go in time is killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/num.h"
#include "main/keeper.h"
#include "main/papers.h"
#include "main/proof_run.h"
#include "main/verb.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { EX_USAGE = 64, EX_OSERR = 71, EX_CONFIG = 78 };
enum { STOP_MS = 10'000, OLD_WORKERS_MS = 600'000, HELPER_MS = 5'000 };

/* ---- what is wanted, and what is ---- */

static void
drain_role(struct keeper *k, const struct generation *g, enum role_life life, int ms)
{
	LIST_EACH(l, &k->children) {
		struct child *c = CONTAINER_OF(l, struct child, link);

		if ((!g || c->gen == g) && role_def(c->role)->life == life)
			child_drain(c, ms);
	}
}

static size_t
count_life(const struct keeper *k, enum role_life life)
{
	size_t n = 0;

	LIST_EACH(l, &k->children)
		n += role_def(CONTAINER_OF(l, struct child, link)->role)->life == life;
	return n;
}

static void
settle_stop(struct keeper *k)
{
	struct child *queue = child_find(k, ROLE_QUEUE, 0, NULL);

	drain_role(k, NULL, LIFE_WORKER, STOP_MS);
	if (count_life(k, LIFE_WORKER) > 0)
		return;
	if (queue) {
		child_drain(queue, STOP_MS);
		if (child_find(k, ROLE_QUEUE, 0, NULL))
			return;
	}
	drain_role(k, NULL, LIFE_SINGLE, HELPER_MS);
	drain_role(k, NULL, LIFE_HELPER, HELPER_MS);
	if (list_empty(&k->children))
		loop_stop();
}

/* An older single role must end first: queue while its pool is still there, then pool. */
static void
hand_over(struct keeper *k, struct child *old, const struct generation *g)
{
	const struct child *queue = child_find(k, ROLE_QUEUE, 0, NULL);

	if (old->role != ROLE_POOL || !queue || queue->gen == g)
		child_drain(old, STOP_MS);
}

/* Start what the generation lacks. */
static void
start_missing(struct keeper *k, struct generation *g, bool singles)
{
	for (unsigned r = 0; r < ROLE_COUNT; r++) {
		enum role_kind role = (enum role_kind)r;
		bool single = role_def(role)->life == LIFE_SINGLE;

		if ((single && !singles) || (k->probe && !probe_wants(k, role)))
			continue;
		for (unsigned i = 0; i < (k->probe ? 1 : role_count(g->cfg, role)); i++) {
			struct child *c = child_find(k, role, i, single ? NULL : g);

			if (!c)
				child_start(k, g, role, i);
			else if (single && c->gen != g)
				hand_over(k, c, g);
		}
	}
}

static void
retire(struct keeper *k, struct generation *g)
{
	struct child *admin = child_find(k, ROLE_ADMIN, 0, g);

	drain_role(k, g, LIFE_WORKER, OLD_WORKERS_MS);
	if (admin)
		child_drain(admin, HELPER_MS);
	if (child_count(k, g, true) == 0)
		drain_role(k, g, LIFE_HELPER, HELPER_MS);
	if (child_count(k, g, false) == 0) {
		log_begin(LOG_INFO, "generation_ended");
		log_u("generation", g->number);
		log_end();
		generation_free(k, g);
	}
}

static bool
all_ready(const struct keeper *k)
{
	LIST_EACH(l, &k->children)
		if (CONTAINER_OF(l, struct child, link)->state != CHILD_READY)
			return false;
	return true;
}

static void
say_ready(struct keeper *k)
{
	k->ready_said = true;
	log_begin(LOG_INFO, "ready");
	log_s("hostname", k->gen->cfg->hostname);
	log_i("pid", getpid());
	log_end();
	notify("READY=1");
}

/* The roles that read the spool open its folders at start: pool must have made them once. */
static bool
spool_made(struct keeper *k)
{
	struct child *pool = child_find(k, ROLE_POOL, 0, NULL);

	if (!k->spool_made && role_count(k->gen->cfg, ROLE_POOL) > 0 && !k->probe) {
		if (!pool)
			child_start(k, k->gen, ROLE_POOL, 0);
		k->spool_made = pool && pool->state == CHILD_READY;
		return k->spool_made;
	}
	return true;
}

void
keeper_settle(struct keeper *k)
{
	if (k->stopping) {
		settle_stop(k);
		return;
	}
	if (!spool_made(k))
		return;
	start_missing(k, k->gen, true);
	if (k->coming)
		start_missing(k, k->coming, false);
	LIST_EACH(l, &k->gens) {
		struct generation *g = CONTAINER_OF(l, struct generation, link);

		if (g != k->gen && g != k->coming)
			retire(k, g);
	}
	if (!k->ready_said && all_ready(k))
		say_ready(k);
}

/* ---- ends ---- */

static void
on_kill_all(void *arg)
{
	struct keeper *k = arg;

	LIST_EACH(l, &k->children)
		child_kill(CONTAINER_OF(l, struct child, link));
}

void
keeper_stop(struct keeper *k, int within_ms)
{
	if (k->stopping) {			/* asked twice: at once */
		on_kill_all(k);
		return;
	}
	log_begin(LOG_INFO, "stopping");
	log_end();
	notify("STOPPING=1");
	k->stopping = true;
	listen_end();
	timer_set(&k->kill_all, now_ms() + within_ms, on_kill_all, k);
	LIST_EACH(l, &k->children) {		/* those that wait for a restart need not */
		struct child *c = CONTAINER_OF(l, struct child, link);

		if (c->state == CHILD_WAITING)
			child_drain(c, 0);
	}
	keeper_settle(k);
}

void
keeper_fail(struct keeper *k, int code)
{
	static const char text[] = "postern: a role does not start; the log says why\n";

	if (k->exit_code == 0)
		k->exit_code = code;
	(void)!write(2, text, sizeof(text) - 1);
	log_begin(LOG_ERROR, "start_failed");
	log_end();
	if (!k->stopping)
		keeper_stop(k, 2000);
}

static void
on_stop_signal(void *arg, int signo)
{
	(void)signo;
	keeper_stop(arg, 3 * STOP_MS);
}

static void
on_hup(void *arg, int signo)
{
	(void)signo;
	reload_start(arg, 0, 0);
}

static void
on_usr1(void *arg, int signo)
{
	struct keeper *k = arg;

	(void)signo;
	klog_reopen(k->gen->cfg);
}

/* ---- start ---- */

static int
complain(struct str text, int code)
{
	if (text.n)
		(void)!write(2, text.p, text.n);
	return code;
}

static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
prepare(struct keeper *k)
{
	struct str why;

	k->gen = generation_load(k, &why);
	if (!k->gen || !proof_apart(k->gen->cfg, false, &why))
		return complain(why, EX_CONFIG);
	raise_limits();
	loop_init();
	log_role("keeper", -1);
	if (!klog_open(k->gen->cfg, &why))
		return complain(why, EX_OSERR);
	log_format(k->gen->cfg->log.json ? LOG_JSON : LOG_LOGFMT);
	if (!papers_load(k->gen, false, &why))
		return complain(why, EX_CONFIG);
	if (!dirs_open(k, &why) || !listen_bind(k->gen, &why))
		return complain(why, EX_OSERR);
	/* Nobody we start may gain rights by exec; and our memory is no one's. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

static int
run(struct keeper *k)
{
	int rc = prepare(k);

	if (rc)
		return rc;
	loop_signal(SIGTERM, on_stop_signal, k);
	loop_signal(SIGINT, on_stop_signal, k);
	loop_signal(SIGHUP, on_hup, k);
	loop_signal(SIGUSR1, on_usr1, k);
	loop_hold();
	ipc_set_self(ROLE_KEEPER);
	keeper_settle(k);
	papers_watch(k);
	loop_run();
	log_begin(LOG_INFO, "stopped");
	log_end();
	dirs_close(k);
	LIST_EACH(l, &k->gens)
		generation_free(k, CONTAINER_OF(l, struct generation, link));
	klog_finish();
	return k->exit_code;
}

static int
usage(int fd, int code)
{
	static const char text[] =
	    "usage: postern run [--config FILE] [--foreground] [--sandbox-probe ROLE]\n"
	    "\n"
	    "Runs the server in the foreground until SIGTERM or SIGINT, which let it finish.\n"
	    "SIGHUP reloads the configuration, SIGUSR1 reopens the log file.\n"
	    "--sandbox-probe starts one role, lets it try what its sandbox forbids, prints\n"
	    "what it got as JSON and ends.\n";

	(void)!write(fd, text, sizeof(text) - 1);
	return code;
}

int
verb_run(int argc, char **argv)
{
	static struct keeper k = { .config_file = "/etc/postern/postern.conf", .spool = -1,
		.control = -1 };

	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (strcmp(argv[i], "--config") == 0 && more)
			k.config_file = argv[++i];
		else if (strcmp(argv[i], "--sandbox-probe") == 0 && more)
			k.probe = probe_new(argv[++i]);
		else if (strcmp(argv[i], "--help") == 0)
			return usage(1, 0);
		else if (strcmp(argv[i], "--foreground") != 0)
			return usage(2, EX_USAGE);
	}
	if (k.probe && !probe_known(k.probe)) {
		(void)!write(2, "postern run: no such role\n", 26);
		return EX_USAGE;
	}
	k.config_file = realpath(k.config_file, NULL) ?: k.config_file;
	k.root = geteuid() == 0;
	link_init(&k.gens);
	link_init(&k.children);
	return run(&k);
}
