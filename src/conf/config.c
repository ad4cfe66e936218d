/* SPDX-License-Identifier: ISC */
/*
 * config: from text to snapshot.
 *
 * Defaults first, then the statements in the order of the file, then the checks over everything.
 * A snapshot is given out only when no mistake was found.  Memory: one heap block for the struct's
 * arena; config_free ends it all.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "conf/settings.h"
#include "conf/value.h"

enum { TEXT_MAX = 8 << 20, MEMORY_MAX = 512 << 20 };

static struct config *
config_new(const char *file)
{
	struct arena *a = calloc(1, sizeof *a);
	struct config *cfg;

	if (a == NULL)
		abort();
	arena_init(a, MEMORY_MAX);
	cfg = arena_zalloc(a, sizeof *cfg);
	if (cfg == NULL)
		abort();
	cfg->memory = a;
	cfg->file = str_dup(a, str_of(file));
	cfg->origins = arena_zalloc(a, sizeof *cfg->origins);
	cfg->domain_index = calloc(1, sizeof *cfg->domain_index);
	if (cfg->origins == NULL || cfg->domain_index == NULL)
		abort();
	return cfg;
}

void
config_free(struct config *cfg)
{
	if (cfg == NULL)
		return;

	struct arena *a = cfg->memory;

	map_done(cfg->domain_index);
	free(cfg->domain_index);
	arena_done(a);
	free(a);
}

static size_t
count_of(const struct node *n, struct str name)
{
	size_t count = 0;

	for (; n != NULL; n = n->next)
		count += str_eq(n->word[0].s, name);
	return count;
}

/* Listeners, domains and filters are arrays of final place: settings remember their address. */
static bool
make_room(struct reader *r, const struct node *n)
{
	struct config *cfg = r->cfg;

	cfg->listener = arena_zalloc(r->a, (count_of(n,
	    STR("listen")) + 1) * sizeof *cfg->listener);
	cfg->domain = arena_zalloc(r->a, (count_of(n,
	    STR("domain")) + 1) * sizeof *cfg->domain);
	cfg->filter = arena_zalloc(r->a, (count_of(n, STR("milter")) +
	    count_of(n, STR("policy-service")) + 1) * sizeof *cfg->filter);
	return cfg->listener != NULL && cfg->domain != NULL && cfg->filter != NULL;
}

static void
defaults(struct reader *r)
{
	struct config *cfg = r->cfg;

	block_defaults(r, &block_top, cfg);
	block_defaults(r, &block_limits, &cfg->lim);
	block_defaults(r, &block_dns, &cfg->dns);
	block_defaults(r, &block_log, &cfg->log);
	block_defaults(r, &block_senders, &cfg->senders);
	block_defaults(r, &block_test, &cfg->test);
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		cfg->role[i] = (struct role_id){ ROLE_UID_BASE + i, ROLE_UID_BASE + i };
	cfg->role[ROLE_KEEPER] = (struct role_id){};
	cfg->origins->first = NULL;
}

struct config *
config_parse(struct str text, const char *file, struct conf_errors *errs)
{
	struct config *cfg = config_new(file);
	struct reader r = { .cfg = cfg, .a = cfg->memory, .errs = errs };
	ssize_t slash = str_rchr(cfg->file, '/');
	size_t before = errs->n;

	if (slash > 0)
		r.dir = str_sub(cfg->file, 0, (size_t)slash);
	if (text.n > TEXT_MAX) {
		conf_error_add(errs, 0, 0, "file too big (8 MiB)");
		config_free(cfg);
		return NULL;
	}
	defaults(&r);

	struct node *n = lex_parse(str_dup(r.a, text), r.a, errs);

	if (make_room(&r, n)) {
		cfg->test.on = count_of(n, STR("test")) > 0;
		block_read(&r, &block_top, n, cfg);
		config_check(&r);
	} else {
		conf_error_add(errs, 0, 0, "configuration too big");
	}
	conf_errors_sort(errs);
	if (errs->n > before) {
		config_free(cfg);
		return NULL;
	}
	return cfg;
}

struct config *
config_minimal(const char *hostname, const char *domain)
{
	struct conf_errors errs = {};
	char text[1024];

	(void)snprintf(text, sizeof text,
	    "hostname %s\nlisten mx 127.0.0.1:2525\n"
	    "domain %s { users none; catch-all postmaster; deliver discard }\ntest { }\n",
	    hostname, domain);
	struct config *cfg = config_parse(str_of(text), "minimal", &errs);

	for (size_t i = 0; i < errs.n; i++)
		(void)fprintf(stderr, STR_F "\n", STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	if (cfg == NULL)
		abort();
	return cfg;
}

const struct domain *
config_domain(const struct config *cfg, struct str name)
{
	char low[256];

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > sizeof low)
		return NULL;
	for (size_t i = 0; i < name.n; i++)
		low[i] = ascii_lower(name.p[i]);
	return map_get(cfg->domain_index, (struct str){ low, name.n });
}

bool
nets_have(const struct nets *nets, const struct ip *ip)
{
	for (size_t i = 0; i < nets->n; i++)
		if (net_has(nets->net[i], *ip))
			return true;
	return false;
}
