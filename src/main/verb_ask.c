/* SPDX-License-Identifier: ISC */
/*
 * verb_ask: see verb_ask.h.
 */
#include "main/verb_ask.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/num.h"
#include "dns/direct.h"
#include "dns/zone.h"
#include "main/conf_load.h"
#include "main/verb_json.h"
#include "rt/clock.h"
#include "rt/loop.h"

enum { MEMORY = 512 << 20, ZONE_MAX = 64 << 20 };

bool
verb_ask_option(struct verb_ask *v, int argc, char **argv, int *i)
{
	const char *o = argv[*i], *value = *i + 1 < argc ? argv[*i + 1] : NULL;

	if (!value)
		return false;
	if (strcmp(o, "--zone") == 0)
		v->zone = value;
	else if (strcmp(o, "--config") == 0)
		v->config = value;
	else if (strcmp(o, "--now") == 0 && num_parse_i64(str_of(value), &v->now_s))
		v->has_now = true;
	else
		return false;
	++*i;
	return true;
}

static const struct dns_ops *
zone_ops(const char *file)
{
	FILE *f = fopen(file, "re");
	struct dns_zone_error err;
	struct dns_zone *z;
	struct buf b;
	char *to;

	if (!f) {
		perror(file);
		return NULL;
	}
	buf_init(&b, ZONE_MAX);
	while ((to = buf_reserve(&b, 65536)) != NULL) {
		size_t n = fread(to, 1, 65536, f);

		if (n == 0)
			break;
		buf_add(&b, n);
	}
	(void)fclose(f);
	z = dns_zone_new(buf_str(&b), &err);
	buf_done(&b);
	if (!z)
		(void)fprintf(stderr, "%s:%u: %s\n", file, err.line, err.what);
	return z ? dns_zone_ops(z) : NULL;
}

static const struct dns_ops *
live_ops(const struct config *cfg)
{
	const char *why;
	struct dns_direct *d = dns_direct_new(&cfg->dns, &why);

	if (!d)
		(void)fprintf(stderr, "postern: dns: %s\n", why);
	return d ? dns_direct_ops(d) : NULL;
}

struct run {
	struct verb_ask *v;
	void (*body)(struct verb_ask *v);
};

static void
verb_co(void *arg)
{
	struct run *r = arg;

	r->v->dns.deadline = deadline_in(TRUST_MS);
	r->body(r->v);
	loop_stop();
}

int
verb_ask_run(struct verb_ask *v, void (*body)(struct verb_ask *v))
{
	struct run r = { v, body };

	if (v->config || (!v->zone && access(CONF_DEFAULT_FILE, R_OK) == 0))
		v->cfg = conf_load(v->config, stderr);
	else
		v->cfg = config_minimal("localhost", "localhost");
	if (!v->cfg)
		return EX_CONFIG;
	loop_init();
	arena_init(&v->a, MEMORY);
	if (!v->has_now)
		v->now_s = wall_ms() / 1000;
	v->dns = (struct trust_dns){ .queries_max = TRUST_QUERIES_MAX };
	v->dns.ops = v->zone ? zone_ops(v->zone) : live_ops(v->cfg);
	if (!v->dns.ops)
		return EX_CONFIG;
	if (!co_spawn("verb", verb_co, &r))
		return EX_OSERR;
	loop_hold();
	loop_run();
	return v->answer ? verb_json_end(v->answer) : v->status;
}
