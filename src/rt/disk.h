/* SPDX-License-Identifier: ISC */
/*
 * disk: the only door to files for the spool: direct system calls, or the simulated disk.
 *
 * Every function answers 0 or more, or a negative errno.  They block: call them within work_*,
 * except reads of what is in the page cache.  Names are relative to dirfd and may hold slashes.
 * Short writes do not happen: disk_pwrite writes all or fails (what reached the file is unknown).
 */
#ifndef RT_DISK_H
#define RT_DISK_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Opens a directory by its path (simulated: from the world's root). */
int disk_opendir(const char *path);
/* O_CLOEXEC is added. */
int disk_openat(int dirfd, const char *name, int flags, mode_t mode);
int disk_close(int fd);
int disk_dup(int fd);

/* Bytes read, fewer only at the end of the file. */
ssize_t disk_pread(int fd, void *p, size_t n, uint64_t at);
int disk_pwrite(int fd, const void *p, size_t n, uint64_t at);
int disk_pwritev(int fd, const struct iovec *iov, int n, uint64_t at);

int disk_fdatasync(int fd);
/* Begin to write these bytes back, promising nothing: a later sync then has less to do. */
int disk_writeback(int fd, uint64_t from, uint64_t n);
int disk_fsync(int fd);				/* of a file or a directory */
int disk_syncfs(int fd);
int disk_ftruncate(int fd, uint64_t size);
int disk_fallocate(int fd, uint64_t from, uint64_t n);	/* extends the size */
int64_t disk_fsize(int fd);

int disk_mkdirat(int dirfd, const char *name, mode_t mode);
int disk_renameat(int dirfd, const char *from, int todirfd, const char *to);
/* -EEXIST when the new name is taken. */
int disk_rename_new(int dirfd, const char *from, int todirfd, const char *to);
int disk_linkat(int dirfd, const char *from, int todirfd, const char *to);
int disk_unlinkat(int dirfd, const char *name);

/* Calls cb for each name but . and .. in no order; cb false stops.  Names may be removed in cb. */
int disk_list(int dirfd, bool (*cb)(void *arg, const char *name), void *arg);

/* Bytes free for us on the file system; its whole size by disk_total_bytes. */
int64_t disk_free_bytes(int fd);
int64_t disk_total_bytes(int fd);

#endif
