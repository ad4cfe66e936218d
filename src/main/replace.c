/* SPDX-License-Identifier: ISC */
/*
 * replace: see replace.h.
 *
 * The lock is that of the old file; who waited for it finds another file of that name then, and
 * takes the lock of that one.
 */
#include "main/replace.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool
replace_read(const char *verb, const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		char *to = buf_reserve(out, 65536);

		n = to != NULL ? read(fd, to, 65536) : -1;
		if (n > 0)
			buf_add(out, (size_t)n);
	}
	if (fd >= 0)
		(void)close(fd);
	if (n != 0)
		(void)fprintf(stderr, "postern %s: %s cannot be read\n", verb, path);
	return n == 0;
}

bool
replace_write(const char *path, struct str text)
{
	static char tmp[PATH_MAX + 8];
	struct stat st;
	bool good;
	int fd;

	(void)snprintf(tmp, sizeof tmp, "%s.new", path);
	if (stat(path, &st) != 0)
		return false;
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	good = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n &&
	    (fchown(fd, st.st_uid, st.st_gid) == 0 || geteuid() != 0) &&
	    fchmod(fd, st.st_mode & 0777) == 0 && fsync(fd) == 0 && rename(tmp, path) == 0;
	if (fd >= 0) {
		(void)close(fd);
		if (!good)
			(void)unlink(tmp);
	}
	return good;
}

int
replace_lock(const char *path)
{
	for (;;) {
		struct stat mine, named;
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX) == 0 && fstat(fd, &mine) == 0 && stat(path, &named) == 0 &&
		    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
			return fd;
		(void)close(fd);
	}
}
