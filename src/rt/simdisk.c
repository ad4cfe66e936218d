/* SPDX-License-Identifier: ISC */
/*
 * simdisk: the operations of disk.h on a disk in memory.  What a sync and a crash do to it is in
 * simdisk_crash.c.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/num.h"
#include "rt/disk_ops.h"
#include "rt/sched.h"
#include "rt/simdisk_impl.h"
#include "rt/simnet.h"

static struct simdisk *mounted;

void *
sim_grow(void *p, size_t n, size_t each)
{
	/* The caller keeps only n: there is always room up to the next power of two. */
	if (n > 1 && ((n - 1) & (n - 2)) != 0)
		return p;
	p = realloc(p, (n > 1 ? (n - 1) * 2 : 1) * each);
	if (p == NULL)
		abort();
	return p;
}

struct standing {			/* on the stack of who met the crash */
	struct link link;
	struct co *co;
};

/* The crash: the coroutine is left standing here until the world unwinds. */
static int
stand(struct simdisk *d)
{
	struct standing s = { .co = co_self() };

	d->crashed = true;
	if (s.co != NULL && !d->unwinding) {
		sched_halt(true);
		list_push(&d->standing, &s.link);
		while (!d->unwinding)
			co_park_hard();
		list_remove(&s.link);
	}
	return -EIO;
}

/* Every operation passes here: 0, or what it must answer. */
static int
gate(struct simdisk *d, enum disk_op kind)
{
	struct fault *f = &d->fault[kind];

	if (d->crashed || (kind != DISK_READ && d->done >= d->crash_at))
		return stand(d);
	d->done += kind != DISK_READ;
	if (f->count == 0)
		return 0;
	if (f->skip > 0) {
		f->skip--;
		return 0;
	}
	f->count--;
	return -f->err;
}

static int
inode_of(int fd)
{
	size_t slot = (size_t)(fd - SIM_FD);

	assert(fd >= SIM_FD && slot < mounted->nopen && mounted->open[slot] != NO_INODE);
	return mounted->open[slot];
}

static int
fd_new(struct simdisk *d, int ino)
{
	size_t slot = 0;

	while (slot < d->nopen && d->open[slot] != NO_INODE)
		slot++;
	if (slot == d->nopen) {
		d->open = sim_grow(d->open, ++d->nopen, sizeof *d->open);
	}
	d->open[slot] = ino;
	d->ino[ino].opens++;
	return SIM_FD + (int)slot;
}

/* Walks to the directory that holds the last part of path; *last is that part. */
static int
walk(struct simdisk *d, int dir, const char *path, const char **last)
{
	for (;;) {
		const char *slash = strchr(path, '/');
		long at;

		if (slash == NULL) {
			*last = path;
			return d->ino[dir].dir ? dir : -ENOTDIR;
		}
		if (slash > path) {
			at = names_find(&d->ino[dir].now, path, (size_t)(slash - path));
			if (at < 0)
				return -ENOENT;
			dir = d->ino[dir].now.at[at].ino;
		}
		path = slash + 1;
	}
}

/* The inode that a name means, or -ENOENT; the directory it is in goes to *dir. */
static int
lookup(struct simdisk *d, int from, const char *path, int *dir, const char **last)
{
	long at;

	*dir = walk(d, from, path, last);
	if (*dir < 0)
		return *dir;
	if (**last == '\0' || strcmp(*last, ".") == 0)
		return *dir;
	at = names_find(&d->ino[*dir].now, *last, strlen(*last));
	return at < 0 ? -ENOENT : d->ino[*dir].now.at[at].ino;
}

static char *
copy_name(const char *z)
{
	char *p = strdup(z);

	if (p == NULL)
		abort();
	return p;
}

static void
note_op(struct simdisk *d, const struct nameop *op)
{
	d->op = sim_grow(d->op, ++d->nops, sizeof *d->op);
	d->op[d->nops - 1] = *op;
	d->op[d->nops - 1].seq = ++d->seq;
}

static uint64_t
pages_of(uint64_t size)
{
	return (size + PAGE - 1) / PAGE;
}

