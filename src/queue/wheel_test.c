/* SPDX-License-Identifier: ISC */
/*
 * wheel_test: things come out at their second, in order, however far away.
 *
 * Seconds around the borders of blocks and levels.
 */
#include "base/test.h"
#include "queue/wheel.h"

static const uint32_t waits[] = {
	0, 1, 2, 59, 60, 255, 256, 257, 511, 512, 3600, 65'279, 65'280, 65'535, 65'536, 65'537,
	131'072, 200'000, 432'000,
};

static void
test_order(void **state)
{
	static const uint32_t starts[] = { 0, 1, 255, 256, 65'535, 200'000'123 };

	(void)state;
	for (size_t s = 0; s < COUNT(starts); s++) {
		struct due d[COUNT(waits)];
		static struct wheel w;
		size_t next = 0;

		wheel_init(&w, starts[s]);
		for (size_t i = COUNT(waits); i-- > 0;) {
			link_init(&d[i].link);
			d[i].at = starts[s] + waits[i];
			wheel_add(&w, &d[i]);
		}
		t_int(w.n, COUNT(waits));
		for (uint32_t now = starts[s]; next < COUNT(waits); now++) {
			struct due *x;

			while ((x = wheel_take(&w, now))) {
				t_int(x->at, d[next].at);
				t_int(x->at, now);
				next++;
			}
		}
		t_int(w.n, 0);
	}
}

static void
test_del(void **state)
{
	struct due d[3] = { { .at = 5 }, { .at = 300 }, { .at = 100'000 } };
	static struct wheel w;

	(void)state;
	wheel_init(&w, 0);
	for (size_t i = 0; i < COUNT(d); i++)
		wheel_add(&w, &d[i]);
	wheel_del(&w, &d[1]);
	t_true(wheel_take(&w, 4) == NULL);
	t_true(wheel_take(&w, 50'000) == &d[0]);
	t_true(wheel_take(&w, 50'000) == NULL);
	/* A jump over many blocks. */
	t_true(wheel_take(&w, 1'000'000) == &d[2]);
	t_true(wheel_take(&w, 1'000'000) == NULL);
	t_int(w.now, 1'000'000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_del),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
