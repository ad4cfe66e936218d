/* SPDX-License-Identifier: ISC */
/*
 * disk: system calls, or whoever was mounted instead.  See disk.h and disk_ops.h.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/num.h"
#include "rt/disk.h"
#include "rt/disk_ops.h"

static const struct disk_ops *sim;

void
disk_mount(const struct disk_ops *ops)
{
	sim = ops;
}

static inline int
answer(int rc)
{
	return rc == -1 ? -errno : rc;
}

int
disk_opendir(const char *path)
{
	if (sim != NULL)
		return sim->opendir(path);
	return answer(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int
disk_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	if (sim != NULL)
		return sim->openat(dirfd, name, flags);
	return answer(openat(dirfd, name, flags | O_CLOEXEC, mode));
}

int
disk_close(int fd)
{
	return sim != NULL ? sim->close(fd) : answer(close(fd));
}

int
disk_dup(int fd)
{
	return sim != NULL ? sim->dup(fd) : answer(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

ssize_t
disk_pread(int fd, void *p, size_t n, uint64_t at)
{
	size_t got = 0;

	if (sim != NULL)
		return sim->pread(fd, p, n, at);
	while (got < n) {
		ssize_t r = pread(fd, (char *)p + got, n - got, (off_t)(at + got));

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int
disk_pwrite(int fd, const void *p, size_t n, uint64_t at)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };

	return disk_pwritev(fd, &iov, 1, at);
}

/* A write that came back short: the rest of the vectors one by one. */
static int
pwrite_rest(int fd, const struct iovec *iov, int n, size_t done, uint64_t at)
{
	for (int i = 0; i < n; i++) {
		size_t from = MIN(done, iov[i].iov_len);

		done -= from;
		while (from < iov[i].iov_len) {
			ssize_t w = pwrite(fd, (char *)iov[i].iov_base + from,
			    iov[i].iov_len - from, (off_t)(at + from));

			if (w == -1 && errno == EINTR)
				continue;
			if (w <= 0)
				return w == 0 ? -EIO : -errno;
			from += (size_t)w;
		}
		at += iov[i].iov_len;
	}
	return 0;
}

int
disk_pwritev(int fd, const struct iovec *iov, int n, uint64_t at)
{
	while (sim == NULL && n > IOV_MAX) {
		int rc = disk_pwritev(fd, iov, IOV_MAX, at);

		if (rc != 0)
			return rc;
		for (int i = 0; i < IOV_MAX; i++)
			at += iov[i].iov_len;
		iov += IOV_MAX;
		n -= IOV_MAX;
	}

	size_t sum = 0;
	ssize_t w;

	if (sim != NULL)
		return sim->pwritev(fd, iov, n, at);
	for (int i = 0; i < n; i++)
		sum += iov[i].iov_len;
	do
		w = n == 1 ? pwrite(fd, iov->iov_base, iov->iov_len, (off_t)at)
			   : pwritev(fd, iov, n, (off_t)at);
	while (w == -1 && errno == EINTR);
	if (w == -1)
		return -errno;
	return (size_t)w == sum ? 0 : pwrite_rest(fd, iov, n, (size_t)w, at);
}

int
disk_writeback(int fd, uint64_t from, uint64_t n)
{
	if (sim != NULL)
		return 0;
	return answer(sync_file_range(fd, (off_t)from, (off_t)n, SYNC_FILE_RANGE_WRITE));
}

int
disk_fdatasync(int fd)
{
	return sim != NULL ? sim->sync(fd, false) : answer(fdatasync(fd));
}

int
disk_fsync(int fd)
{
	return sim != NULL ? sim->sync(fd, false) : answer(fsync(fd));
}

int
disk_syncfs(int fd)
{
	return sim != NULL ? sim->sync(fd, true) : answer(syncfs(fd));
}

int
disk_ftruncate(int fd, uint64_t size)
{
	return sim != NULL ? sim->resize(fd, size, true) : answer(ftruncate(fd, (off_t)size));
}

int
disk_fallocate(int fd, uint64_t from, uint64_t n)
{
	if (sim != NULL)
		return sim->resize(fd, from + n, false);
	return -posix_fallocate(fd, (off_t)from, (off_t)n);
}

int64_t
disk_fsize(int fd)
{
	struct stat st;

	if (sim != NULL)
		return sim->fsize(fd);
	return fstat(fd, &st) == -1 ? -errno : (int64_t)st.st_size;
}

int
disk_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return sim != NULL ? sim->mkdirat(dirfd, name) : answer(mkdirat(dirfd, name, mode));
}

int
disk_renameat(int dirfd, const char *from, int todirfd, const char *to)
{
	if (sim != NULL)
		return sim->rename(dirfd, from, todirfd, to, true);
	return answer(renameat(dirfd, from, todirfd, to));
}

int
disk_rename_new(int dirfd, const char *from, int todirfd, const char *to)
{
	if (sim != NULL)
		return sim->rename(dirfd, from, todirfd, to, false);
	return answer(renameat2(dirfd, from, todirfd, to, RENAME_NOREPLACE));
}

int
disk_linkat(int dirfd, const char *from, int todirfd, const char *to)
{
	if (sim != NULL)
		return sim->linkat(dirfd, from, todirfd, to);
	return answer(linkat(dirfd, from, todirfd, to, 0));
}

int
disk_unlinkat(int dirfd, const char *name)
{
	return sim != NULL ? sim->unlinkat(dirfd, name) : answer(unlinkat(dirfd, name, 0));
}

int
disk_list(int dirfd, bool (*cb)(void *arg, const char *name), void *arg)
{
	struct dirent *e;
	DIR *dir;
	int fd;

	if (sim != NULL)
		return sim->list(dirfd, cb, arg);
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    !cb(arg, e->d_name))
			break;
	(void)closedir(dir);
	return 0;
}

int64_t
disk_free_bytes(int fd)
{
	struct statvfs v;

	if (sim != NULL)
		return sim->space(fd, true);
	return fstatvfs(fd, &v) == -1 ? -errno : (int64_t)(v.f_bavail * v.f_frsize);
}

int64_t
disk_total_bytes(int fd)
{
	struct statvfs v;

	if (sim != NULL)
		return sim->space(fd, false);
	return fstatvfs(fd, &v) == -1 ? -errno : (int64_t)(v.f_blocks * v.f_frsize);
}
