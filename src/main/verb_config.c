/* SPDX-License-Identifier: ISC */
/*
 * verb_config: `postern config show` prints every effective value and where it comes from,
 * `postern config manual` prints postern.conf(5).
 */
#include <stdio.h>
#include <string.h>

#include "conf/print.h"
#include "main/conf_load.h"
#include "main/verb.h"
#include "main/verb_json.h"

enum { EX_CONFIG_ = 78 };

static const char usage_text[] =
    "config show [--config F] [--json]\n       postern config manual\n";

static int
usage(FILE *to)
{
	(void)fprintf(to, "usage: postern %s", usage_text);
	return to == stdout ? 0 : 64;
}

int
verb_config(int argc, char **argv)
{
	const char *what = NULL, *file = NULL;
	bool json = false;
	struct buf b;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			file = argv[++i];
		else if (strcmp(argv[i], "--help") == 0)
			return usage(stdout);
		else if (what == NULL && argv[i][0] != '-')
			what = argv[i];
		else
			return usage(stderr);
	}
	if (what == NULL || (strcmp(what, "show") != 0 && strcmp(what, "manual") != 0))
		return usage(stderr);
	buf_init(&b, 64 << 20);
	if (strcmp(what, "manual") == 0) {
		config_manual(&b);
	} else {
		struct config *cfg = conf_load(file, stderr);

		if (cfg == NULL)
			return EX_CONFIG_;
		if (json)
			config_print_json(cfg, &b);
		else
			config_print(cfg, &b);
		config_free(cfg);
	}
	(void)fwrite(b.p, 1, b.n, stdout);
	buf_done(&b);
	return 0;
}
