/* SPDX-License-Identifier: ISC */
/*
 * conf_load: see conf_load.h.
 */
#include "main/conf_load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "policy/decide.h"

enum { FILE_MAX = 16 << 20 };

static bool
read_file(const char *path, struct buf *b, FILE *errors)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd != -1) {
		char *to = buf_reserve(b, 65536);

		n = to != NULL ? read(fd, to, 65536) : -1;
		if (n == -1 && to != NULL && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_add(b, (size_t)n);
	}
	if (fd == -1 || n == -1) {
		char text[128];

		(void)fprintf(errors, "%s: %s\n", path, strerror_r(errno, text, sizeof text));
	}
	if (fd != -1)
		(void)close(fd);
	return fd != -1 && n == 0;
}

struct config *
conf_load(const char *path, FILE *errors)
{
	struct config *cfg = NULL;
	struct conf_errors errs = {};
	static char whole[PATH_MAX];
	struct buf b;

	if (path == NULL)
		path = CONF_DEFAULT_FILE;
	if (realpath(path, whole) != NULL)
		path = whole;		/* so that relative paths in it mean the same everywhere */
	buf_init(&b, FILE_MAX);
	if (read_file(path, &b, errors)) {
		cfg = config_parse(buf_str(&b), path, &errs);
		if (cfg != NULL && !policy_check(cfg, &errs)) {
			config_free(cfg);
			cfg = NULL;
		}
		for (size_t i = 0; i < errs.n; i++)
			(void)fprintf(errors, "%s:%u:%u: " STR_F "\n", path, errs.e[i].line,
			    errs.e[i].col, STR_A(errs.e[i].text));
	}
	conf_errors_done(&errs);
	buf_done(&b);
	return cfg;
}

static char *
below(struct str dir, const char *name)
{
	size_t n = dir.n + strlen(name) + 2;
	char *p = malloc(n);

	if (p != NULL)
		(void)snprintf(p, n, STR_F "/%s", STR_A(dir), name);
	return p;
}

bool
conf_local_places(const struct config *cfg, const char **sock, const char **drop)
{
	*sock = NULL;
	for (size_t i = 0; i < cfg->nlistener && *sock == NULL; i++)
		if (cfg->listener[i].kind == L_LOCAL)
			*sock = strndup(cfg->listener[i].path.p, cfg->listener[i].path.n);
	if (*sock == NULL)
		*sock = below(cfg->run_dir, "submit.sock");
	*drop = below(cfg->spool_dir, "drop");
	return *sock != NULL && *drop != NULL;
}