static void
unlink_inode(struct simdisk *d, int ino)
{
	assert(d->ino[ino].links > 0);
	if (--d->ino[ino].links == 0 && d->ino[ino].opens == 0)
		d->used -= pages_of(d->ino[ino].size);
}

static void
link_inode(struct simdisk *d, int dir, const char *name, int ino)
{
	names_set(&d->ino[dir].now, name, ino);
	d->ino[ino].links++;
	note_op(d, &(struct nameop){ .kind = NAME_SET, .dir = dir, .ino = ino,
	    .name = copy_name(name) });
}

static int
sim_opendir(const char *path)
{
	struct simdisk *d = mounted;
	const char *last;
	int dir, ino = lookup(d, ROOT_INODE, path, &dir, &last);

	if (ino < 0)
		return ino;
	return d->ino[ino].dir ? fd_new(d, ino) : -ENOTDIR;
}

static bool
all_zero(const char *p)
{
	return p[0] == 0 && memcmp(p, p + 1, PAGE - 1) == 0;
}

/* Part of one page. */
static void
page_write(struct simdisk *d, struct page *pg, size_t off, const char *from, size_t n)
{
	if (pg->seq != 0 && sim_random(&d->random, 100) < d->writeback) {
		if (pg->disk != pg->now)
			free(pg->disk);
		pg->disk = pg->now;
	}
	if (pg->seq == 0)
		pg->seq = ++d->seq;
	if (pg->now == pg->disk) {
		pg->now = NULL;
		page_set(&pg->now, pg->disk);
	}
	if (pg->now == NULL) {
		pg->now = calloc(1, PAGE);
		if (pg->now == NULL)
			abort();
	}
	memcpy(pg->now + off, from, n);
	if (all_zero(pg->now)) {
		free(pg->now);
		pg->now = NULL;
	}
}

static int
set_size(struct simdisk *d, int i, uint64_t size)
{
	struct inode *ino = &d->ino[i];
	uint64_t want = pages_of(size), have = pages_of(ino->size);

	if (want > have && want - have > d->capacity - MIN(d->used, d->capacity))
		return -ENOSPC;
	d->used += want - have;
	if (size < ino->size) {
		static const char zeros[PAGE];

		if (size % PAGE != 0 && size / PAGE < ino->npages)
			page_write(d, &ino->page[size / PAGE], size % PAGE, zeros,
			    PAGE - size % PAGE);
		/* What is cut off reads as zeros if the file grows again. */
		for (size_t p = want; p < ino->npages; p++) {
			if (ino->page[p].now != ino->page[p].disk)
				free(ino->page[p].now);
			ino->page[p].now = NULL;
			ino->page[p].seq = ino->page[p].disk != NULL ? ++d->seq : 0;
		}
	}
	ino->size = size;
	if (ino->size_seq == 0)
		ino->size_seq = ++d->seq;
	return 0;
}

static int
sim_openat(int dirfd, const char *name, int flags)
{
	struct simdisk *d = mounted;
	const char *last;
	int dir, rc, ino = lookup(d, inode_of(dirfd), name, &dir, &last);

	if (ino == -ENOENT && (flags & O_CREAT) && dir >= 0) {
		rc = gate(d, DISK_CREATE);
		if (rc != 0)
			return rc;
		ino = inode_new(d, false);
		link_inode(d, dir, last, ino);
		return fd_new(d, ino);
	}
	if (ino < 0)
		return ino;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if ((flags & O_DIRECTORY) && !d->ino[ino].dir)
		return -ENOTDIR;
	if (flags & O_TRUNC) {
		rc = gate(d, DISK_RESIZE);
		if (rc == 0)
			rc = set_size(d, ino, 0);
		if (rc != 0)
			return rc;
	}
	return fd_new(d, ino);
}

static int
sim_close(int fd)
{
	struct simdisk *d = mounted;
	size_t slot = (size_t)(fd - SIM_FD);
	struct inode *ino;

	if (d->crashed)
		return 0;
	ino = &d->ino[inode_of(fd)];
	d->open[slot] = NO_INODE;
	if (--ino->opens == 0 && ino->links == 0 && !ino->dir)
		d->used -= pages_of(ino->size);
	return 0;
}

