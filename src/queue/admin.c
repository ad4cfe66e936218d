/* SPDX-License-Identifier: ISC */
/*
 * admin: parses the question, walks the messages in the order of their ids, builds the answer.
 *
 * The walk works on a list of ids taken at the beginning and looks each up again: whatever
 * suspends in between, nothing stale is touched.  A page ends before it outgrows a frame.
 */
#include "queue/admin.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/msgid.h"
#include "base/num.h"
#include "queue/carrier.h"
#include "queue/filter.h"
#include "queue/parts.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { PAGE = 100, PAGE_BYTES = 40'000, RCPTS_LISTED = 100, IDS_MAX = 2000 };

static const char *const state_names[] = {
	"unrouted", "ready", "waiting", "in flight", "held", "being reported",
};

struct question {
	struct queue *q;
	struct filter f;
	struct change_ask change;
	uint64_t after;
	size_t limit;
	struct arena *a;
	json_t *args;
};

static struct str
text_arg(const struct question *qu, const char *key)
{
	const json_t *v = json_object_get(qu->args, key);

	return json_is_string(v) ? str_from(json_string_value(v), json_string_length(v)) :
	    (struct str){};
}

static int64_t
number_arg(const struct question *qu, const char *key)
{
	return json_integer_value(json_object_get(qu->args, key));
}

static int
by_number(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

static bool
ids_arg(struct question *qu)
{
	const json_t *ids = json_object_get(qu->args, "id");
	size_t n = json_array_size(ids);

	if (!ids)
		return true;
	qu->f.by_id = true;
	qu->f.id = arena_alloc(qu->a, (n + 1) * sizeof *qu->f.id);
	if (!qu->f.id || n > IDS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(ids, i));

		if (!s || !msgid_parse(str_of(s), &qu->f.id[qu->f.nid++]))
			return false;
	}
	qsort(qu->f.id, qu->f.nid, sizeof *qu->f.id, by_number);
	return true;
}

static bool
question_read(struct question *qu)
{
	struct str after = text_arg(qu, "after");
	int64_t limit = number_arg(qu, "limit");

	qu->f.sender = text_arg(qu, "sender");
	qu->f.recipient = text_arg(qu, "recipient");
	qu->f.domain = text_arg(qu, "domain");
	qu->f.reason = text_arg(qu, "reason");
	qu->f.older_ms = number_arg(qu, "older_ms");
	qu->f.younger_ms = number_arg(qu, "younger_ms");
	qu->f.undelivered = json_is_true(json_object_get(qu->args, "undelivered"));
	qu->change.to = text_arg(qu, "to");
	qu->change.dry_run = json_is_true(json_object_get(qu->args, "dry_run"));
	qu->limit = limit > 0 && limit < PAGE ? (size_t)limit : PAGE;
	if (after.n > 0 && !msgid_parse(after, &qu->after))
		return false;
	return ids_arg(qu);
}

/* All ids after qu->after, in order; the caller frees. */
static uint64_t *
ids_of(const struct question *qu, size_t *n)
{
	const struct index *ix = &qu->q->ix;
	uint64_t *ids = malloc((ix->by_id.n + 1) * sizeof *ids), id;
	size_t at = 0;
	void *p;

	if (!ids)
		abort();
	*n = 0;
	if (qu->f.by_id) {
		for (size_t i = 0; i < qu->f.nid && *n < ix->by_id.n; i++)
			if (qu->f.id[i] > qu->after && entry_find(ix, qu->f.id[i]))
				ids[(*n)++] = qu->f.id[i];
		return ids;
	}
	while (idmap_next(&ix->by_id, &at, &id, &p))
		if (id > qu->after)
			ids[(*n)++] = id;
	qsort(ids, *n, sizeof *ids, by_number);
	return ids;
}

static json_t *
text(struct str s)
{
	json_t *j = json_stringn(s.p ? s.p : "", s.n);

	/* Not UTF-8: said so, byte by byte would not be JSON. */
	return j ? j : json_string("(not UTF-8)");
}

static json_t *
id_text(uint64_t id)
{
	char t[MSGID_TEXT];

	return text(msgid_format(id, t));
}

static json_t *
time_text(int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char t[32];

	if (!gmtime_r(&s, &tm))
		return json_null();
	return json_stringn(t, strftime(t, sizeof t, "%Y-%m-%dT%H:%M:%SZ", &tm));
}

