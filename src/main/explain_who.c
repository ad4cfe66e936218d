/* SPDX-License-Identifier: ISC */
/*
 * explain_who: `postern explain --who USER`.
 *
 * Nothing here decides: every address that the configuration and its tables name is put to the
 * binding that the rules ask.
 */
#include "main/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "main/conf_load.h"
#include "main/proof_run.h"
#include "main/verb_json.h"
#include "policy/binding.h"
#include "table/key.h"

enum { LIST_MEMORY = 256 << 20 };

struct asked {
	const struct explain *e;
	const struct config *cfg;
	struct policy *policy;
	struct str user;
	struct tables tables;
	struct arena a;
	struct map seen;
	json_t *out;
	size_t n;
};

static void
tell(struct asked *q, struct str address, const char *why, bool later)
{
	struct str key = str_dup(&q->a, address);

	if (map_get(&q->seen, key))
		return;
	(void)map_put(&q->seen, key, q);
	q->n++;
	if (q->e->json)
		(void)json_array_append_new(q->out, json_pack("{so ss sb}", "address",
		    verb_json_str(address), "because", why, "unknown_now", later));
	else
		(void)printf("  %-40.*s %s%s\n", (int)address.n, address.p, why,
		    later ? " (a table cannot be asked now)" : "");
}

static void
put(struct asked *q, struct str local, struct str domain, const char *why)
{
	enum find f = binding_user_covers(q->policy, q->user, local, domain);

	if (f != FIND_NO)
		tell(q, str_cat(&q->a, local, STR("@"), domain), why, f == FIND_LATER);
}

/* Every key of one file of the tables. */
static void
put_table(struct asked *q, const struct domain *d, enum table_kind kind, struct str file,
    const char *why)
{
	struct str key, value;
	struct key head;
	uint64_t at = 0;

	if (file.n == 0)
		return;
	key_begin(&head, (int)kind, file);
	while (image_next(&q->tables.img, &at, &key, &value)) {
		struct str name, local, domain = d->name;

		if (!str_starts(key, key_str(&head)))
			continue;
		name = local = str_skip(key, KEY_HEAD);
		if (!addr_split(name, &local, &domain))
			domain = d->name;
		if (local.n > 0)
			put(q, local, domain, why);
	}
}

/* `may-send WHO as ADDRESS...`: a pattern stands for whoever fits it. */
static void
put_line(struct asked *q, const struct may_send *m)
{
	char why[64];

	(void)snprintf(why, sizeof why, "may-send, line %u", m->line);
	for (size_t k = 0; k < m->naddr; k++) {
		struct str local, domain, pattern = m->addr[k];
		ssize_t at = str_find(pattern, STR("@"));

		if (at >= 0 && (at == 0 || str_find(pattern, STR("*")) >= 0)) {
			domain = str_skip(pattern, (size_t)at + 1);
			if (binding_user_covers(q->policy, q->user, STR("somebody"), domain) !=
			    FIND_NO)
				tell(q, pattern, why, false);
		} else if (addr_split(pattern, &local, &domain)) {
			put(q, local, domain, why);
		}
	}
}

static void
put_rights(struct asked *q)
{
	struct str local, domain, name = q->user;

	if (addr_split(q->user, &local, &domain)) {
		name = local;
		put(q, local, domain, "its own address, with any +detail too");
	}
	for (size_t i = 0; i < q->cfg->ndomain; i++)
		put(q, name, q->cfg->domain[i].name, "its own address, with any +detail too");
	for (size_t i = 0; i < q->cfg->nmay_send; i++)
		put_line(q, &q->cfg->may_send[i]);
	for (size_t i = 0; i < q->cfg->ndomain; i++) {
		const struct domain *d = &q->cfg->domain[i];

		put_table(q, d, TABLE_ALIASES, d->aliases_file, "an alias for it alone");
		put_table(q, d, TABLE_VIRTUSERS, d->virtusers_file, "a virtual user, it alone");
	}
}

/* Grants that a login can have: the others do not ask who it is. */
static void
put_grants(const struct asked *q)
{
	json_t *list = q->e->json ? json_array() : NULL;
	size_t n = 0;

	if (!list)
		(void)printf("relays\n");
	for (size_t i = 0; i < q->cfg->ngrant; i++) {
		const struct grant *g = &q->cfg->grant[i];
		const char *how = g->kind == GRANT_AUTHENTICATED ? "when logged in by AUTH" :
		    "after a POP login, from that address";

		if (g->kind != GRANT_AUTHENTICATED && g->kind != GRANT_POP)
			continue;
		n++;
		if (list)
			(void)json_array_append_new(list, verb_json_str(g->name));
		else
			(void)printf("  %s (" STR_F ")\n", how, STR_A(g->name));
	}
	if (list)
		(void)json_object_set_new(q->out, "relays", list);
	else if (n == 0)
		(void)printf("  never by who it is: no line lets logins relay\n");
}

int
explain_who(const struct explain *e)
{
	struct config *cfg = conf_load(e->run.config, stderr);
	struct asked q = { .e = e, .cfg = cfg, .user = str_of(e->who) };
	json_t *list;

	if (!cfg)
		return EX_CONFIG;
	arena_init(&q.a, LIST_MEMORY);
	proof_tables(&q.tables, cfg, NULL);
	q.policy = policy_new(cfg);
	if (!q.policy)
		abort();
	policy_tables(q.policy, &q.tables);
	list = q.out = e->json ? json_array() : NULL;
	if (!e->json)
		(void)printf("%s may write as\n", e->who);
	put_rights(&q);
	if (!e->json && q.n == 0)
		(void)printf("  nobody: it has no mailbox here, and no line gives it an address\n");
	if (e->json)
		q.out = json_pack("{ss so}", "user", e->who, "writes_as", list);
	put_grants(&q);
	if (e->json)
		(void)verb_json_end(q.out);
	map_done(&q.seen);
	policy_free(q.policy);
	tables_done(&q.tables);
	arena_done(&q.a);
	config_free(cfg);
	return EX_OK;
}
