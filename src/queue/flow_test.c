/* SPDX-License-Identifier: ISC */
/*
 * flow_test: mail through a whole queue in a simulated world.
 *
 * Each test is a small house (testhouse.h); time is the world's.
 */
#include "base/test.h"
#include "queue/testhouse.h"
#include "rt/clock.h"

static void
test_delivers(void **state)
{
	struct house h = {};

	(void)state;
	house_open(&h, 1);
	(void)house_mail(&h, "a@here.test", "b@one.test");
	(void)house_mail(&h, "a@here.test", "b@void.test");
	(void)house_mail(&h, "a@here.test", "b@one.test c@one.test d@two.test e@here.test");
	house_run(&h, 2000);
	t_int(h.q->ix.by_id.n, 0);
	t_int(h.nrcpts, 5);
	t_int(h.njobs, 4);			/* b and c share one */
	t_int(h.delivered, 5);
	t_int(h.q->stats.taken, 3);
	t_int(h.q->stats.finished, 3);
	house_done(&h);
}

static struct house_answer
temporary_twice(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	(void)r;
	(void)h;
	if (j->attempt <= 2)
		return (struct house_answer){ 10, { .kind = OUT_TEMP, .class = CLASS_RCPT,
			.status = STR("4.2.0"), .reply = STR("450 4.2.0 greylisted"),
			.mta = STR("mx.one.test") } };
	return (struct house_answer){ 10, { .kind = OUT_RELAYED } };
}

