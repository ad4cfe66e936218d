/* SPDX-License-Identifier: ISC */
/*
 * filesafe: see filesafe.h.  openat2 has no wrapper in the C library of Debian 12.
 */
#include "local/filesafe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
open_beneath(int dirfd, const char *name, uint64_t flags, uint64_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW, .mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof how);
}

static int
refuse(struct filesafe_error *e, int err, const char *what, const char *path)
{
	size_t n = strnlen(path, sizeof e->path - 1);

	e->err = err;
	e->what = what;
	memcpy(e->path, path, n);
	e->path[n] = '\0';
	return -1;
}

/* Rule 2.  The sticky bit does not help: it lets others put names beside ours. */
static bool
dir_is_ours(int fd, struct filesafe_error *e, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return refuse(e, errno, "cannot stat", name) == 0;
	if (st.st_uid != geteuid())
		return refuse(e, EPERM, "directory belongs to another user", name) == 0;
	if ((st.st_mode & S_IWOTH) != 0)
		return refuse(e, EPERM, "directory can be written by everybody", name) == 0;
	if ((st.st_mode & S_IWGRP) != 0 && st.st_gid != getegid())
		return refuse(e, EPERM, "directory can be written by another group", name) == 0;
	return true;
}

int
filesafe_subdir(int dirfd, const char *name, struct filesafe_error *e)
{
	int fd = open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd == -1 && errno == ENOENT) {
		if (mkdirat(dirfd, name, 0700) == -1 && errno != EEXIST)
			return refuse(e, errno, "cannot make directory", name);
		/* The name must last before a message in it does. */
		(void)fsync(dirfd);
		fd = open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd == -1)
		return refuse(e, errno,
		    errno == ELOOP ? "symbolic link" : "cannot open directory", name);
	if (!dir_is_ours(fd, e, name)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The next component of rel into name; NULL at its end, or with *bad on one we never take. */
static const char *
next_component(const char *rel, char name[256], bool *bad)
{
	while (*rel == '/')
		rel++;
	if (*rel == '\0')
		return NULL;
	size_t n = strcspn(rel, "/");

	if (n >= 256 || (n == 1 && rel[0] == '.') || (n == 2 && rel[0] == '.' && rel[1] == '.')) {
		*bad = true;
		return NULL;
	}
	memcpy(name, rel, n);
	name[n] = '\0';
	return rel + n;
}

int
filesafe_dir(const char *base, const char *rel, struct filesafe_error *e)
{
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool bad = false;
	char name[256];

	if (fd == -1)
		return refuse(e, errno, "cannot open directory", base);
	for (const char *at = rel; (at = next_component(at, name, &bad)) != NULL; ) {
		int below = filesafe_subdir(fd, name, e);

		(void)close(fd);
		if (below == -1)
			return -1;
		fd = below;
	}
	if (bad) {
		(void)close(fd);
		return refuse(e, EPERM, "path component refused", rel);
	}
	return fd;
}

int
filesafe_create(int dirfd, const char *name)
{
	return open_beneath(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
}
