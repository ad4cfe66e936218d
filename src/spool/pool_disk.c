/* SPDX-License-Identifier: ISC */
/*
 * pool_disk: what the pool does to files, in a work thread.
 *
 * A new file is whole (zeros, head, all synced) before it gets its name, and its name is synced
 * before it is given out.  A new head ends the former life and stands before anything else of the
 * file changes.  Zeroing comes later; a head says "clean" only after the zeros are synced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/disk.h"
#include "rt/work.h"
#include "spool/break.h"
#include "spool/files.h"
#include "spool/pool_int.h"

static const char zeros[1 << 20];

static int
zero(int fd, uint64_t from, uint64_t to)
{
	int err = 0;

	for (; from < to && err == 0; from += sizeof zeros)
		err = disk_pwrite(fd, zeros, (size_t)MIN((uint64_t)sizeof zeros, to - from), from);
	return err;
}

int
pool_block_write(int fd, struct str head, uint64_t at)
{
	struct iovec iov[2] = {
		{ (char *)head.p, head.n }, { (char *)zeros, SPOOL_BLOCK - head.n },
	};

	return disk_pwritev(fd, iov, 2, at);
}

static int
head_write(int fd, const struct spool_head *h)
{
	char head[SPOOL_FILE_HEAD];

	spool_head_put(h, head);
	return pool_block_write(fd, str_from(head, sizeof head), 0);
}

static void
temporary_name(const struct spool_head *h, char out[FILE_NAME_MAX + 4])
{
	file_name(h->kind, h->n, out);
	memcpy(out + strlen(out), ".tmp", 5);
}

static int
create_body(const struct pool_job *job, int fd)
{
	int err = zero(fd, SPOOL_BLOCK, job->head.size);

	if (err == 0)
		err = head_write(fd, &job->head);
	if (err == 0 && !BROKEN(BREAK_CREATE_SYNC))
		err = disk_fsync(fd);
	return err;
}

static int
create(const struct pool_job *job)
{
	char tmp[FILE_NAME_MAX + 4], name[FILE_NAME_MAX];
	int fd, err;

	file_name(job->head.kind, job->head.n, name);
	temporary_name(&job->head, tmp);
	if (BROKEN(BREAK_CREATE_RENAME))
		memcpy(tmp, name, sizeof name);
	fd = disk_openat(job->dir, tmp, O_RDWR | O_CREAT | O_EXCL, 0640);
	if (fd < 0)
		return fd;
	err = create_body(job, fd);
	(void)disk_close(fd);
	if (err == 0 && !BROKEN(BREAK_CREATE_RENAME))
		err = disk_rename_new(job->dir, tmp, job->dir, name);
	if (err != 0) {
		(void)disk_unlinkat(job->dir, tmp);
		return err;
	}
	return BROKEN(BREAK_CREATE_DIR_SYNC) ? 0 : disk_fsync(job->dir);
}

/* A file grown past its size gives back the rest. */
static int
cut(int fd, uint64_t size)
{
	int64_t now = disk_fsize(fd);

	return now > (int64_t)size ? disk_ftruncate(fd, size) : 0;
}

static int
rewrite(const struct pool_job *job, int fd)
{
	bool ends = job->task == TASK_HEAD || job->to >= job->head.size;
	int err = 0;

	if (job->task == TASK_ZERO) {
		err = zero(fd, job->from, job->to);
		if (err == 0 && ends)
			err = cut(fd, job->head.size);
		if (err == 0 && ends && !BROKEN(BREAK_ZERO_SYNC))
			err = disk_fdatasync(fd);
	}
	if (err == 0 && ends && !BROKEN(BREAK_RECYCLE_WRITE))
		err = head_write(fd, &job->head);
	if (err == 0 && ends && !BROKEN(BREAK_RECYCLE_SYNC))
		err = disk_fdatasync(fd);
	return err;
}

void
pool_job_run(void *arg)
{
	struct pool_job *job = arg;
	char name[FILE_NAME_MAX];
	int fd;

	file_name(job->head.kind, job->head.n, name);
	switch (job->task) {
	case TASK_CREATE:
		job->err = create(job);
		return;
	case TASK_REMOVE:
		job->err = disk_unlinkat(job->dir, name);
		return;
	case TASK_HEAD:
	case TASK_ZERO:
		break;
	}
	fd = disk_openat(job->dir, name, O_RDWR, 0);
	job->err = fd < 0 ? fd : rewrite(job, fd);
	if (fd >= 0)
		(void)disk_close(fd);
}

int
pool_job(struct pool_job *job)
{
	work_call(pool_job_run, job);
	return job->err;
}
