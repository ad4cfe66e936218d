/* SPDX-License-Identifier: ISC */
/*
 * disk_ops: what a simulated disk puts in the place of the system calls; for simdisk only.
 */
#ifndef RT_DISK_OPS_H
#define RT_DISK_OPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Answers as in disk.h. */
struct disk_ops {
	int (*opendir)(const char *path);
	int (*openat)(int dirfd, const char *name, int flags);
	int (*close)(int fd);
	int (*dup)(int fd);
	ssize_t (*pread)(int fd, void *p, size_t n, uint64_t at);
	int (*pwritev)(int fd, const struct iovec *iov, int n, uint64_t at);
	int (*sync)(int fd, bool all);
	int (*resize)(int fd, uint64_t size, bool may_shrink);
	int64_t (*fsize)(int fd);
	int (*mkdirat)(int dirfd, const char *name);
	int (*rename)(int dirfd, const char *from, int todirfd, const char *to, bool replace);
	int (*linkat)(int dirfd, const char *from, int todirfd, const char *to);
	int (*unlinkat)(int dirfd, const char *name);
	int (*list)(int dirfd, bool (*cb)(void *arg, const char *name), void *arg);
	int64_t (*space)(int fd, bool free);
};

/* NULL: the system calls again. */
void disk_mount(const struct disk_ops *ops);

#endif