static int
sim_dup(int fd)
{
	return fd_new(mounted, inode_of(fd));
}

static ssize_t
sim_pread(int fd, void *p, size_t n, uint64_t at)
{
	struct inode *ino = &mounted->ino[inode_of(fd)];
	int rc = gate(mounted, DISK_READ);
	size_t got = 0;

	if (rc != 0)
		return rc;
	while (got < n && at < ino->size) {
		size_t i = at / PAGE, off = at % PAGE;
		size_t left = MIN(n - got, (size_t)(ino->size - at));
		size_t m = MIN(left, PAGE - off);
		const char *from = i < ino->npages ? ino->page[i].now : NULL;

		if (from != NULL)
			memcpy((char *)p + got, from + off, m);
		else
			memset((char *)p + got, 0, m);
		got += m;
		at += m;
	}
	return (ssize_t)got;
}

static void
inode_write(struct simdisk *d, struct inode *ino, const struct iovec *v, uint64_t at)
{
	size_t done = 0;

	while (done < v->iov_len) {
		size_t i = (at + done) / PAGE, off = (at + done) % PAGE;
		size_t m = MIN(v->iov_len - done, PAGE - off);

		while (ino->npages <= i) {
			ino->page = sim_grow(ino->page, ++ino->npages, sizeof *ino->page);
			ino->page[ino->npages - 1] = (struct page){};
		}
		page_write(d, &ino->page[i], off, (char *)v->iov_base + done, m);
		done += m;
	}
}

static int
sim_pwritev(int fd, const struct iovec *iov, int n, uint64_t at)
{
	struct simdisk *d = mounted;
	int i = inode_of(fd), rc = gate(d, DISK_WRITE);
	uint64_t end = at;

	for (int k = 0; k < n; k++)
		end += iov[k].iov_len;
	if (rc == 0 && end > d->ino[i].size)
		rc = set_size(d, i, end);
	for (int k = 0; k < n && rc == 0; k++) {
		inode_write(d, &d->ino[i], &iov[k], at);
		at += iov[k].iov_len;
	}
	return rc;
}

static int
sim_sync(int fd, bool all)
{
	struct simdisk *d = mounted;
	int i = inode_of(fd), rc = gate(d, DISK_SYNC);

	if (d->crashed)
		return rc;
	for (int k = 0; k < (int)d->nino; k++)
		if (k == i || all) {
			if (rc == 0)
				inode_sync(d, k);
			else
				inode_sync_fails(d, k);
		}
	return rc;
}

static int
sim_resize(int fd, uint64_t size, bool may_shrink)
{
	struct simdisk *d = mounted;
	int i = inode_of(fd), rc = gate(d, DISK_RESIZE);

	if (rc != 0 || size == d->ino[i].size || (size < d->ino[i].size && !may_shrink))
		return rc;
	return set_size(d, i, size);
}

static int64_t
sim_fsize(int fd)
{
	return (int64_t)mounted->ino[inode_of(fd)].size;
}

static int
sim_mkdirat(int dirfd, const char *name)
{
	struct simdisk *d = mounted;
	const char *last;
	int dir, rc, ino = lookup(d, inode_of(dirfd), name, &dir, &last);

	if (ino >= 0)
		return -EEXIST;
	if (dir < 0)
		return dir;
	rc = gate(d, DISK_CREATE);
	if (rc == 0)
		link_inode(d, dir, last, inode_new(d, true));
	return rc;
}

static int
sim_rename(int dirfd, const char *from, int todirfd, const char *to, bool replace)
{
	struct simdisk *d = mounted;
	const char *last, *tolast;
	int dir, todir, rc, ino = lookup(d, inode_of(dirfd), from, &dir, &last);
	int old = lookup(d, inode_of(todirfd), to, &todir, &tolast);

	if (ino < 0)
		return ino;
	if (todir < 0)
		return todir;
	if (old >= 0 && !replace)
		return -EEXIST;
	rc = gate(d, DISK_RENAME);
	if (rc != 0 || old == ino)
		return rc;
	if (old >= 0)
		unlink_inode(d, old);
	note_op(d, &(struct nameop){ .kind = NAME_MOVE, .dir = dir, .todir = todir, .ino = ino,
	    .name = copy_name(last), .toname = copy_name(tolast) });
	names_clear(&d->ino[dir].now, last);
	names_set(&d->ino[todir].now, tolast, ino);
	return 0;
}

