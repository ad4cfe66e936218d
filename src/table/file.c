/* SPDX-License-Identifier: ISC */
/*
 * file: see file.h.
 *
 * Opens component by component with O_NOFOLLOW and looks at each after opening, so that what was
 * checked is what is read.  Directories reached through a symbolic link are refused as well: the
 * link's target could be changed by whoever owns it.  Blocking: runs in verbs or on worker threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "table/file.h"

static bool
trusted(uid_t uid, const struct file_rules *rules)
{
	return uid == 0 || uid == geteuid() || (rules->owner != 0 && uid == rules->owner);
}

static const char *
error_word(int e)
{
	return e == ENOENT ? "does not exist" : e == EACCES ? "cannot be read (permission denied)" :
	    e == ELOOP ? "is a symbolic link" : e == ENOTDIR ? "is not a directory" :
	    "cannot be opened";
}

static enum file
open_failed(int e, struct str at, struct buf *why)
{
	buf_putf(why, STR_F " %s", STR_A(at), error_word(e));
	return e == ENOENT ? FILE_MISSING : e == ELOOP ? FILE_UNSAFE : FILE_TROUBLE;
}

/* One opened component; at is the path up to it. */
static enum file
look_at_dir(const struct stat *st, struct str at, const struct file_rules *rules, struct buf *why)
{
	if (!trusted(st->st_uid, rules)) {
		buf_putf(why, STR_F " belongs to uid %u: chown root '" STR_F "'", STR_A(at),
		    st->st_uid, STR_A(at));
		return FILE_UNSAFE;
	}
	if ((st->st_mode & S_IWOTH) != 0 && (st->st_mode & S_ISVTX) == 0) {
		buf_putf(why, STR_F " is writable by everybody: chmod o-w '" STR_F "'", STR_A(at),
		    STR_A(at));
		return FILE_UNSAFE;
	}
	if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 && st->st_gid != getegid() &&
	    (st->st_mode & S_ISVTX) == 0) {
		buf_putf(why, STR_F " is writable by its group: chmod g-w '" STR_F "'", STR_A(at),
		    STR_A(at));
		return FILE_UNSAFE;
	}
	return FILE_OK;
}

static enum file
look_at_file(const struct stat *st, struct str at, const struct file_rules *rules,
    struct buf *why)
{
	if (!S_ISREG(st->st_mode)) {
		buf_putf(why, STR_F " is not a regular file", STR_A(at));
		return FILE_UNSAFE;
	}
	if (!trusted(st->st_uid, rules)) {
		buf_putf(why, STR_F " belongs to uid %u: chown root '" STR_F "'", STR_A(at),
		    st->st_uid, STR_A(at));
		return FILE_UNSAFE;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		buf_putf(why, STR_F " is writable by others: chmod go-w '" STR_F "'", STR_A(at),
		    STR_A(at));
		return FILE_UNSAFE;
	}
	if (st->st_nlink != 1) {
		buf_putf(why, STR_F " has a second name (hard link)", STR_A(at));
		return FILE_UNSAFE;
	}
	mode_t allowed = rules->reader != 0 && st->st_gid == rules->reader ? S_IRGRP : 0;

	if (rules->secret && (st->st_mode & (S_IRWXG | S_IRWXO) & ~allowed) != 0) {
		buf_putf(why, STR_F " is a secret that others can read: chmod %s '" STR_F "'",
		    STR_A(at), allowed ? "640" : "600", STR_A(at));
		return FILE_UNSAFE;
	}
	return FILE_OK;
}

/* Opens what is below dir; closes dir. */
static int
step(int dir, const char *name, bool last)
{
	int flags = O_CLOEXEC | O_NOFOLLOW | (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY);
	int fd = openat(dir, name, flags);
	int e = errno;

	if (dir >= 0)
		(void)close(dir);
	errno = e;
	return fd;
}

static enum file
walk(const char *path, const struct file_rules *rules, struct buf *why, int *out)
{
	struct str all = str_of(path), rest = all;
	int fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum file f = fd < 0 ? open_failed(errno, all, why) : FILE_OK;

	while (f == FILE_OK) {
		char name[256];
		struct str one;
		struct stat st;

		while (rest.n > 0 && rest.p[0] == '/')
			rest = str_skip(rest, 1);
		one = str_split(&rest, '/');
		bool last = rest.n == 0;
		struct str at = str_sub(all, 0, (size_t)(one.p + one.n - all.p));

		if (one.n == 0 || one.n >= sizeof name) {
			buf_putf(why, "%s is no path of a file", path);
			f = FILE_TROUBLE;
			break;
		}
		memcpy(name, one.p, one.n);
		name[one.n] = '\0';
		fd = step(fd, name, last);
		if (fd < 0)
			return open_failed(errno == ENOTDIR && !last ? ELOOP : errno, at, why);
		if (fstat(fd, &st) != 0)
			f = open_failed(errno, at, why);
		else
			f = last ? look_at_file(&st, at, rules, why) : look_at_dir(&st, at, rules,
			    why);
		if (last && f == FILE_OK) {
			*out = fd;
			return FILE_OK;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return f;
}

static enum file
read_all(int fd, const char *path, const struct file_rules *rules, struct buf *out, struct buf *why)
{
	size_t max = rules->max ? rules->max : (size_t)1 << 30, from = out->n;

	for (;;) {
		char *to = buf_reserve(out, 65536);
		ssize_t n = to == NULL ? -1 : read(fd, to, 65536);

		if (n < 0 && to != NULL && errno == EINTR)
			continue;
		if (n < 0 || out->n - from > max) {
			buf_putf(why, "%s %s", path, to == NULL || n >= 0 ? "is too big" :
			    "cannot be read");
			return FILE_TROUBLE;
		}
		if (n == 0)
			return FILE_OK;
		buf_add(out, (size_t)n);
	}
}

enum file
file_read(const char *path, const struct file_rules *rules, struct buf *out, struct buf *why,
    struct stat *st)
{
	int fd = -1;
	enum file f = walk(path, rules, why, &fd);

	if (f != FILE_OK)
		return f;
	if (st != NULL && fstat(fd, st) != 0)
		f = open_failed(errno, str_of(path), why);
	else
		f = read_all(fd, path, rules, out, why);
	(void)close(fd);
	return f;
}

enum file
file_check(const char *path, const struct file_rules *rules, struct buf *why)
{
	int fd = -1;
	enum file f = walk(path, rules, why, &fd);

	if (fd >= 0)
		(void)close(fd);
	return f;
}
