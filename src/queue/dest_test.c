/* SPDX-License-Identifier: ISC */
/*
 * dest_test: turns, windows, death and revival of destinations.
 *
 * Time is a number; deliverers are a counter of slots.
 */
#include "base/test.h"
#include "queue/dest.h"

static const struct limits lim = {
	.dest_parallel = 20, .dest_parallel_start = 5, .retry_ms = { 120'000, 300'000 },
	.nretry = 2,
};

struct stage {
	struct index ix;
	struct dests ds;
	struct seg seg;
	uint64_t next_id;
};

static void
stage_init(struct stage *st)
{
	*st = (struct stage){ .next_id = 1 };
	index_init(&st->ix);
	dests_init(&st->ds, &lim, 1000, 7);
}

static void
stage_done(struct stage *st)
{
	dests_done(&st->ds);
	index_done(&st->ix);
}

static struct unit *
add(struct stage *st, const char *dest, uint32_t sender)
{
	struct entry *e = entry_new(&st->ix, st->next_id++, &st->seg, 0);
	struct unit *u = unit_new(&st->ix, e, NULL);

	e->sender = sender;
	unit_add_idx(u, 0);
	u->dest = dest_get(&st->ds, T_SMTP, str_of(dest));
	dest_ref(&st->ds, u->dest);
	dest_push(&st->ds, u, false);
	return u;
}

static bool
always(void *arg, const struct dest *d)
{
	(void)arg, (void)d;
	return true;
}

static struct unit *
next(struct stage *st)
{
	return dest_next(&st->ds, always, NULL);
}

static void
land(struct stage *st, struct unit *u, bool host_failed, uint32_t now)
{
	struct dest *d = u->dest;

	(void)dest_landed(&st->ds, d, host_failed, now, UINT32_MAX / 2);
	if (host_failed) {
		dest_push(&st->ds, u, false);
		return;
	}
	dest_unref(&st->ds, d);
	entry_free(&st->ix, u->entry);
}

static void
test_window(void **state)
{
	static struct stage st;
	struct unit *u[100];
	unsigned n = 0;

	(void)state;
	stage_init(&st);
	for (int i = 0; i < 100; i++)
		(void)add(&st, "a.test", 1);
	while (n < 100 && (u[n] = next(&st)))
		n++;
	t_int(n, 5);				/* nothing is known of it */
	land(&st, u[0], false, 1000);
	t_true(u[1]->dest->proven);
	t_int(dest_cap(&st.ds, u[1]->dest), 5 * JOB_DEPTH);
	n = 1;
	while (n < 100 && (u[n + 4] = next(&st)))
		n++;
	t_int(n - 1, 16);			/* 20 in flight now */
	t_int(u[1]->dest->nflight, 20);
	stage_done(&st);
}

static void
test_grows(void **state)
{
	static struct stage st;
	struct unit *u;
	struct dest *d;

	(void)state;
	stage_init(&st);
	d = add(&st, "a.test", 1)->dest;
	dest_ref(&st.ds, d);
	for (int i = 0; i < 2000; i++) {
		(void)add(&st, "a.test", 1);
		u = next(&st);
		t_true(u != NULL);
		land(&st, u, false, 1000);
	}
	t_int(d->window, 20);
	u = next(&st);
	(void)add(&st, "a.test", 1);
	struct unit *v = next(&st);

	land(&st, u, true, 1000);
	t_int(d->window, 10);			/* one failure while others fly: half */
	t_false(d->dead);
	land(&st, v, true, 1000);		/* the second in a row: dead */
	t_true(d->dead);
	stage_done(&st);
}

