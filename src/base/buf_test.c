/* SPDX-License-Identifier: ISC */
/*
 * buf_test: growth, the maximum, numbers.
 *
 * The rule under test: past max nothing changes and the failure sticks.
 */
#include "base/buf.h"
#include "base/hex.h"
#include "base/test.h"

static void
test_puts(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	t_true(buf_puts(&b, "a="));
	t_true(buf_putu(&b, UINT64_MAX));
	t_true(buf_putc(&b, ' '));
	t_true(buf_puti(&b, INT64_MIN));
	t_true(buf_putf(&b, " %s-%d", "x", 7));
	t_str(buf_str(&b), "a=18446744073709551615 -9223372036854775808 x-7");
	buf_shift(&b, 2);
	t_true(str_starts(buf_str(&b), STR("1844")));
	buf_shift(&b, 1000);
	t_int(b.n, 0);
	t_true(buf_put(&b, (struct str){}));
	buf_done(&b);
}

static void
test_max(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 300);
	for (int i = 0; i < 300; i++)
		t_true(buf_putc(&b, 'x'));
	t_false(buf_putc(&b, 'y'));
	t_true(b.failed);
	t_int(b.n, 300);
	t_false(buf_puts(&b, ""));		/* sticks */
	buf_reset(&b);
	t_false(buf_put(&b, (struct str){ b.p, 301 }));
	t_int(b.n, 0);
	buf_reset(&b);
	t_true(buf_puts(&b, "again"));
	t_true(b.cap <= 300);
	buf_done(&b);
	t_true(b.p == NULL);
}

static void
test_hex(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	t_true(hex_encode(&b, STR("\x00\xff\x1a")));
	t_str(buf_str(&b), "00ff1a");
	buf_reset(&b);
	t_true(hex_decode(&b, STR("00fF1A")));
	t_streq(buf_str(&b), STR("\x00\xff\x1a"));
	t_false(hex_decode(&b, STR("0")));
	t_false(hex_decode(&b, STR("0g")));
	t_int(b.n, 3);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_puts), cmocka_unit_test(test_max),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