static json_t *
rcpt_json(const struct queue *q, const struct unit *u, struct str addr)
{
	const struct reason *r = reason_of(&q->reasons, u->reason ? u->reason :
	    u->dest && u->dest->dead ? u->dest->reason : 0);
	json_t *j = json_object();

	(void)json_object_set_new(j, "address", text(addr));
	(void)json_object_set_new(j, "state", json_string(state_names[u->state]));
	(void)json_object_set_new(j, "attempts", json_integer(u->attempts));
	if (u->dest) {
		(void)json_object_set_new(j, "via",
		    json_string(transport_name((enum transport)u->dest->transport)));
		(void)json_object_set_new(j, "to", text(dest_name(u->dest)));
	}
	if (r->text.n > 0) {
		(void)json_object_set_new(j, "reason", text(r->reply));
		(void)json_object_set_new(j, "status", text(r->status));
		(void)json_object_set_new(j, "mta", text(r->mta));
		(void)json_object_set_new(j, "class", json_string(out_class_name(r->class)));
	}
	if (u->state == UNIT_WAIT)
		(void)json_object_set_new(j, "next", time_text(
		    (int64_t)u->due.at * 1000 + MSGID_EPOCH_MS));
	return j;
}

static json_t *
message_json(const struct queue *q, const struct entry *e, const struct spool_msg *m)
{
	json_t *j = json_object(), *rcpts = json_array();
	size_t n = 0;

	(void)json_object_set_new(j, "id", id_text(e->id));
	(void)json_object_set_new(j, "sender", text(m->env.sender));
	(void)json_object_set_new(j, "size", json_integer((json_int_t)content_len(&m->ref)));
	(void)json_object_set_new(j, "received", time_text(m->env.received_ms));
	(void)json_object_set_new(j, "held", json_boolean(e->flags & ENTRY_HELD));
	(void)json_object_set_new(j, "undelivered", json_boolean(e->flags & ENTRY_UNDELIVERED));
	for (const struct unit *u = e->unit; u; u = u->next)
		for (uint32_t i = 0; i < u->nidx; i++)
			if (n++ < RCPTS_LISTED)
				(void)json_array_append_new(rcpts, rcpt_json(q, u,
				    record_addr(e, m, unit_idx(u)[i])));
	(void)json_object_set_new(j, "recipients", rcpts);
	(void)json_object_set_new(j, "recipients_left", json_integer((json_int_t)n));
	return j;
}

static bool
listed(struct question *qu, uint64_t id, json_t *list, size_t *bytes)
{
	struct queue *q = qu->q;
	struct entry *e = entry_find(&q->ix, id);
	struct spool_msg m;
	bool hit = !filter_by_rcpt(&qu->f);
	json_t *j;

	if (!e || !filter_cheap(q, &qu->f, e) || !record_read(q, e, qu->a, &m))
		return false;
	e = entry_find(&q->ix, id);
	if (!e || !filter_message(&qu->f, &m))
		return false;
	for (const struct unit *u = e->unit; u; u = u->next)
		for (uint32_t i = 0; i < u->nidx && !hit; i++)
			hit = filter_rcpt(q, &qu->f, u, record_addr(e, &m, unit_idx(u)[i]));
	if (!hit)
		return false;
	j = message_json(q, e, &m);
	*bytes += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
	(void)json_array_append_new(list, j);
	return true;
}

static json_t *
list(struct question *qu)
{
	json_t *answer = json_object(), *messages = json_array();
	size_t n, bytes = 0, i;
	uint64_t *ids = ids_of(qu, &n);

	for (i = 0; i < n && json_array_size(messages) < qu->limit && bytes < PAGE_BYTES; i++) {
		struct arena a, *outer = qu->a;

		arena_init(&a, 8 << 20);
		qu->a = &a;
		(void)listed(qu, ids[i], messages, &bytes);
		qu->a = outer;
		arena_done(&a);
		co_worked(4096);
	}
	(void)json_object_set_new(answer, "messages", messages);
	(void)json_object_set_new(answer, "total", json_integer((json_int_t)qu->q->ix.by_id.n));
	if (i < n && i > 0)
		(void)json_object_set_new(answer, "next", id_text(ids[i - 1]));
	free(ids);
	return answer;
}

static json_t *
change(struct question *qu, enum change what)
{
	size_t n;
	uint64_t *ids = ids_of(qu, &n);
	json_t *answer = json_object();

	qu->change.change = what;
	for (size_t i = 0; i < n && !qu->q->stopping; i++) {
		struct arena a;

		arena_init(&a, 8 << 20);
		change_message(qu->q, &qu->f, ids[i], &a, &qu->change);
		arena_done(&a);
		co_worked(2048);
	}
	free(ids);
	(void)json_object_set_new(answer, "matched",
	    json_integer((json_int_t)qu->change.matched));
	(void)json_object_set_new(answer, "changed",
	    json_integer((json_int_t)qu->change.changed));
	(void)json_object_set_new(answer, "dry_run", json_boolean(qu->change.dry_run));
	return answer;
}