static void
test_dead(void **state)
{
	static struct stage st;
	struct unit *u;
	struct dest *d;

	(void)state;
	stage_init(&st);
	for (int i = 0; i < 10; i++)
		(void)add(&st, "hole.test", 1);
	u = next(&st);
	d = u->dest;
	land(&st, u, true, 1000);
	t_true(d->dead);
	t_int(d->nready, 10);
	t_true(next(&st) == NULL);
	t_true(dest_revive(&st.ds, 1000 + 118) == NULL);
	t_true(dest_revive(&st.ds, 1000 + 121) == d);
	/* One probe, and no more while it is out. */
	u = next(&st);
	t_true(u != NULL);
	t_true(next(&st) == NULL);
	land(&st, u, true, 1121);
	t_true(d->dead);
	t_true(dest_revive(&st.ds, 1121 + 290) == NULL);	/* the second wait is longer */
	t_true(dest_revive(&st.ds, 1121 + 302) == d);
	u = next(&st);
	land(&st, u, false, 1500);
	t_int(d->rounds, 0);
	t_int(dest_cap(&st.ds, d), 5 * JOB_DEPTH);
	dest_wake(&st.ds, d);				/* no effect on a living one */
	stage_done(&st);
}

/* Two senders, one destination; 1000 messages of one must not stand before 10 of the other. */
static void
test_fair_senders(void **state)
{
	static struct stage st;
	unsigned of_small = 0, turns = 0;

	(void)state;
	stage_init(&st);
	for (int i = 0; i < 1000; i++)
		(void)add(&st, "a.test", 111);
	for (int i = 0; i < 10; i++)
		(void)add(&st, "a.test", 222);
	while (of_small < 10) {
		struct unit *u = next(&st);

		t_true(u != NULL);
		turns++;
		of_small += u->entry->sender == 222;
		land(&st, u, false, 1000);
	}
	t_true(turns <= 25);
	stage_done(&st);
}

/* A sender with 500 destinations, another with one. */
static void
test_fair_destinations(void **state)
{
	static struct stage st;
	unsigned of_small = 0, turns = 0;
	char name[32];

	(void)state;
	stage_init(&st);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof name, "d%d.test", i);
		(void)add(&st, name, 111);
		(void)add(&st, name, 111);
	}
	for (int i = 0; i < 10; i++)
		(void)add(&st, "mine.test", 222);
	while (of_small < 10) {
		struct unit *u = next(&st);

		t_true(u != NULL);
		turns++;
		of_small += u->entry->sender == 222;
		land(&st, u, false, 1000);
	}
	t_true(turns <= 25);
	stage_done(&st);
}

static void
count_and_pull(void *arg, struct unit *u)
{
	struct { struct stage *st; unsigned n; } *x = arg;

	x->n++;
	if (x->n % 2)
		dest_pull(&x->st->ds, u);
}

static void
test_each(void **state)
{
	static const unsigned sizes[] = { 1, 2, 7, 8, 9, 10, 100 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		static struct stage st;
		struct { struct stage *st; unsigned n; } x = { &st, 0 };
		struct dest *d = NULL;

		stage_init(&st);
		for (unsigned k = 0; k < sizes[i]; k++)
			d = add(&st, "a.test", k)->dest;
		dest_each(d, count_and_pull, &x);
		t_int(x.n, sizes[i]);
		t_int(d->nready, sizes[i] / 2);
		stage_done(&st);
	}
}

static void
test_idle(void **state)
{
	static struct stage st;
	char name[32];

	(void)state;
	stage_init(&st);
	for (int i = 0; i < 3000; i++) {
		struct unit *u;

		(void)snprintf(name, sizeof name, "d%d.test", i);
		(void)add(&st, name, 1);
		u = next(&st);
		land(&st, u, false, 1000);
	}
	t_int(st.ds.by_key.n, DEST_IDLE_MAX);
	t_true(dest_find(&st.ds, T_SMTP, STR("D2999.test")) != NULL);
	t_true(dest_find(&st.ds, T_SMTP, STR("d5.test")) == NULL);
	stage_done(&st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window), cmocka_unit_test(test_grows),
		cmocka_unit_test(test_dead), cmocka_unit_test(test_fair_senders),
		cmocka_unit_test(test_fair_destinations), cmocka_unit_test(test_each),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
