/* SPDX-License-Identifier: ISC */
/*
 * papers: see papers.h.
 */
#include "main/papers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "table/file.h"
#include "tls/check.h"
#include "tls/provider.h"

enum { PAPER_MAX = 4 << 20, WATCH_MS = 2000, CHECK_MS = 10'000, CHECK_FAILED = 100 };

/* ---- copies ---- */

/* Changes whenever the file is replaced or written; 0: it is not there. */
static uint64_t
stamp_of(const char *path)
{
	struct stat st;
	uint64_t h = 1469598103934665603u;
	uint64_t parts[5];

	if (stat(path, &st) == -1)
		return 0;
	parts[0] = (uint64_t)st.st_mtim.tv_sec;
	parts[1] = (uint64_t)st.st_mtim.tv_nsec;
	parts[2] = (uint64_t)st.st_ino;
	parts[3] = (uint64_t)st.st_size;
	parts[4] = (uint64_t)st.st_dev;
	for (size_t i = 0; i < COUNT(parts); i++)
		h = (h ^ parts[i]) * 1099511628211u;
	return h | 1;
}

/* A sealed copy that never passes through our memory; -1. */
static int
copy_of(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int to = from == -1 ? -1 : memfd_create("paper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n = 1;

	for (size_t all = 0; to != -1 && n > 0; all += (size_t)n) {
		n = all < PAPER_MAX ? sendfile(to, from, NULL, PAPER_MAX) : -1;
		if (n < 0) {
			close(to);
			to = -1;
		}
	}
	if (from != -1)
		close(from);
	if (to != -1)
		(void)fcntl(to, F_ADD_SEALS,
		    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return to;
}

static struct paper *
paper_find(const struct generation *g, const char *name)
{
	for (struct paper *p = g->paper; p; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static void
paper_add(struct generation *g, const char *kind, struct str path)
{
	size_t k = strlen(kind);
	char *name = malloc(k + path.n + 1);
	struct paper *p = calloc(1, sizeof(*p));

	if (!name || !p)
		abort();
	memcpy(name, kind, k);
	if (path.n > 0)
		memcpy(name + k, path.p, path.n);
	name[k + path.n] = '\0';
	if (path.n == 0 || paper_find(g, name)) {
		free(name);
		free(p);
		return;
	}
	*p = (struct paper){ .name = name, .path = name + k, .next = g->paper };
	p->stamp = stamp_of(p->path);
	p->fd = copy_of(p->path);
	g->paper = p;
}

void
papers_free(struct generation *g)
{
	while (g->paper) {
		struct paper *p = g->paper;

		g->paper = p->next;
		if (p->fd != -1)
			close(p->fd);
		free(p->name);
		free(p);
	}
}

/* ---- the check, in a child ---- */

static bool
read_paper(void *ctx, const char *name, struct buf *out)
{
	const struct paper *p = paper_find(ctx, name);
	ssize_t n = 1;

	for (off_t at = 0; p && p->fd != -1 && n > 0; at += n) {
		char *to = buf_reserve(out, 16384);

		n = to ? pread(p->fd, to, 16384, at) : -1;
		if (n > 0)
			buf_add(out, (size_t)n);
	}
	return p && p->fd != -1 && n == 0;
}

/* One line a finding: level as a digit, then the text. */
static void
say(void *ctx, const struct tls_finding *f)
{
	char line[700];
	int n = snprintf(line, sizeof(line), "%d" STR_F ": " STR_F "\n", (int)f->level,
	    (int)MIN(f->path.n, (size_t)250), f->path.p, STR_A(f->text));

	if (n > 0)
		(void)!write(*(int *)ctx, line, MIN((size_t)n, sizeof(line) - 1));
}

static void
check_child(struct generation *g, int out)
{
	const struct role_id *id = &g->cfg->role[ROLE_VAULT];
	struct tls_checker c = {
		.say = say, .ctx = &out, .source = { .read = read_paper, .ctx = g },
		.now_s = time(NULL),
	};

	(void)signal(SIGTERM, SIG_DFL);
	if (geteuid() == 0 && (setresgid(id->gid, id->gid, id->gid) == -1 ||
	    setresuid(id->uid, id->uid, id->uid) == -1))
		_exit(CHECK_FAILED);
	if (!tls_init())
		_exit(CHECK_FAILED);
	_exit((int)tls_check(g->cfg, &c));
}

static void
read_findings(int fd, struct buf *out)
{
	int64_t until = deadline_in(CHECK_MS);
	ssize_t n = 1;

	while (n > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char *to = buf_reserve(out, 4096);

		clock_refresh();
		if (!to || poll(&p, 1, (int)MAX(until - now_ms(), (int64_t)0)) != 1)
			break;
		n = read(fd, to, 4096);
		if (n > 0)
			buf_add(out, (size_t)n);
	}
}

/* The worst level; CHECK_FAILED when the child did not come to an end. */
static int
check_copies(struct generation *g, struct buf *findings)
{
	int pair[2], status = 0;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) == -1)
		return CHECK_FAILED;
	pid = fork();
	if (pid == 0)
		check_child(g, pair[1]);
	close(pair[1]);
	if (pid > 0)
		read_findings(pair[0], findings);
	close(pair[0]);
	if (pid <= 0)
		return CHECK_FAILED;
	if (waitpid(pid, &status, WNOHANG) == 0) {
		struct timespec moment = { .tv_nsec = 50'000'000 };

		(void)nanosleep(&moment, NULL);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CHECK_FAILED;
}

/* ---- both ---- */

/* Keys that others could have read are no secrets; the text names the chmod. */
static bool
key_is_private(const char *path, struct buf *why)
{
	struct file_rules rules = { .secret = true };
	char *real = realpath(path, NULL);
	bool ok = !real || file_check(real, &rules, why) == FILE_OK;

	if (!ok && why->n > 0 && why->p[why->n - 1] != '\n')
		(void)buf_putc(why, '\n');
	free(real);
	return ok;
}

/* Findings at or above the level refuse are put into why, the others into the log. */
static void
sort_findings(struct str findings, enum tls_level refuse, struct buf *why)
{
	while (findings.n > 0) {
		struct str line = str_split(&findings, '\n');

		if (line.n < 2)
			continue;
		if (line.p[0] - '0' >= (int)refuse) {
			(void)buf_put(why, str_skip(line, 1));
			(void)buf_putc(why, '\n');
		} else {
			log_begin(LOG_WARN, "certificate");
			log_s("what", str_skip(line, 1));
			log_end();
		}
	}
}

static void
gather(struct generation *g)
{
	const struct config *cfg = g->cfg;

	for (size_t i = 0; i < cfg->ncert; i++) {
		paper_add(g, "chain:", cfg->cert[i].chain);
		paper_add(g, "secret:", cfg->cert[i].key);
	}
	paper_add(g, "secret:", cfg->auth.oauth.keys_file);
	for (size_t i = 0; i < cfg->nlistener; i++)
		paper_add(g, "ca:", cfg->listener[i].client_ca);
	for (size_t i = 0; i < cfg->ndomain; i++)
		for (size_t j = 0; j < cfg->domain[i].ndkim; j++)
			paper_add(g, "secret:", cfg->domain[i].dkim[j].file);
	for (const struct paper *p = g->paper; p; p = p->next)
		if (p->fd == -1) {
			log_begin(LOG_ERROR, "file_unreadable");
			log_s("path", str_of(p->path));
			log_end();
		}
}

bool
papers_load(struct generation *g, bool change, struct str *why)
{
	enum tls_level refuse = change ? TLS_UNNAMED : TLS_BAD;
	struct buf findings, wrong;
	bool private = true;
	int worst;

	gather(g);
	buf_init(&findings, 256 << 10);
	buf_init(&wrong, 256 << 10);
	for (size_t i = 0; i < g->cfg->ncert; i++) {
		char *z = strndup(g->cfg->cert[i].key.p, g->cfg->cert[i].key.n);

		private = z && key_is_private(z, &wrong) && private;
		free(z);
	}
	worst = g->paper ? check_copies(g, &findings) : 0;
	sort_findings(buf_str(&findings), refuse, &wrong);
	if (worst == CHECK_FAILED)
		(void)buf_puts(&wrong, "the certificates could not be checked\n");
	buf_done(&findings);
	*why = buf_str(&wrong);
	return private && worst < (int)refuse;
}

void
papers_give(struct child *c, void (*give)(struct child *c, const char *name, int fd))
{
	for (const struct paper *p = c->gen->paper; p; p = p->next) {
		bool secret = strncmp(p->name, "secret:", 7) == 0;

		if (p->fd != -1 && c->role == (secret ? ROLE_VAULT : ROLE_SMTPD))
			give(c, p->name, p->fd);
	}
}

/* ---- the watch ---- */

/* One number for the present state of all files; 0: as they were copied. */
static uint64_t
look(const struct generation *g)
{
	uint64_t h = 0;
	bool changed = false;

	for (const struct paper *p = g->paper; p; p = p->next) {
		uint64_t now = stamp_of(p->path);

		changed = changed || now != p->stamp;
		h = (h ^ now) * 1099511628211u;
	}
	return changed ? h | 1 : 0;
}

static void
on_watch(void *arg)
{
	struct keeper *k = arg;
	uint64_t now = k->gen && !k->reloading && !k->stopping ? look(k->gen) : 0;

	/* Several files change one after the other: act when they have come to rest. */
	if (now && now == k->papers_seen && now != k->papers_judged) {
		k->papers_judged = now;
		reload_papers(k);
	}
	k->papers_seen = now;
	timer_set(&k->papers, now_ms() + WATCH_MS, on_watch, k);
}

void
papers_watch(struct keeper *k)
{
	timer_set(&k->papers, now_ms() + WATCH_MS, on_watch, k);
}
