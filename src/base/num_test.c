/* SPDX-License-Identifier: ISC */
/*
 * num_test: parsing at the borders, byte order.
 *
 * A NULL in a column means: must be refused.
 */
#include "base/num.h"
#include "base/test.h"

static const struct {
	const char *in;
	bool u64, u32, i64;
	uint64_t want;
} cases[] = {
	{ "0", true, true, true, 0 },
	{ "007", true, true, true, 7 },
	{ "4294967295", true, true, true, UINT32_MAX },
	{ "4294967296", true, false, true, UINT64_C(1) << 32 },
	{ "9223372036854775808", true, false, false, UINT64_C(1) << 63 },
	{ "18446744073709551615", true, false, false, UINT64_MAX },
	{ "18446744073709551616", false, false, false, 0 },
	{ "99999999999999999999999", false, false, false, 0 },
	{ "", false, false, false, 0 },
	{ " 1", false, false, false, 0 },
	{ "1 ", false, false, false, 0 },
	{ "+1", false, false, false, 0 },
	{ "-1", false, false, true, UINT64_MAX },
	{ "-9223372036854775808", false, false, true, UINT64_C(1) << 63 },
	{ "-9223372036854775809", false, false, false, 0 },
	{ "--1", false, false, false, 0 },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t u64 = 0;
		uint32_t u32 = 0;
		int64_t i64 = 0;

		T_CASE(cases[i].in);
		t_int(num_parse_u64(str_of(cases[i].in), &u64), cases[i].u64);
		t_int(num_parse_u32(str_of(cases[i].in), &u32), cases[i].u32);
		t_int(num_parse_i64(str_of(cases[i].in), &i64), cases[i].i64);
		if (cases[i].u64)
			t_true(u64 == cases[i].want);
		if (cases[i].u32)
			t_true(u32 == cases[i].want);
		if (cases[i].i64)
			t_int(i64, cases[i].want);
	}
}

static void
test_rest(void **state)
{
	unsigned char b[8];
	uint64_t v = 0;

	(void)state;
	t_true(num_parse_hex(STR("fFfFfFfFfFfFfFfF"), &v) && v == UINT64_MAX);
	t_false(num_parse_hex(STR("10000000000000000"), &v));
	t_false(num_parse_hex(STR(""), &v));
	t_false(num_parse_hex(STR("x"), &v));
	put_be32(b, 0x01020304);
	t_int(b[0], 1);
	t_int(get_le32(b), 0x04030201);
	put_le64(b, UINT64_C(0x0102030405060708));
	t_int(b[0], 8);
	t_true(get_be64(b) == UINT64_C(0x0807060504030201));
	put_be16(b, 0x0102);
	t_int(get_le16(b), 0x0201);
	t_int(num_round_up(0, 8), 0);
	t_int(num_round_up(9, 8), 16);
	t_int(MIN(3, 4), 3);
	t_int(MAX(3, 4), 4);
	t_false(num_add(SIZE_MAX, (size_t)1, &(size_t){ 0 }));
	t_false(num_mul(SIZE_MAX / 2, (size_t)3, &(size_t){ 0 }));
	t_false(num_sub((size_t)1, (size_t)2, &(size_t){ 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
