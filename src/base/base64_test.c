/* SPDX-License-Identifier: ISC */
/*
 * base64_test: the vectors of RFC 4648 10, and what must be refused.
 *
 * Also every length up to 100 there and back.
 */
#include "base/base64.h"
#include "base/test.h"

static const struct {
	const char *plain, *text;
} good[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xff\xff\xfe", "///+" },
};

static const char *const bad[] = {
	"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Zg==Zg==", "Zm 8=", "Zm8\n", "Zm9v\r\n\r\n",
	"=m9v", "Z=9v", "Zm=v", "-_-_",
};

static void
test_base64(void **state)
{
	struct buf b, back;
	char in[100];

	(void)state;
	buf_init(&b, 1000);
	buf_init(&back, 1000);
	for (size_t i = 0; i < COUNT(good); i++) {
		T_CASE(good[i].text);
		buf_reset(&b);
		t_true(base64_encode(&b, str_of(good[i].plain)));
		t_str(buf_str(&b), good[i].text);
		buf_reset(&b);
		t_true(base64_decode(&b, str_of(good[i].text)));
		t_str(buf_str(&b), good[i].plain);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		T_CASE(bad[i]);
		buf_reset(&b);
		t_false(base64_decode(&b, str_of(bad[i])));
		t_int(b.n, 0);
	}
	for (size_t n = 0; n < sizeof in; n++) {
		in[n] = (char)(n * 73);
		buf_reset(&b);
		buf_reset(&back);
		t_true(base64_encode(&b, (struct str){ in, n }));
		t_int(b.n, base64_len(n));
		t_true(base64_decode(&back, buf_str(&b)));
		t_streq(buf_str(&back), str_from(in, n));
	}
	buf_done(&b);
	buf_done(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_base64) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