static void
test_retries(void **state)
{
	struct house h = { .rule = temporary_twice };
	struct entry *e;
	uint64_t id;

	(void)state;
	house_open(&h, 2);
	id = house_mail(&h, "a@here.test", "b@one.test");
	house_run(&h, 60'000);
	e = entry_find(&h.q->ix, id);
	t_true(e != NULL);
	t_int(e->unit->state, UNIT_WAIT);
	t_str(reason_of(&h.q->reasons, e->unit->reason)->reply, "450 4.2.0 greylisted");
	t_int(h.njobs, 1);
	house_run(&h, 90'000);			/* 2 min +- 10 % */
	t_int(h.njobs, 2);
	/* It remembers over a restart. */
	house_reopen(&h, true);
	e = entry_find(&h.q->ix, id);
	t_true(e != NULL);
	t_int(e->unit->state, UNIT_WAIT);
	t_int(e->unit->attempts, 2);
	t_str(reason_of(&h.q->reasons, e->unit->reason)->mta, "mx.one.test");
	house_run(&h, 400'000);
	t_int(h.njobs, 3);
	t_int(h.delivered, 1);
	t_int(h.q->ix.by_id.n, 0);
	house_done(&h);
}

static void
test_restart_forgets_nothing(void **state)
{
	struct house h = { .no_deliverers = true };

	(void)state;
	house_open(&h, 3);
	house_mails(&h, "a@here.test", "b@one.test", 200);
	house_run(&h, 1000);
	t_int(h.q->ix.by_id.n, 200);
	house_reopen(&h, true);
	house_run(&h, 1000);
	t_int(h.q->ix.by_id.n, 200);
	h.no_deliverers = false;
	house_reopen(&h, false);
	house_run(&h, 20'000);
	t_int(h.q->ix.by_id.n, 0);
	t_int(h.delivered, 200);
	/* Nothing twice, however often it starts: what is done is in every snapshot. */
	for (int i = 0; i < 4; i++) {
		house_reopen(&h, i % 2);
		house_run(&h, 2000);
		t_int(h.q->ix.by_id.n, 0);
		t_int(h.njobs, 200);
	}
	house_done(&h);
}

/* Half delivered, half waiting in the same segment; the queue is killed again and again. */
static void
test_half_done(void **state)
{
	struct house h = { .rule = temporary_twice };

	(void)state;
	house_open(&h, 31);
	for (int i = 0; i < 20; i++) {
		(void)house_mail(&h, "a@here.test", "b@one.test");
		(void)house_mail(&h, "a@here.test", "b@void.test");
	}
	house_run(&h, 2000);
	t_int(h.q->ix.by_id.n, 20);
	for (int i = 0; i < 5; i++) {
		house_restart_queue(&h);
		house_run(&h, 1000);
		t_int(h.q->ix.by_id.n, 20);
		t_int(h.q->stats.delivered, 0);
		t_int(h.njobs, 20);
	}
	house_done(&h);
}

/* What one message needs for its lists is not missing for the next, read in the same slice. */
static void
test_long_lists(void **state)
{
	struct house h = {};

	(void)state;
	house_open(&h, 14);
	for (int i = 0; i < 20; i++)
		(void)house_mail(&h, "a@here.test", "long1@one.test long2@one.test long3@one.test");
	house_run(&h, 5000);
	t_int(h.delivered, 60);
	/* too much at once: the rest is asked again, by itself */
	(void)house_mail(&h, "a@here.test", "long1@one.test long2@one.test long3@one.test "
	    "long4@one.test long5@one.test long6@one.test long7@one.test");
	house_run(&h, 5000);
	t_int(h.delivered, 66);
	house_run(&h, 60'000);
	t_int(h.delivered, 67);
	house_done(&h);
}

static void
test_list_expands_once(void **state)
{
	struct house h = { .no_deliverers = true };
	struct entry *e;
	uint64_t id;

	(void)state;
	house_open(&h, 4);
	id = house_mail(&h, "a@here.test", "x@one.test list@here.test");
	house_run(&h, 1000);
	for (int round = 0; round < 3; round++) {
		e = entry_find(&h.q->ix, id);
		t_true(e != NULL && e->extra != NULL);
		t_int(e->extra->nt, 3);
		t_int(e->extra->t[0].idx, 2);
		t_str(e->extra->t[2].addr, "m2@two.test");
		t_int(e->extra->t[1].rcpt, 1);
		house_reopen(&h, true);
		house_run(&h, 1000);
	}
	h.no_deliverers = false;
	house_reopen(&h, false);
	house_run(&h, 2000);
	t_int(h.nrcpts, 4);
	t_int(h.njobs, 2);
	t_int(h.q->ix.by_id.n, 0);
	house_done(&h);
}

/* A recipient at another server without a maker does not leave, wherever it came from. */
static void
test_R8_unmade_remote(void **state)
{
	struct house h = {};

	(void)state;
	house_open(&h, 8);
	(void)house_mail(&h, "", "unmade@here.test");
	(void)house_mail(&h, "a@here.test", "unmade@here.test x@one.test");
	house_run(&h, 5000);
	t_int(h.nrcpts, 3);			/* x@one.test, and two notices */
	t_int(h.q->ix.by_id.n, 0);
	house_done(&h);
}

static struct house_answer
never(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	(void)h, (void)j, (void)r;
	return (struct house_answer){ FOREVER, {} };
}

/* The queue dies while jobs fly: deliverers keep them, and nothing is delivered twice. */
static void
test_queue_restart(void **state)
{
	struct house h = {};

	(void)state;
	house_open(&h, 5);
	h.rule = never;
	house_mails(&h, "a@here.test", "b@one.test", 4);
	house_run(&h, 500);
	t_int(h.njobs, 4);
	house_restart_queue(&h);
	house_run(&h, 20'000);
	t_int(h.njobs, 4);			/* not given out again */
	t_int(h.q->ix.by_id.n, 4);
	t_int(h.q->flights.nused, 4);
	h.rule = NULL;
	house_kill_carrier(&h, 0);		/* now they are lost, and given out again */
	house_run(&h, 5000);
	t_int(h.njobs, 8);
	t_int(h.q->ix.by_id.n, 0);
	house_done(&h);
}

static void
test_tables_down(void **state)
{
	struct house h = { .tables_down = true };

	(void)state;
	house_open(&h, 6);
	(void)house_mail(&h, "a@here.test", "b@later.test c@one.test");
	house_run(&h, 5000);
	t_int(h.delivered, 1);
	t_int(h.q->ix.by_id.n, 1);
	house_reopen(&h, true);
	house_run(&h, 5000);
	t_int(h.q->ix.by_id.n, 1);
	h.tables_down = false;
	house_run(&h, 40'000);
	t_int(h.q->ix.by_id.n, 0);
	t_int(h.delivered, 2);
	house_done(&h);
}

static struct house_answer
black_hole(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	(void)h, (void)r;
	if (str_eq(j->nexthop, STR("hole.test")))
		return (struct house_answer){ 30'000, { .kind = OUT_TEMP, .class = CLASS_CONNECT,
			.status = STR("4.4.1"), .reply = STR("no answer") } };
	return (struct house_answer){ 5, { .kind = OUT_RELAYED } };
}

/* Half of 10,000 messages go nowhere: the other half must not notice. */
static void
test_black_hole(void **state)
{
	struct house h = { .rule = black_hole };
	int64_t began;

	(void)state;
	house_open(&h, 7);
	for (int i = 0; i < 500; i++) {
		house_mails(&h, "a@here.test", "b@hole.test", 10);
		house_mails(&h, "a@here.test", i % 2 ? "b@one.test" : "b@two.test", 10);
	}
	began = now_ms();
	for (int i = 0; i < 600 && h.delivered < 5000; i++)
		house_run(&h, 20);
	t_int(h.delivered, 5000);
	t_true(now_ms() - began < 2000);
	t_int(h.q->ix.by_id.n, 5000);
	t_true(h.q->flights.nused <= 5);
	house_run(&h, 40'000);
	struct dest *d = dest_find(&h.q->dests, T_SMTP, STR("hole.test"));

	t_true(d && d->dead);
	t_true(d->failed <= 5);
	house_done(&h);
}

static void
test_segments_recycle(void **state)
{
	struct house h = {};
	struct pool_stats ps;

	(void)state;
	house_open(&h, 8);
	house_text = "Subject: long\r\n\r\n";
	static char text[8000];

	memset(text, 'x', sizeof text - 1);
	house_text = text;
	house_mails(&h, "a@here.test", "b@one.test", 600);	/* five segments of 1 MiB */
	house_run(&h, 60'000);
	t_int(h.q->ix.by_id.n, 0);
	ps = pool_stats_get(h.pool);
	t_int(ps.live[SPOOL_SEGMENT], 0);
	t_true(ps.dirty[SPOOL_SEGMENT] + ps.free[SPOOL_SEGMENT] >= 3);
	house_mails(&h, "a@here.test", "b@one.test", 600);
	house_run(&h, 60'000);
	t_true(pool_stats_get(h.pool).created <= ps.created + 2);
	t_int(h.delivered, 1200);
	house_text = "Subject: test\r\n\r\nbody\r\n";
	house_done(&h);
}

/* A message that waits in an old segment is carried, and the segment set free. */
static void
test_carry(void **state)
{
	static char text[8000];
	struct house h = { .rule = black_hole };
	struct entry *e;
	struct seg *first;
	uint64_t id;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	house_open(&h, 9);
	house_text = text;
	id = house_mail(&h, "a@here.test", "b@hole.test");
	house_run(&h, 100'000);			/* not in flight any more */
	first = entry_find(&h.q->ix, id)->seg;
	uint64_t n = first->n, gen = first->gen;

	house_mails(&h, "a@here.test", "b@one.test", 900);
	house_run(&h, 1'000'000);
	house_text = "Subject: test\r\n\r\nbody\r\n";
	e = entry_find(&h.q->ix, id);
	t_true(e != NULL);
	t_true(e->seg->n != n || e->seg->gen != gen);
	t_true(seg_find(h.q, n, gen) == NULL);
	house_reopen(&h, true);
	e = entry_find(&h.q->ix, id);
	t_true(e != NULL);
	t_int(h.q->ix.by_id.n, 1);
	h.rule = NULL;
	house_run(&h, 3'000'000);
	t_int(h.q->ix.by_id.n, 0);
	t_int(h.delivered, 901);
	house_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers), cmocka_unit_test(test_retries),
		cmocka_unit_test(test_restart_forgets_nothing), cmocka_unit_test(test_half_done),
		cmocka_unit_test(test_list_expands_once), cmocka_unit_test(test_queue_restart),
		cmocka_unit_test(test_long_lists), cmocka_unit_test(test_R8_unmade_remote),
		cmocka_unit_test(test_tables_down), cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_segments_recycle), cmocka_unit_test(test_carry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
