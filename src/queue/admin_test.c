/* SPDX-License-Identifier: ISC */
/*
 * admin_test: the administrator's questions, and that state survives them.
 *
 * Twelve messages wait; each case asks on a fresh house and says how many it is about.
 */
#include "base/test.h"
#include "queue/admin.h"
#include "queue/testhouse.h"
#include "rt/clock.h"

static struct house_answer
always_later(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	(void)h, (void)j;
	return (struct house_answer){ 10, { .kind = OUT_TEMP, .class = CLASS_RCPT,
		.status = STR("4.2.0"), .mta = STR("mx.test"),
		.reply = str_starts(r->addr, STR("full")) ? STR("452 mailbox full") :
		    STR("450 greylisted") } };
}

static struct {
	struct house *h;
	const char *op, *args;
	char json[60'000];
	bool ok;
	bool done;
} question;

static void
ask_run(void *arg)
{
	struct arena a;
	struct str json;

	(void)arg;
	arena_init(&a, 16 << 20);
	question.ok = queue_admin(question.h->q, str_of(question.op), str_of(question.args), &a,
	    &json);
	(void)snprintf(question.json, sizeof question.json, STR_F, STR_A(json));
	arena_done(&a);
	question.done = true;
}

static const char *
ask(struct house *h, const char *op, const char *args)
{
	question.h = h;
	question.op = op;
	question.args = args;
	question.done = false;
	t_true(co_spawn("ask", ask_run, NULL) != NULL);
	for (int i = 0; i < 1000 && !question.done; i++)
		house_run(h, 1);
	t_true(question.done);
	return question.json;
}

static bool
has(const char *json, const char *what)
{
	return strstr(json, what) != NULL;
}

static void
fill(struct house *h, uint64_t seed)
{
	*h = (struct house){ .rule = always_later };
	house_open(h, seed);
	for (int i = 0; i < 4; i++) {
		(void)house_mail(h, "a@here.test", "x@one.test");
		(void)house_mail(h, "b@here.test", "full@one.test y@two.test");
		(void)house_mail(h, "", "z@two.test");
	}
	house_run(h, 2000);
	t_int(h->q->ix.by_id.n, 12);
	t_int(h->njobs, 16);
}

static const struct {
	const char *op, *args, *want;
	unsigned left;			/* messages afterwards */
} cases[] = {
	{ "queue.drop", "{\"dry_run\":true}", "\"matched\":12,\"changed\":0", 12 },
	{ "queue.drop", "{\"sender\":\"a@here.test\"}", "\"matched\":4,\"changed\":4", 8 },
	{ "queue.drop", "{\"sender\":\"here.test\"}", "\"matched\":8", 4 },
	{ "queue.drop", "{\"sender\":\"<>\"}", "\"matched\":4", 8 },
	{ "queue.drop", "{\"domain\":\"two.test\"}", "\"matched\":8", 8 },
	{ "queue.drop", "{\"recipient\":\"y@two.test\"}", "\"matched\":4", 12 },
	{ "queue.drop", "{\"reason\":\"mailbox full\"}", "\"matched\":4", 12 },
	{ "queue.drop", "{\"reason\":\"GREYLISTED\"}", "\"matched\":12", 4 },
	{ "queue.drop", "{\"older_ms\":3600000}", "\"matched\":0", 12 },
	{ "queue.drop", "{\"younger_ms\":3600000}", "\"matched\":12", 0 },
	{ "queue.drop", "{}", "\"matched\":12,\"changed\":12", 0 },
	{ "queue.bounce", "{\"sender\":\"a@here.test\"}", "\"changed\":4", 12 },
	{ "queue.redirect", "{\"sender\":\"a@here.test\",\"to\":\"n@void.test\"}",
		"\"changed\":4", 8 },
	{ "queue.redirect", "{}", "needs an address", 12 },
	{ "queue.list", "[]", "not understood", 12 },
	{ "queue.nothing", "{}", "no such operation", 12 },
};

static void
test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static struct house h;
		const char *json;

		T_CASE(cases[i].args);
		fill(&h, 10 + i);
		json = ask(&h, cases[i].op, cases[i].args);
		if (!has(json, cases[i].want))
			print_error("%s\n", json);
		t_true(has(json, cases[i].want));
		house_run(&h, 3000);
		t_int(h.q->ix.by_id.n, cases[i].left);
		/* What was done is kept. */
		house_reopen(&h, true);
		house_run(&h, 1000);
		t_int(h.q->ix.by_id.n, cases[i].left);
		house_done(&h);
	}
}

