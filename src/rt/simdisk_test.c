/* SPDX-License-Identifier: ISC */
/*
 * simdisk_test: what survives a crash and what does not; faults; and that the real disk answers the
 * same as the simulated one where nothing fails.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "rt/disk.h"
#include "rt/simdisk.h"

enum { PAGE = 4096 };

static struct simdisk *d;
static int dir;

static int
up(void **state)
{
	(void)state;
	d = simdisk_new(1);
	simdisk_mount(d);
	dir = disk_opendir("/");
	return dir < 0;
}

static int
down(void **state)
{
	(void)state;
	simdisk_mount(NULL);
	simdisk_free(d);
	return 0;
}

static int
create(const char *name)
{
	int fd = disk_openat(dir, name, O_CREAT | O_EXCL | O_RDWR, 0600);

	t_true(fd >= 0);
	return fd;
}

static void
fill(int fd, char c, size_t n, uint64_t at)
{
	char *p = malloc(n);

	memset(p, c, n);
	t_int(disk_pwrite(fd, p, n, at), 0);
	free(p);
}

/* First byte of each of n pages as text; '.' for zero. */
static const char *
heads(int fd, size_t n)
{
	static char text[64];

	for (size_t i = 0; i < n; i++) {
		ssize_t r = disk_pread(fd, &text[i], 1, i * PAGE);

		if (r != 1)
			text[i] = r == 0 ? '$' : '!';
		else if (text[i] == 0)
			text[i] = '.';
	}
	text[n] = '\0';
	return text;
}

static uint64_t
crash(enum survive how)
{
	struct survival s = { .how = how, .seed = 1 };
	uint64_t n = simdisk_crash(d, &s);

	dir = disk_opendir("/");
	return n;
}

static int
reopen(const char *name)
{
	return disk_openat(dir, name, O_RDWR, 0);
}

static void
test_pages(void **state)
{
	int fd = create("f");

	(void)state;
	fill(fd, 'a', 3 * PAGE, 0);
	t_int(disk_fsync(fd), 0);
	t_int(disk_fsync(dir), 0);
	fill(fd, 'b', PAGE, PAGE);
	t_str(str_of(heads(fd, 4)), "aba$");
	t_int(crash(SURVIVE_NONE), 1);
	fd = reopen("f");
	t_str(str_of(heads(fd, 4)), "aaa$");
	fill(fd, 'b', PAGE, PAGE);
	t_int(crash(SURVIVE_ALL), 1);
	fd = reopen("f");
	t_str(str_of(heads(fd, 4)), "aba$");
	/* A larger size is unsynced as well. */
	fill(fd, 'c', PAGE, 3 * PAGE);
	t_int(crash(SURVIVE_NONE), 2);
	fd = reopen("f");
	t_int(disk_fsize(fd), 3 * PAGE);
	fill(fd, 'c', PAGE, 3 * PAGE);
	t_int(disk_fdatasync(fd), 0);
	t_int(crash(SURVIVE_NONE), 0);
	t_str(str_of(heads(reopen("f"), 5)), "abac$");
}

/* Each subset of three unsynced pages is possible; nothing else. */
static uint64_t mask;

static bool
by_mask(void *arg, uint64_t nth, bool is_name)
{
	(void)arg;
	(void)is_name;
	return mask >> nth & 1;
}

static void
test_subsets(void **state)
{
	struct survival s = { .how = SURVIVE_CHOICE, .choose = by_mask };
	int fd = create("f");

	(void)state;
	fill(fd, 'a', 3 * PAGE, 0);
	t_int(disk_syncfs(dir), 0);
	fill(fd, 'z', PAGE, 2 * PAGE);
	fill(fd, 'x', PAGE, 0);
	fill(fd, 'y', PAGE, PAGE);
	for (mask = 0; mask < 8; mask++) {
		/* By age: page 2, then 0, then 1. */
		char want[] = { mask & 2 ? 'x' : 'a', mask & 4 ? 'y' : 'a',
		    mask & 1 ? 'z' : 'a', '\0' };
		struct simdisk *c = simdisk_copy(d);

		t_int(simdisk_crash(c, &s), 3);
		simdisk_mount(c);
		dir = disk_opendir("/");
		t_str(str_of(heads(reopen("f"), 3)), want);
		simdisk_mount(d);
		simdisk_free(c);
	}
}

