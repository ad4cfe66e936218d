/* SPDX-License-Identifier: ISC */
/*
 * log_find: see log_find.h.
 */
#include "main/log_find.h"

#include <stdlib.h>
#include <string.h>

#include "main/conf_load.h"

bool
log_names(struct str line, struct str id)
{
	struct str rest = line;

	for (;;) {
		ssize_t at = str_find(rest, id);
		char before, after;

		if (at == -1)
			return false;
		before = at > 0 ? rest.p[at - 1] : ' ';
		rest = str_skip(rest, (size_t)at + id.n);
		after = rest.n > 0 ? rest.p[0] : ' ';
		if ((before == '=' || before == '"') &&
		    (after == ' ' || after == '\n' || after == '"'))
			return true;
	}
}

FILE *
log_open(const char *config, const char *path)
{
	struct config *cfg = path ? NULL : conf_load(config, stderr);
	char *z = path ? strdup(path) : NULL;
	FILE *log = stdin;

	if (cfg && cfg->log.path.n)
		z = strndup(cfg->log.path.p, cfg->log.path.n);
	if (z)
		log = fopen(z, "re");
	else if (!cfg)
		log = NULL;
	if (!log && z)
		(void)fprintf(stderr, "postern: %s cannot be read\n", z);
	free(z);
	config_free(cfg);
	return log;
}
