/* SPDX-License-Identifier: ISC */
/*
 * msgid_test: packing, text, and that text sorts like numbers.
 *
 * Also the secret's comparison, which has no file of its own.
 */
#include "base/msgid.h"
#include "base/secret.h"
#include "base/test.h"

static void
test_msgid(void **state)
{
	static const uint64_t ids[] = { 0, 1, 31, 32, 0xffff, UINT64_C(1) << 40, UINT64_MAX };
	char last[MSGID_TEXT] = "", text[MSGID_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		uint64_t back = 1;
		struct str t = msgid_format(ids[i], text);

		t_true(msgid_parse(t, &back));
		t_true(back == ids[i]);
		t_true(i == 0 || memcmp(last, text, sizeof text) < 0);
		memcpy(last, text, sizeof last);
	}
	t_str(msgid_format(UINT64_MAX, text), "fzzzzzzzzzzzz");
	uint64_t id = msgid_make(INT64_C(1700000000123), 5, 77);

	t_int(msgid_unix_ms(id), INT64_C(1700000000123));
	t_int(msgid_writer(id), 5);
	t_int(msgid_unix_ms(msgid_make(0, 0, 1)), MSGID_EPOCH_MS);
	t_true(msgid_parse(STR("FZZZZZZZZZZZZ"), &id));
	t_false(msgid_parse(STR("g000000000000"), &id));
	t_false(msgid_parse(STR("000000000000"), &id));
	t_false(msgid_parse(STR("00000000000000"), &id));
	t_false(msgid_parse(STR("000000i000000"), &id));
}

static void
test_secret(void **state)
{
	(void)state;
	t_true(secret_eq(secret_of(STR("abc")), secret_of(STR("abc"))));
	t_false(secret_eq(secret_of(STR("abc")), secret_of(STR("abd"))));
	t_false(secret_eq(secret_of(STR("abc")), secret_of(STR("ab"))));
	t_str(secret_reveal(secret_of(STR("abc"))), "abc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msgid), cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
