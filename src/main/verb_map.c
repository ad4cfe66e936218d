/* SPDX-License-Identifier: ISC */
/*
 * verb_map: `postern map check`: what a table file says about an address, by the very look-ups the
 * server uses.
 *
 * The file is read as it would be by lookup; mistakes in it go to standard error and make exit 65.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/errors.h"
#include "conf/value.h"
#include "main/verb.h"
#include "main/verb_json.h"
#include "route/expand.h"
#include "table/access.h"

enum { EX_DATAERR_ = 65, EX_SOFTWARE_ = 70 };

static const char usage_text[] =
    "map check --aliases|--virtusertable|--mailertable FILE\n"
    "                   --check alias|virtuser|route --local-domain D [--address A] [--domain D]\n"
    "       postern map check --access FILE --check connect|from|to --local-domain D\n"
    "                   [--ip I] [--host N] [--host-verified false] [--address A]\n";

static int
usage(FILE *to)
{
	(void)fprintf(to, "usage: postern %s", usage_text);
	return to == stdout ? 0 : 64;
}

struct question {
	enum table_kind kind;
	const char *file, *check, *local_domain, *address, *domain, *ip, *host;
	bool forged;			/* the host's name is not verified */
	struct tables tables;
	struct arena a;
};

static bool
take_option(struct question *q, const char *name, const char *value)
{
	static const struct { const char *name; enum table_kind kind; } tables[] = {
		{ "--aliases", TABLE_ALIASES }, { "--virtusertable", TABLE_VIRTUSERS },
		{ "--mailertable", TABLE_ROUTES }, { "--access", TABLE_ACCESS },
	};

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (strcmp(name, tables[i].name) == 0) {
			q->kind = tables[i].kind;
			q->file = value;
			return true;
		}
	if (strcmp(name, "--check") == 0)
		q->check = value;
	else if (strcmp(name, "--local-domain") == 0)
		q->local_domain = value;
	else if (strcmp(name, "--address") == 0)
		q->address = value;
	else if (strcmp(name, "--domain") == 0)
		q->domain = value;
	else if (strcmp(name, "--ip") == 0)
		q->ip = value;
	else if (strcmp(name, "--host") == 0)
		q->host = value;
	else if (strcmp(name, "--host-verified") == 0)
		q->forged = strcmp(value, "false") == 0;
	else
		return false;
	return true;
}