static void
test_list(void **state)
{
	static struct house h;
	const char *json;
	unsigned pages = 0, messages = 0;
	char args[100] = "{\"limit\":5}";

	(void)state;
	fill(&h, 100);
	for (bool more = true; more && pages < 10; pages++) {
		json = ask(&h, "queue.list", args);
		t_true(question.ok);
		for (const char *p = json; (p = strstr(p, "\"sender\"")); p++)
			messages++;
		const char *next = strstr(json, "\"next\":\"");

		/* The waiting time of a recipient is called next too. */
		while (next && strchr(next + 8, '"') - next != 8 + 13)
			next = strstr(next + 8, "\"next\":\"");
		more = next != NULL;
		if (more)
			(void)snprintf(args, sizeof args, "{\"limit\":5,\"after\":\"%.13s\"}",
			    next + 8);
	}
	t_int(pages, 3);
	t_int(messages, 12);
	json = ask(&h, "queue.list", "{\"recipient\":\"full@one.test\",\"limit\":1}");
	t_true(has(json, "\"address\":\"full@one.test\""));
	t_true(has(json, "452 mailbox full"));
	t_true(has(json, "\"state\":\"waiting\""));
	t_true(has(ask(&h, "queue.stats", "{}"), "\"messages\":12"));
	t_true(has(ask(&h, "queue.destinations", "{}"), "\"to\":\"two.test\""));
	house_done(&h);
}

static void
test_hold(void **state)
{
	static struct house h;

	(void)state;
	fill(&h, 200);
	(void)ask(&h, "queue.hold", "{\"sender\":\"a@here.test\"}");
	house_run(&h, 200'000);
	t_int(h.njobs, 28);			/* all but the held four were tried again */
	house_reopen(&h, true);
	t_true(has(ask(&h, "queue.list", "{\"sender\":\"a@here.test\"}"), "\"held\":true"));
	h.rule = NULL;
	(void)ask(&h, "queue.flush", "{}");
	house_run(&h, 2000);
	t_int(h.q->ix.by_id.n, 4);
	(void)ask(&h, "queue.release", "{}");
	house_run(&h, 2000);
	t_int(h.q->ix.by_id.n, 0);
	t_int(h.delivered, 16);
	house_done(&h);
}

static struct house_answer
slowly_later(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	struct house_answer answer = always_later(h, j, r);

	answer.after_ms = 5000;
	return answer;
}

/* What is decided of one recipient in flight is done to that one, when it comes back. */
static void
test_in_flight(void **state)
{
	static struct house h;
	struct entry *e;
	uint64_t id;

	(void)state;
	h = (struct house){ .rule = slowly_later };
	house_open(&h, 400);
	id = house_mail(&h, "a@here.test", "x@one.test y@two.test z@three.test");
	house_run(&h, 1000);
	e = entry_find(&h.q->ix, id);
	t_true(e != NULL && e->unit->state == UNIT_FLIGHT);
	t_true(has(ask(&h, "queue.drop", "{\"recipient\":\"x@one.test\"}"), "\"changed\":1"));
	t_true(has(ask(&h, "queue.bounce", "{\"domain\":\"three.test\"}"), "\"changed\":1"));
	t_true(has(ask(&h, "queue.redirect", "{\"recipient\":\"y@two.test\","
	    "\"to\":\"n@void.test\"}"), "\"matched\":1,\"changed\":0"));
	house_run(&h, 8000);
	e = entry_find(&h.q->ix, id);
	t_true(e != NULL && e->unit != NULL && e->unit->next == NULL);
	t_int(e->unit->idx.one, 1);		/* y is still there, and only it */
	t_int(e->unit->state, UNIT_WAIT);
	t_int(h.q->stats.notices, 1);
	house_done(&h);
}

/* State after replay is the state before: compared as its own encoding, message by message. */
static void
encode_all(struct house *h, struct buf *b)
{
	uint64_t last = 0;

	buf_reset(b);
	for (size_t n = 0; n < h->q->ix.by_id.n; n++) {
		uint64_t next = UINT64_MAX, id;
		size_t at = 0;
		void *p;

		while (idmap_next(&h->q->ix.by_id, &at, &id, &p))
			if (id > last && id < next)
				next = id;
		t_true(state_encode(h->q, entry_find(&h->q->ix, next), b));
		last = next;
	}
}

static void
test_replay_equal(void **state)
{
	static struct house h;
	struct buf before, after;

	(void)state;
	buf_init(&before, 1 << 20);
	buf_init(&after, 1 << 20);
	fill(&h, 300);
	(void)house_mail(&h, "c@here.test", "list@here.test x@one.test");
	house_run(&h, 2000);
	(void)ask(&h, "queue.hold", "{\"sender\":\"b@here.test\"}");
	(void)ask(&h, "queue.redirect", "{\"sender\":\"a@here.test\",\"to\":\"q@three.test\"}");
	house_run(&h, 1500);
	h.no_deliverers = true;
	encode_all(&h, &before);
	house_reopen(&h, false);
	encode_all(&h, &after);
	t_true(before.n > 500);
	t_int(before.n, after.n);
	t_true(str_eq(buf_str(&before), buf_str(&after)));
	/* And once more through the snapshot. */
	house_reopen(&h, true);
	encode_all(&h, &after);
	t_true(str_eq(buf_str(&before), buf_str(&after)));
	buf_done(&before);
	buf_done(&after);
	house_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes), cmocka_unit_test(test_list),
		cmocka_unit_test(test_hold), cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_replay_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