/* Sectors tear, but only there. */
static void
test_torn(void **state)
{
	static char page[PAGE];
	bool torn = false;

	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct survival s = { .how = SURVIVE_RANDOM, .seed = seed };
		struct simdisk *was = d, *c;
		int fd;

		(void)disk_unlinkat(dir, "f");
		fd = create("f");
		fill(fd, 'a', PAGE, 0);
		t_int(disk_syncfs(dir), 0);
		fill(fd, 'b', PAGE, 0);
		t_int(disk_close(fd), 0);
		c = simdisk_copy(d);
		(void)simdisk_crash(c, &s);
		simdisk_mount(c);
		fd = disk_openat(disk_opendir("/"), "f", O_RDONLY, 0);
		t_int(disk_pread(fd, page, PAGE, 0), PAGE);
		for (size_t i = 0; i < PAGE; i++) {
			t_true(page[i] == 'a' || page[i] == 'b');
			if (i % 512 != 0)
				t_int(page[i], page[i - 1]);
			torn = torn || page[i] != page[0];
		}
		simdisk_mount(was);
		simdisk_free(c);
	}
	t_true(torn);
}

static void
test_names(void **state)
{
	int fd, sub;

	(void)state;
	/* Syncing the file does not sync its name. */
	fd = create("f");
	fill(fd, 'a', 1, 0);
	t_int(disk_fsync(fd), 0);
	t_int(crash(SURVIVE_NONE), 1);
	t_int(reopen("f"), -ENOENT);
	/* Nor the name its content. */
	fd = create("f");
	fill(fd, 'a', 1, 0);
	t_int(disk_fsync(dir), 0);
	t_int(crash(SURVIVE_NONE), 2);
	t_int(disk_fsize(reopen("f")), 0);
	/* A rename is whole or not at all, and replaces. */
	fd = create("g");
	fill(fd, 'g', 1, 0);
	t_int(disk_fsync(fd), 0);
	t_int(disk_fsync(dir), 0);
	t_int(disk_rename_new(dir, "g", dir, "f"), -EEXIST);
	t_int(disk_renameat(dir, "g", dir, "f"), 0);
	t_int(reopen("g"), -ENOENT);
	t_int(crash(SURVIVE_NONE), 1);
	t_str(str_of(heads(reopen("g"), 1)), "g");
	t_int(disk_fsize(reopen("f")), 0);
	t_int(disk_renameat(dir, "g", dir, "f"), 0);
	t_int(crash(SURVIVE_ALL), 1);
	t_int(reopen("g"), -ENOENT);
	t_str(str_of(heads(reopen("f"), 1)), "g");
	/* Removal; directories; links. */
	t_int(disk_unlinkat(dir, "f"), 0);
	t_int(reopen("f"), -ENOENT);
	t_int(crash(SURVIVE_NONE), 1);
	t_str(str_of(heads(reopen("f"), 1)), "g");
	t_int(disk_mkdirat(dir, "sub", 0700), 0);
	t_int(disk_linkat(dir, "f", dir, "sub/link"), 0);
	sub = disk_opendir("/sub");
	t_int(disk_fsync(sub), 0);
	t_int(disk_fsync(dir), 0);
	t_int(disk_unlinkat(dir, "f"), 0);
	t_int(disk_fsync(dir), 0);
	t_int(crash(SURVIVE_NONE), 0);
	t_str(str_of(heads(disk_openat(dir, "sub/link", O_RDONLY, 0), 1)), "g");
}

static void
test_faults(void **state)
{
	int fd = create("f"), fd2;
	char byte;

	(void)state;
	fill(fd, 'a', 8 * PAGE, 0);
	t_int(disk_syncfs(dir), 0);
	/* A sync that fails: what it lost stays readable, and the next sync says well. */
	fill(fd, 'b', 8 * PAGE, 0);
	simdisk_fault(d, DISK_SYNC, 0, 1, EIO);
	t_int(disk_fdatasync(fd), -EIO);
	t_str(str_of(heads(fd, 8)), "bbbbbbbb");
	t_int(disk_fdatasync(fd), 0);
	t_int(crash(SURVIVE_ALL), 0);
	fd = reopen("f");
	t_true(strchr(heads(fd, 8), 'a') != NULL);
	t_true(strchr(heads(fd, 8), 'b') != NULL);
	simdisk_fault(d, DISK_READ, 1, 1, EIO);
	t_int(disk_pread(fd, &byte, 1, 0), 1);
	t_int(disk_pread(fd, &byte, 1, 0), -EIO);
	t_int(disk_pread(fd, &byte, 1, 0), 1);
	/* The end of the disk. */
	simdisk_capacity(d, 10 * PAGE);
	t_int(disk_free_bytes(dir), 2 * PAGE);
	t_int(disk_pwrite(fd, "xyz", 3, 10 * PAGE), -ENOSPC);
	t_int(disk_fsize(fd), 8 * PAGE);
	fd2 = create("g");
	t_int(disk_fallocate(fd2, 0, 3 * PAGE), -ENOSPC);
	t_int(disk_fallocate(fd2, 0, 2 * PAGE), 0);
	t_int(disk_free_bytes(dir), 0);
	t_int(disk_close(fd2), 0);
	t_int(disk_unlinkat(dir, "g"), 0);
	t_int(disk_free_bytes(dir), 2 * PAGE);
	t_int(disk_ftruncate(fd, 1), 0);
	t_int(disk_free_bytes(dir), 9 * PAGE);
	t_int(disk_ftruncate(fd, 2 * PAGE), 0);
	t_str(str_skip(str_of(heads(fd, 3)), 1), ".$");
	t_int(disk_pread(fd, &byte, 1, 1), 1);
	t_int(byte, 0);
}