static bool
read_table(struct question *q)
{
	struct image_builder *b = image_builder_new();
	struct conf_errors errs = {};
	FILE *f = fopen(q->file, "re");
	struct buf text;
	bool good = f != NULL && b != NULL;

	buf_init(&text, 1 << 30);
	while (good) {
		char *to = buf_reserve(&text, 65536);
		size_t n = to != NULL ? fread(to, 1, 65536, f) : 0;

		if (n == 0)
			break;
		buf_add(&text, n);
	}
	if (f == NULL)
		(void)fprintf(stderr, "%s cannot be read\n", q->file);
	else
		(void)fclose(f);
	if (good)
		good = table_build(b, q->kind, STR("table"), buf_str(&text), &errs);
	for (size_t i = 0; i < errs.n; i++)
		(void)fprintf(stderr, "%s:%u: " STR_F "\n", q->file, errs.e[i].line,
		    STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	buf_done(&text);
	if (!good) {
		image_builder_free(b);
		return false;
	}
	return tables_take(&q->tables, image_finish(b), 1);
}

/* For a table on its own every name is somebody. */
static enum find
anybody(void *arg, struct str name, struct user_entry *out, struct arena *a)
{
	(void)arg;
	(void)a;
	*out = (struct user_entry){ .name = name, .has_ids = true, .uid = 1, .gid = 1 };
	return FIND_YES;
}

static json_t *
local_name(const struct goal *g)
{
	return verb_json_str(g->kind == GOAL_MAILDIR ? g->user : g->addr);
}

static void
set_goals(json_t *answer, const struct expansion *x)
{
	json_t *to = json_array();

	for (size_t i = 0; i < x->ngoal; i++) {
		const struct goal *g = &x->goal[i];
		struct str sender = g->sender;

		if (sender.n > 0)
			(void)json_object_set_new(answer, "envelope_sender",
			    verb_json_str(str_sub(sender, 0, (size_t)str_rchr(sender, '@'))));
		if (g->kind == GOAL_PROGRAM)
			(void)json_object_set_new(answer, "program", verb_json_str(g->text));
		else if (g->kind == GOAL_FILE || g->kind == GOAL_DISCARD)
			(void)json_object_set_new(answer, "file", verb_json_str(g->text));
		else if (g->kind == GOAL_ERROR)
			(void)json_object_set_new(answer, "error", verb_json_str(g->text));
		else
			(void)json_array_append_new(to, local_name(g));
	}
	(void)json_object_set_new(answer, "to", to);
}

static int
check_alias(struct question *q)
{
	static const char *const words[] = { "", "unknown", "loop", "too many recipients",
		"cannot be asked" };
	static const struct str include = STR_INIT(":include:");
	json_t *answer = json_object();
	struct conf_errors errs = {};
	struct route r = { .ops = { .user_find = anybody }, .tables = q->tables };
	struct str text = str_fmt(&q->a, "hostname mx.%s\nlisten mx 127.0.0.1:25\ntest { }\n"
	    "domain %s { users system; aliases file table }\n", q->local_domain, q->local_domain);
	struct expansion x;
	enum expand e;
	struct config *cfg = config_parse(text, "map", &errs);

	conf_errors_done(&errs);
	if (cfg == NULL) {
		json_decref(answer);
		return EX_DATAERR_;
	}
	r.cfg = cfg;
	e = route_expand(&r, str_of(q->address), &q->a, &x);
	if (e == EXPAND_LATER && str_starts(x.at, include))
		(void)json_object_set_new(answer, "include", verb_json_str(str_skip(x.at,
		    include.n)));
	else if (e != EXPAND_OK)
		(void)json_object_set_new(answer, "error", json_string(words[e]));
	else
		set_goals(answer, &x);
	if (e == EXPAND_OK && x.ngoal == 0)
		(void)json_object_set_new(answer, "error", json_string("missing value"));
	config_free(cfg);
	return verb_json_end(answer);
}

static int
check_virtuser(struct question *q)
{
	struct str domain = str_of(q->address), packed;
	json_t *answer = json_object(), *to = json_array();
	ssize_t at = str_rchr(domain, '@');
	struct target t;
	struct buf b;

	buf_init(&b, 1 << 20);
	if (at < 0 || tables_virtuser(&q->tables, STR("table"), str_sub(domain, 0, (size_t)at),
	    str_skip(domain, (size_t)at + 1), &b) != FIND_YES)
		(void)json_array_append_new(to, verb_json_str(domain));
	packed = buf_str(&b);
	while (targets_next(&packed, &t)) {
		if (t.kind == TARGET_ERROR)
			(void)json_object_set_new(answer, "error", verb_json_str(t.text));
		else if (t.kind == TARGET_INCLUDE)
			(void)json_object_set_new(answer, "include", verb_json_str(t.text));
		else
			(void)json_array_append_new(to, verb_json_str(t.text));
	}
	(void)json_object_set_new(answer, "to", to);
	buf_done(&b);
	return verb_json_end(answer);
}

static int
check_route(struct question *q)
{
	json_t *answer = json_object();
	struct str text = str_of(q->domain);
	struct hop h;

	if (tables_route(&q->tables, STR("table"), str_of(q->domain), &text) != FIND_YES)
		text = str_of(q->domain);
	if (value_hop(text, &q->a, &h) != NULL) {
		json_decref(answer);
		return EX_DATAERR_;
	}
	if (h.kind == HOP_ERROR) {
		(void)json_object_set_new(answer, "error", verb_json_str(h.text));
	} else {
		(void)json_object_set_new(answer, "host", verb_json_str(h.host));
		(void)json_object_set_new(answer, "port", json_integer(h.port));
		(void)json_object_set_new(answer, "mx", json_boolean(h.kind == HOP_MX));
	}
	return verb_json_end(answer);
}

/* The address as look-ups want it: never refused, a map may be asked about anything. */
static struct path
asked_address(struct question *q)
{
	struct path_rules rules = { .arena = &q->a, .utf8 = true };
	struct path p = {};
	struct perr err = {};

	if (q->address[0] == '\0' || strcmp(q->address, "<>") == 0)
		p.null = true;
	else if (!path_parse(str_of(q->address), &rules, &p, &err) &&
	    !addr_split(str_of(q->address), &p.local, &p.domain))
		p.local = str_of(q->address);
	return p;
}

static struct access_hit
access_answer(struct question *q, const struct access_map *m)
{
	struct access_hit hit, relay;
	struct path p;

	if (q->address == NULL) {
		struct ip ip = {};

		return ip_parse(str_of(q->ip), &ip) ? access_connect(m, ip,
		    q->host != NULL && !q->forged ? str_of(q->host) : STR("")) :
		    (struct access_hit){};
	}
	p = asked_address(q);
	if (strcmp(q->check, "from") == 0) {
		hit = access_from(m, &p);
		if (hit.act == ACC_RELAY)		/* of a sender it is no more than OK */
			hit.act = ACC_OK;
		return hit;
	}
	hit = access_to(m, &p, domain_eq(p.domain, str_of(q->local_domain)), true);
	relay = access_relay_to(m, &p);
	switch (hit.act) {
	case ACC_REJECT:
	case ACC_ERROR:
	case ACC_DISCARD:
	case ACC_QUARANTINE:
		return hit;
	case ACC_NONE:
	case ACC_OK:
	case ACC_RELAY:
	case ACC_SKIP:
	case ACC_FRIEND:
	case ACC_HATER:
	case ACC_SUBJECT:
	case ACC_LEVEL:
	case ACC_VALUE:
		break;
	}
	return relay.act == ACC_RELAY ? relay : hit;
}

static int
check_access(struct question *q)
{
	struct access_map m = { .t = &q->tables, .file = STR("table") };
	struct access_hit hit = access_answer(q, &m);
	json_t *answer = json_object();

	if (hit.act > ACC_QUARANTINE)
		hit = (struct access_hit){};
	(void)json_object_set_new(answer, "action", json_string(access_act_name(hit.act)));
	if (hit.act == ACC_ERROR)
		(void)json_object_set_new(answer, "reply", verb_json_str(hit.text));
	else if (hit.act == ACC_REJECT)
		(void)json_object_set_new(answer, "reply", json_string("550 5.7.1 Access denied"));
	else if (hit.act == ACC_QUARANTINE)
		(void)json_object_set_new(answer, "reason", verb_json_str(hit.text));
	if (hit.line > 0)
		(void)json_object_set_new(answer, "line", json_integer(hit.line));
	return verb_json_end(answer);
}

static bool
asks_access(const struct question *q)
{
	if (q->kind != TABLE_ACCESS)
		return false;
	if (strcmp(q->check, "connect") == 0)
		return q->ip != NULL && q->address == NULL;
	return q->address != NULL &&
	    (strcmp(q->check, "from") == 0 || strcmp(q->check, "to") == 0);
}

static int
answer(struct question *q)
{
	if (asks_access(q))
		return check_access(q);
	if (strcmp(q->check, "alias") == 0 && q->kind == TABLE_ALIASES && q->address != NULL)
		return check_alias(q);
	if (strcmp(q->check, "virtuser") == 0 && q->kind == TABLE_VIRTUSERS && q->address != NULL)
		return check_virtuser(q);
	if (strcmp(q->check, "route") == 0 && q->kind == TABLE_ROUTES && q->domain != NULL)
		return check_route(q);
	return usage(stderr);
}

int
verb_map(int argc, char **argv)
{
	static struct question q;
	int code;

	q = (struct question){ .local_domain = "localdomain.test" };
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (argc < 2 || strcmp(argv[1], "check") != 0)
		return usage(stderr);
	for (int i = 2; i < argc; i += 2)
		if (i + 1 >= argc || !take_option(&q, argv[i], argv[i + 1]))
			return usage(stderr);
	if (q.file == NULL || q.check == NULL)
		return usage(stderr);
	if (!read_table(&q))
		return EX_DATAERR_;
	arena_init(&q.a, 64 << 20);
	code = answer(&q);
	arena_done(&q.a);
	tables_done(&q.tables);
	return code;
}