static int
sim_linkat(int dirfd, const char *from, int todirfd, const char *to)
{
	struct simdisk *d = mounted;
	const char *last, *tolast;
	int dir, todir, rc, ino = lookup(d, inode_of(dirfd), from, &dir, &last);
	int old = lookup(d, inode_of(todirfd), to, &todir, &tolast);

	if (ino < 0)
		return ino;
	if (todir < 0 || old >= 0)
		return old >= 0 ? -EEXIST : todir;
	rc = gate(d, DISK_LINK);
	if (rc == 0)
		link_inode(d, todir, tolast, ino);
	return rc;
}

static int
sim_unlinkat(int dirfd, const char *name)
{
	struct simdisk *d = mounted;
	const char *last;
	int dir, rc, ino = lookup(d, inode_of(dirfd), name, &dir, &last);

	if (ino < 0)
		return ino;
	rc = gate(d, DISK_UNLINK);
	if (rc != 0)
		return rc;
	note_op(d, &(struct nameop){ .kind = NAME_CLEAR, .dir = dir, .ino = ino,
	    .name = copy_name(last) });
	names_clear(&d->ino[dir].now, last);
	unlink_inode(d, ino);
	return 0;
}

static int
sim_list(int dirfd, bool (*cb)(void *arg, const char *name), void *arg)
{
	struct simdisk *d = mounted;
	int dir = inode_of(dirfd);
	size_t n = d->ino[dir].now.n, i = 0;
	char **names;

	if (!d->ino[dir].dir)
		return -ENOTDIR;
	names = calloc(n + 1, sizeof *names);
	if (names == NULL)
		abort();
	for (i = 0; i < n; i++)
		names[i] = copy_name(d->ino[dir].now.at[i].name);
	for (i = 0; i < n && cb(arg, names[i]); i++)
		continue;
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return 0;
}

static int64_t
sim_space(int fd, bool free_only)
{
	struct simdisk *d = mounted;

	(void)inode_of(fd);
	return (int64_t)((d->capacity - (free_only ? MIN(d->used, d->capacity) : 0)) * PAGE);
}

static const struct disk_ops sim_ops = {
	.opendir = sim_opendir,
	.openat = sim_openat,
	.close = sim_close,
	.dup = sim_dup,
	.pread = sim_pread,
	.pwritev = sim_pwritev,
	.sync = sim_sync,
	.resize = sim_resize,
	.fsize = sim_fsize,
	.mkdirat = sim_mkdirat,
	.rename = sim_rename,
	.linkat = sim_linkat,
	.unlinkat = sim_unlinkat,
	.list = sim_list,
	.space = sim_space,
};

void
simdisk_mount(struct simdisk *d)
{
	mounted = d;
	disk_mount(d != NULL ? &sim_ops : NULL);
}

uint64_t
simdisk_ops(const struct simdisk *d)
{
	return d->done;
}

void
simdisk_crash_at(struct simdisk *d, uint64_t n)
{
	d->crash_at = n;
}

bool
simdisk_crashed(const struct simdisk *d)
{
	return d->crashed;
}

void
simdisk_unwind(struct simdisk *d)
{
	d->crashed = d->unwinding = true;
	sched_halt(false);
	LIST_EACH(l, &d->standing)
		co_wake(CONTAINER_OF(l, struct standing, link)->co);
}

void
simdisk_writeback(struct simdisk *d, unsigned percent)
{
	d->writeback = percent;
}

void
simdisk_fault(struct simdisk *d, enum disk_op op, uint64_t skip, uint64_t count, int err)
{
	d->fault[op] = (struct fault){ skip, count, err };
}

void
simdisk_capacity(struct simdisk *d, uint64_t bytes)
{
	d->capacity = bytes / PAGE;
}