static json_t *
stats(const struct queue *q)
{
	const struct queue_stats *s = &q->stats;
	const struct { const char *key; uint64_t n; } all[] = {
		{ "messages", q->ix.by_id.n }, { "units", q->ix.units.nused },
		{ "index_bytes", index_bytes(&q->ix) }, { "destinations", q->dests.by_key.n },
		{ "dead_destinations", q->dests.wheel.n }, { "in_flight", q->flights.nused },
		{ "waiting", q->wheel.n }, { "taken", s->taken }, { "finished", s->finished },
		{ "delivered", s->delivered }, { "relayed", s->relayed },
		{ "deferred", s->deferred }, { "bounced", s->bounced },
		{ "expired", s->expired }, { "attempts", s->attempts },
		{ "notices", s->notices }, { "undelivered", s->undelivered },
		{ "segments", q->seg_by_n.n },
		{ "recovered", q->recovered },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < COUNT(all); i++)
		(void)json_object_set_new(j, all[i].key, json_integer((json_int_t)all[i].n));
	return j;
}

static json_t *
destinations(const struct queue *q)
{
	json_t *answer = json_object(), *all = json_array();
	size_t at = 0;
	struct str key;
	void *p;

	while (map_next(&q->dests.by_key, &at, &key, &p) && json_array_size(all) < PAGE) {
		const struct dest *d = p;
		json_t *j;

		if (d->nunit == 0 && !d->dead)
			continue;
		j = json_object();
		(void)json_object_set_new(j, "to", text(dest_name(d)));
		(void)json_object_set_new(j, "via",
		    json_string(transport_name((enum transport)d->transport)));
		(void)json_object_set_new(j, "ready", json_integer(d->nready));
		(void)json_object_set_new(j, "in_flight", json_integer(d->nflight));
		(void)json_object_set_new(j, "window", json_integer(d->window));
		(void)json_object_set_new(j, "dead", json_boolean(d->dead));
		(void)json_object_set_new(j, "reason",
		    text(reason_of(&q->reasons, d->reason)->reply));
		(void)json_array_append_new(all, j);
	}
	(void)json_object_set_new(answer, "destinations", all);
	return answer;
}

static json_t *
answer_to(struct question *qu, struct str op)
{
	static const struct { const char *op; enum change change; } changes[] = {
		{ "queue.retry", CHANGE_RETRY }, { "queue.flush", CHANGE_RETRY },
		{ "queue.hold", CHANGE_HOLD }, { "queue.release", CHANGE_RELEASE },
		{ "queue.bounce", CHANGE_BOUNCE }, { "queue.drop", CHANGE_DROP },
		{ "queue.redirect", CHANGE_REDIRECT },
	};

	if (str_eq(op, STR("queue.list")) || str_eq(op, STR("queue.show")))
		return list(qu);
	if (str_eq(op, STR("queue.stats")))
		return stats(qu->q);
	if (str_eq(op, STR("queue.destinations")))
		return destinations(qu->q);
	for (size_t i = 0; i < COUNT(changes); i++)
		if (str_eq(op, str_of(changes[i].op)))
			return change(qu, changes[i].change);
	return NULL;
}

static bool
complain(struct arena *a, const char *why, struct str *json)
{
	*json = str_fmt(a, "{\"why\":\"%s\"}", why);
	return false;
}

bool
queue_admin(struct queue *q, struct str op, struct str args, struct arena *a, struct str *json)
{
	struct question qu = { .q = q, .a = a };
	json_t *answer;
	char *dump;

	qu.args = json_loadb(args.p, args.n, 0, NULL);
	if (!json_is_object(qu.args) || !question_read(&qu)) {
		json_decref(qu.args);
		return complain(a, "the question is not understood", json);
	}
	if (str_eq(op, STR("queue.redirect")) && str_chr(qu.change.to, '@') < 1) {
		json_decref(qu.args);
		return complain(a, "redirect needs an address to send to", json);
	}
	answer = answer_to(&qu, op);
	json_decref(qu.args);
	if (!answer)
		return complain(a, "no such operation", json);
	dump = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	*json = str_dup(a, str_of(dump ? dump : "{}"));
	free(dump);
	return true;
}
