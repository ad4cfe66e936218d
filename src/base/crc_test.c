/* SPDX-License-Identifier: ISC */
/*
 * crc_test: the vectors of RFC 3720 B.4, and the fast way against the table.
 *
 * All lengths around the stream borders and all alignments.
 */
#include "base/crc.h"
#include "base/test.h"

static void
test_vectors(void **state)
{
	unsigned char b[32];

	(void)state;
	t_int(crc32c(0, "123456789", 9), 0xe3069283);
	memset(b, 0, sizeof b);
	t_int(crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, sizeof b);
	t_int(crc32c(0, b, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		b[i] = (unsigned char)i;
	t_int(crc32c(0, b, 32), 0x46dd794e);
	t_int(crc32c(0, b, 0), 0);
	t_int(crc32c(crc32c(0, b, 5), b + 5, 27), 0x46dd794e);
}

static void
test_same(void **state)
{
	static unsigned char b[20'000];

	(void)state;
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (unsigned char)(i * 2654435761U >> 13);
	for (size_t n = 0; n < sizeof b - 8; n += n < 40 || (n > 4070 && n < 4100) ? 1 : 97)
		for (size_t off = 0; off < 8; off += 3)
			t_int(crc32c(7, b + off, n), crc32c_table(7, b + off, n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