/* Early write-back: under "nothing survives", a former state of the page may have. */
static void
test_writeback(void **state)
{
	int fd = create("f");

	(void)state;
	fill(fd, 'a', PAGE, 0);
	t_int(disk_syncfs(dir), 0);
	simdisk_writeback(d, 100);
	fill(fd, 'b', PAGE, 0);
	fill(fd, 'c', PAGE, 0);
	t_int(crash(SURVIVE_NONE), 1);
	t_str(str_of(heads(reopen("f"), 1)), "b");
}

/* The same steps on a real directory and on the simulated one. */
static bool
count_name(void *arg, const char *name)
{
	size_t *n = arg;

	*n += strlen(name);
	return true;
}

static int
steps(int *out)
{
	struct iovec iov[2] = { { (char *)(uintptr_t)"hello ", 6 },
	    { (char *)(uintptr_t)"world", 5 } };
	char text[32] = "";
	size_t names = 0;
	int n = 0, fd = disk_openat(dir, "a", O_CREAT | O_EXCL | O_RDWR, 0600);

	out[n++] = disk_openat(dir, "a", O_CREAT | O_EXCL | O_RDWR, 0600);
	out[n++] = disk_pwritev(fd, iov, 2, 3);
	out[n++] = (int)disk_pread(fd, text, sizeof text, 0);
	out[n++] = memcmp(text, "\0\0\0hello world", 14);
	out[n++] = (int)disk_pread(fd, text, sizeof text, 14);
	out[n++] = disk_fdatasync(fd);
	out[n++] = disk_fallocate(fd, 0, 10000);
	out[n++] = (int)disk_fsize(fd);
	out[n++] = disk_ftruncate(fd, 5);
	out[n++] = (int)disk_fsize(fd);
	out[n++] = disk_mkdirat(dir, "s", 0700);
	out[n++] = disk_mkdirat(dir, "s", 0700);
	out[n++] = disk_linkat(dir, "a", dir, "s/bcd");
	out[n++] = disk_linkat(dir, "a", dir, "s/bcd");
	out[n++] = disk_renameat(dir, "none", dir, "x");
	out[n++] = disk_renameat(dir, "a", dir, "s/e");
	out[n++] = disk_rename_new(dir, "s/e", dir, "f");
	out[n++] = disk_openat(dir, "a", O_RDONLY, 0);
	out[n++] = disk_list(dir, count_name, &names);
	out[n++] = (int)names;
	out[n++] = disk_unlinkat(dir, "f");
	out[n++] = disk_unlinkat(dir, "f");
	out[n++] = disk_unlinkat(dir, "s/bcd");
	out[n++] = (int)disk_pread(fd, text, 2, 0);
	out[n++] = disk_fsync(dir);
	out[n++] = disk_syncfs(dir);
	out[n++] = disk_free_bytes(dir) > 0 && disk_free_bytes(dir) <= disk_total_bytes(dir);
	out[n++] = disk_close(fd);
	return n;
}

static void
test_same(void **state)
{
	char path[] = "/tmp/rt-disk-XXXXXX", sub[64];
	int sim[40], real[40], n = steps(sim);

	(void)state;
	simdisk_mount(NULL);
	t_true(mkdtemp(path) != NULL);
	dir = disk_opendir(path);
	t_true(dir >= 0);
	t_int(steps(real), n);
	t_int(disk_close(dir), 0);
	(void)snprintf(sub, sizeof sub, "%s/s", path);
	t_int(rmdir(sub), 0);
	t_int(rmdir(path), 0);
	for (int i = 0; i < n; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "step %d", i);
		T_CASE(name);
		t_int(sim[i], real[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, up, down),
		cmocka_unit_test_setup_teardown(test_subsets, up, down),
		cmocka_unit_test_setup_teardown(test_torn, up, down),
		cmocka_unit_test_setup_teardown(test_names, up, down),
		cmocka_unit_test_setup_teardown(test_faults, up, down),
		cmocka_unit_test_setup_teardown(test_writeback, up, down),
		cmocka_unit_test_setup_teardown(test_same, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
