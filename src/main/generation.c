/* SPDX-License-Identifier: ISC */
/*
 * generation: one checked configuration and the roles that run by it.
 *
 * The text is read once, parsed here to learn whether it is good, and handed to every role as a
 * sealed memfd: all see the same bytes even if the file changes meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "main/keeper.h"
#include "main/papers.h"
#include "policy/decide.h"

enum { CONFIG_MAX = 16 << 20 };

static bool
read_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd == -1)
		return false;
	while (n > 0) {
		char *to = buf_reserve(b, 65536);

		n = to ? read(fd, to, 65536) : -1;
		if (n > 0)
			buf_add(b, (size_t)n);
	}
	close(fd);
	return n == 0;
}

static int
sealed(struct str text)
{
	int fd = memfd_create("postern.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	for (size_t at = 0; at < text.n; ) {
		ssize_t n = write(fd, text.p + at, text.n - at);

		if (n <= 0) {
			close(fd);
			return -1;
		}
		at += (size_t)n;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return fd;
}

static struct str
list_mistakes(const char *file, const struct conf_errors *errs)
{
	struct buf b;

	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < errs->n; i++)
		buf_putf(&b, "%s:%u:%u: " STR_F "\n", file, errs->e[i].line, errs->e[i].col,
		    STR_A(errs->e[i].text));
	return buf_str(&b);
}

/* Without a mistake in the file, but with one around it: the text is the caller's to free. */
static struct str
cannot_read(const char *file)
{
	struct buf b;

	buf_init(&b, 8192);
	buf_putf(&b, "%s: cannot be read (errno %d): give its path with --config\n", file, errno);
	return buf_str(&b);
}

/* Of a text that was read; NULL: it has mistakes. */
static struct generation *
make(struct keeper *k, struct str text, struct conf_errors *errs)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (!g)
		abort();
	g->cfg = config_parse(text, k->config_file, errs);
	if (g->cfg && !policy_check(g->cfg, errs)) {
		config_free(g->cfg);
		g->cfg = NULL;
	}
	if (!g->cfg) {
		free(g);
		return NULL;
	}
	g->cfg_fd = sealed(text);
	g->workers = role_count(g->cfg, ROLE_SMTPD);
	g->sockets = MAX(g->workers, k->gen ? k->gen->sockets : 0);
	g->listen = calloc(g->sockets * g->cfg->nlistener + 1, sizeof(*g->listen));
	if (!g->listen || g->cfg_fd == -1)
		abort();
	for (size_t i = 0; i <= g->sockets * g->cfg->nlistener; i++)
		g->listen[i] = -1;
	g->number = ++k->generations;
	list_push(&k->gens, &g->link);
	return g;
}

struct generation *
generation_load(struct keeper *k, struct str *mistakes)
{
	struct generation *g = NULL;
	struct conf_errors errs = {};
	struct buf text;

	buf_init(&text, CONFIG_MAX);
	*mistakes = (struct str){};
	if (!read_file(k->config_file, &text))
		*mistakes = cannot_read(k->config_file);
	else if (!(g = make(k, buf_str(&text), &errs)))
		*mistakes = list_mistakes(k->config_file, &errs);
	conf_errors_done(&errs);
	buf_done(&text);
	return g;
}

struct generation *
generation_again(struct keeper *k)
{
	struct generation *g = NULL;
	struct conf_errors errs = {};
	off_t n = lseek(k->gen->cfg_fd, 0, SEEK_END);
	char *text = n <= 0 ? MAP_FAILED :
	    mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, k->gen->cfg_fd, 0);

	if (text != MAP_FAILED) {
		g = make(k, str_from(text, (size_t)n), &errs);
		munmap(text, (size_t)n);
	}
	conf_errors_done(&errs);
	return g;
}

void
generation_free(struct keeper *k, struct generation *g)
{
	list_remove(&g->link);
	papers_free(g);
	close(g->cfg_fd);
	free(g->listen);
	config_free(g->cfg);
	free(g);
	listen_sweep(k);
}
