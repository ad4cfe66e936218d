/* SPDX-License-Identifier: ISC */
/*
 * file_test: each way in which a file can be somebody else's, and the component the answer names.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "table/file.h"

static char dir[] = "/tmp/file_test.XXXXXX";

static const struct {
	const char *name;		/* below dir */
	bool secret;
	enum file want;
	const char *why;
} cases[] = {
	{ "good", false, FILE_OK, "" },
	{ "sub/good", false, FILE_OK, "" },
	{ "good", true, FILE_UNSAFE, "/good is a secret that others can read: chmod 600" },
	{ "private", true, FILE_OK, "" },
	{ "missing", false, FILE_MISSING, "/missing does not exist" },
	{ "nodir/x", false, FILE_MISSING, "/nodir does not exist" },
	{ "link", false, FILE_UNSAFE, "/link is a symbolic link" },
	{ "linkdir/good", false, FILE_UNSAFE, "/linkdir is a symbolic link" },
	{ "open", false, FILE_UNSAFE, "/open is writable by others: chmod go-w" },
	{ "wide/good", false, FILE_UNSAFE, "/wide is writable by everybody: chmod o-w" },
	{ "twice", false, FILE_UNSAFE, "/twice has a second name" },
	{ "sub", false, FILE_UNSAFE, "/sub is not a regular file" },
};

static char *
at(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
make(const char *name, mode_t mode)
{
	int fd = open(at(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	t_true(fd >= 0 && write(fd, "text\n", 5) == 5 && fchmod(fd, mode) == 0);
	(void)close(fd);
}

static int
set_up(void **state)
{
	char first[256];

	(void)state;
	t_true(mkdtemp(dir) != NULL);
	t_true(mkdir(at("sub"), 0755) == 0 && mkdir(at("wide"), 0755) == 0);
	t_true(chmod(at("wide"), 0777) == 0);
	make("good", 0644);
	make("sub/good", 0644);
	make("wide/good", 0644);
	make("private", 0600);
	make("open", 0666);
	make("twice", 0644);
	(void)snprintf(first, sizeof first, "%s/twice", dir);
	t_true(link(first, at("twice2")) == 0);
	t_true(symlink("good", at("link")) == 0 && symlink("sub", at("linkdir")) == 0);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "good", "sub/good", "wide/good", "private", "open",
		"twice", "twice2", "link", "linkdir" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(at(names[i]));
	(void)rmdir(at("sub"));
	(void)rmdir(at("wide"));
	return rmdir(dir);
}

static void
test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct file_rules rules = { .secret = cases[i].secret };
		struct buf text, why;
		struct stat st;

		T_CASE(cases[i].name);
		buf_init(&text, 1 << 20);
		buf_init(&why, 1024);
		t_int(file_read(at(cases[i].name), &rules, &text, &why, &st), cases[i].want);
		t_true(str_find(buf_str(&why), str_of(cases[i].why)) >= 0);
		if (cases[i].want == FILE_OK)
			t_str(buf_str(&text), "text\n");
		buf_done(&text);
		buf_done(&why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
