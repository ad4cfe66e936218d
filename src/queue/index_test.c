/* SPDX-License-Identifier: ISC */
/*
 * index_test: lists of recipients, and the promise of 400 bytes a message.
 *
 * The million is counted with what malloc really took.
 */
#include <malloc.h>

#include "base/test.h"
#include "queue/dest.h"
#include "queue/reason.h"

static void
test_idx(void **state)
{
	struct seg seg = {};
	struct index ix;
	struct entry *e;
	struct unit *u;

	(void)state;
	index_init(&ix);
	e = entry_new(&ix, 7, &seg, 0);
	for (uint32_t n = 1; n < 70; n++) {
		u = unit_new(&ix, e, NULL);
		for (uint32_t i = 0; i < n; i++)
			unit_add_idx(u, i * 3);
		t_int(u->nidx, n);
		for (uint32_t i = 0; i < n; i++)
			t_int(unit_idx(u)[i], i * 3);
		t_false(unit_del_idx(u, 1));
		for (uint32_t i = 0; i < n; i++)
			t_true(unit_del_idx(u, (n - 1 - i) * 3));
		t_int(u->nidx, 0);
		unit_add_idx(u, 5);
		t_int(unit_idx(u)[0], 5);
		unit_free(&ix, u);
	}
	for (int i = 0; i < 3; i++)
		unit_add_idx(unit_new(&ix, e, NULL), 1);
	(void)entry_add_target(e, &(struct made_rcpt){ .idx = 4, .addr = STR("a@b") });
	t_str(entry_target(e, 4)->addr, "a@b");
	t_true(entry_target(e, 5) == NULL);
	t_int(e->extra->next_idx, 5);
	t_int(seg.live, 1);
	entry_free(&ix, e);
	t_int(seg.live, 0);
	t_true(entry_find(&ix, 7) == NULL);
	t_int(ix.units.nused, 0);
	index_done(&ix);
}

static size_t
heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
test_million(void **state)
{
	enum { N = 1'000'000 };
	static const struct limits lim = { .dest_parallel = 20, .dest_parallel_start = 5 };
	size_t before = heap(), bytes;
	struct seg seg = {};
	static struct dests ds;
	struct index ix;

	(void)state;
	index_init(&ix);
	dests_init(&ds, &lim, 0, 1);
	for (uint32_t i = 0; i < N; i++) {
		struct entry *e = entry_new(&ix, ((uint64_t)i << 20) + 1, &seg, i);
		struct unit *u = unit_new(&ix, e, NULL);
		char name[32];

		e->sender = i * 2654435761U;
		(void)snprintf(name, sizeof name, "d%u.example", i % 1000);
		u->dest = dest_get(&ds, T_SMTP, str_of(name));
		dest_ref(&ds, u->dest);
		unit_add_idx(u, 0);
		u->state = UNIT_READY;
		dest_push(&ds, u, false);
	}
	bytes = (heap() - before) / N;
	print_message("bytes a message: %zu (index alone %zu)\n", bytes, index_bytes(&ix) / N);
	t_true(bytes <= 400);
	t_true(bytes <= 220);
	t_true(index_bytes(&ix) / N <= 200);
	index_done(&ix);
	dests_done(&ds);
}

static void
test_reasons(void **state)
{
	struct reasons rs;
	uint16_t a, b, last = 0;

	(void)state;
	reasons_init(&rs);
	a = reason_get(&rs, CLASS_RCPT, STR("4.2.1"), STR("mx.test"), STR("try\r\nlater"));
	b = reason_get(&rs, CLASS_RCPT, STR("4.2.1"), STR("mx.test"), STR("try\r\nlater"));
	t_int(a, b);
	t_str(reason_of(&rs, a)->status, "4.2.1");
	t_str(reason_of(&rs, a)->mta, "mx.test");
	t_str(reason_of(&rs, a)->reply, "try  later");
	t_true(reason_get(&rs, CLASS_HOST, STR("4.2.1"), STR("mx.test"), STR("try\r\nlater")) != a);
	for (unsigned i = 0; i < 20'000; i++) {
		char text[32];

		(void)snprintf(text, sizeof text, "unique %u", i);
		last = reason_get(&rs, CLASS_RCPT, STR("4.0.0"), (struct str){}, str_of(text));
	}
	t_str(reason_of(&rs, last)->reply, "rcpt");	/* full: the class's own */
	reason_put(&rs, a);
	t_str(reason_of(&rs, a)->status, "4.2.1");
	reason_put(&rs, b);
	t_true(rs.r[a].refs == 0);
	t_str(reason_of(&rs, 0)->reply, "");
	reasons_done(&rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idx), cmocka_unit_test(test_million),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
