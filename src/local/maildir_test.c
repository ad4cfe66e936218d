/* SPDX-License-Identifier: ISC */
/*
 * Tests of maildir and filesafe on a real directory: what lands in new/, how it is called, and what
 * is refused (requirement F3: links, foreign directories, names that are taken).
 */
#include "local/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[] = "/tmp/maildir_test.XXXXXX";

static int
make_base(void **state)
{
	(void)state;
	return mkdtemp(base) == NULL;
}

static int
remove_base(void **state)
{
	(void)state;
	pid_t pid = fork();

	if (pid == 0)
		execl("/bin/rm", "rm", "-rf", base, (char *)NULL);
	return pid == -1;
}

static void
expect_file(const struct maildir *m, const char *name, const char *want)
{
	char got[256] = "";
	int fd = openat(m->new, name, O_RDONLY);

	assert_true(fd >= 0);
	ssize_t n = read(fd, got, sizeof got - 1);

	(void)close(fd);
	assert_int_equal(n, (int)strlen(want));
	assert_string_equal(got, want);
}

static void
test_F3_write_and_publish(void **state)
{
	struct filesafe_error e;
	struct maildir m;
	char name[MAILDIR_NAME_MAX];

	(void)state;
	assert_int_equal(maildir_open(&m, base, "example.test/alice", "", &e), 0);
	maildir_name(name, 0x123456789abcdef0, 2, 1700000000, STR("mx/1.example:7"));
	assert_non_null(strstr(name, "mx\\0571.example\\0727"));
	assert_int_equal(maildir_write(&m, name, STR("Return-Path: <a@b>\r\n"),
	    STR("Subject: x\r\n\r\nlone \r stays\r\nlast\r")), 0);
	assert_int_equal(faccessat(m.new, name, F_OK, 0), -1);
	assert_int_equal(maildir_publish(&m, name), 0);
	expect_file(&m, name, "Return-Path: <a@b>\nSubject: x\n\nlone \r stays\nlast\r");

	/* the same delivery again is done, not doubled, and does not overwrite */
	assert_int_equal(maildir_write(&m, name, STR(""), STR("other")), 0);
	assert_int_equal(maildir_publish(&m, name), 0);
	expect_file(&m, name, "Return-Path: <a@b>\nSubject: x\n\nlone \r stays\nlast\r");
	assert_int_equal(faccessat(m.tmp, name, F_OK, 0), -1);
	maildir_close(&m);
}

static void
test_F3_folder(void **state)
{
	struct filesafe_error e;
	struct maildir m;

	(void)state;
	assert_int_equal(maildir_open(&m, base, "example.test/alice", ".Junk", &e), 0);
	assert_int_equal(faccessat(m.root, "maildirfolder", F_OK, 0), 0);
	maildir_close(&m);
}

static void
test_F3_links_and_foreign_directories(void **state)
{
	struct filesafe_error e;
	struct maildir m;
	char path[256];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/evil", base);
	assert_int_equal(symlink("/etc", path), 0);
	assert_int_equal(maildir_open(&m, base, "evil", "", &e), -1);
	assert_string_equal(e.path, "evil");

	assert_int_equal(maildir_open(&m, base, "../etc", "", &e), -1);
	assert_string_equal(e.what, "path component refused");

	(void)snprintf(path, sizeof path, "%s/open", base);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(maildir_open(&m, base, "open", "", &e), -1);
	assert_string_equal(e.what, "directory can be written by everybody");

	/* a link put where our file goes is not written through */
	assert_int_equal(maildir_open(&m, base, "bob", "", &e), 0);
	assert_int_equal(symlinkat("/tmp/maildir_test.victim", m.tmp, "n"), 0);
	assert_int_equal(maildir_write(&m, "n", STR(""), STR("x")), 0);
	assert_int_equal(access("/tmp/maildir_test.victim", F_OK), -1);
	maildir_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_F3_write_and_publish),
		cmocka_unit_test(test_F3_folder),
		cmocka_unit_test(test_F3_links_and_foreign_directories),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
