/* SPDX-License-Identifier: ISC */
/*
 * image_test: what was put in is found, nothing else is; damaged and unsealed images are refused.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test.h"
#include "table/image.h"

enum { MANY = 200'000 };

static void
test_found(void **state)
{
	struct image_builder *b = image_builder_new();
	char key[32], value[32];
	struct image img;
	struct str got;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		int nk = snprintf(key, sizeof key, "user%d", i);
		int nv = snprintf(value, sizeof value, "v%d", i * 7);

		t_true(image_add(b, (struct str){ key, (size_t)nk }, (struct str){ value,
		    (size_t)nv }));
	}
	t_true(image_add(b, STR(""), STR("empty key")));
	t_true(image_add(b, STR("k"), STR("")));
	t_false(image_add(b, STR("user5"), STR("again")));
	int fd = image_finish(b);

	t_true(fd >= 0);
	t_true(image_open(&img, fd));
	(void)close(fd);
	t_int(img.nentry, MANY + 2);
	for (int i = 0; i < MANY; i += 97) {
		int nk = snprintf(key, sizeof key, "user%d", i);

		(void)snprintf(value, sizeof value, "v%d", i * 7);
		T_CASE(value);
		t_true(image_get(&img, (struct str){ key, (size_t)nk }, &got));
		t_str(got, value);
		key[0] = 'x';
		t_false(image_get(&img, (struct str){ key, (size_t)nk }, &got));
	}
	t_true(image_get(&img, STR(""), &got));
	t_str(got, "empty key");
	t_true(image_get(&img, STR("k"), &got));
	t_int(got.n, 0);
	image_close(&img);
	t_false(image_get(&img, STR("k"), &got));
}

static int
copy_of(int fd, size_t n, size_t flip, bool seal)
{
	int to = memfd_create("copy", MFD_ALLOW_SEALING);
	char *p = malloc(n);

	t_true(pread(fd, p, n, 0) == (ssize_t)n);
	if (flip < n)
		p[flip] = (char)(p[flip] ^ 0x5a);
	t_true(write(to, p, n) == (ssize_t)n);
	if (seal)
		t_true(fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	free(p);
	return to;
}

static void
test_damaged(void **state)
{
	struct image_builder *b = image_builder_new();
	struct image img;

	(void)state;
	t_true(image_add(b, STR("alice"), STR("1")));
	int fd = image_finish(b);
	size_t n = (size_t)lseek(fd, 0, SEEK_END);
	int unsealed = copy_of(fd, n, n, false);

	t_false(image_open(&img, unsealed));
	(void)close(unsealed);
	/* Every damaged octet is either refused, or every look-up stays inside and ends. */
	for (size_t i = 0; i < n; i = i < 64 || i > n - 64 ? i + 1 : i + 61) {
		int bad = copy_of(fd, n, i, true);
		struct str v;

		if (image_open(&img, bad)) {
			if (image_get(&img, STR("alice"), &v))
				t_true(v.p >= img.p && v.p + v.n <= img.p + img.n);
			image_close(&img);
		}
		(void)close(bad);
	}
	t_false(image_open(&img, -1));
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found), cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
