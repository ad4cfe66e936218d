/* SPDX-License-Identifier: ISC */
/*
 * inhouse: see inhouse.h.
 */
#include "smtpd/inhouse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"

enum { SEGMENT_SIZE = 8 << 20, WRITER = 63 };

struct inhouse {
	struct spool_writer *sw;
	int dirfd;
	uint64_t next[4];		/* by enum spool_kind */
	struct sw_notice notice;
};

static bool
make(struct inhouse *h, enum spool_kind kind, struct spool_file *out)
{
	char *block = malloc(SPOOL_BLOCK), name[48];
	uint64_t n = ++h->next[kind];
	struct spool_head head = {
		.kind = kind, .n = n, .gen = 1, .size = SEGMENT_SIZE, .epoch_ms = wall_ms(),
		.clean = true,
	};
	size_t at = 4;
	int fd, err;

	if (!block)
		abort();
	memcpy(name, kind == SPOOL_BIG ? "big/" : "log/", 4);
	at += num_format_u64(n, name + at);
	memcpy(name + at, kind == SPOOL_BIG ? ".msg" : ".log", 5);
	fd = disk_openat(h->dirfd, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	spool_head_put(&head, block);
	err = fd < 0 ? fd : disk_ftruncate(fd, SEGMENT_SIZE);
	if (err >= 0)
		err = disk_pwrite(fd, block, SPOOL_BLOCK, 0);
	if (err >= 0)
		err = disk_fsync(fd);
	free(block);
	if (err < 0) {
		if (fd >= 0)
			(void)disk_close(fd);
		return false;
	}
	*out = (struct spool_file){ .fd = fd, .n = n, .gen = 1, .size = SEGMENT_SIZE };
	return true;
}

static enum spool
get_segment(void *ctx, struct spool_file *out)
{
	return make(ctx, SPOOL_SEGMENT, out) ? SPOOL_OK : SPOOL_IO;
}

static enum spool
get_big(void *ctx, struct spool_file *out)
{
	return make(ctx, SPOOL_BIG, out) ? SPOOL_OK : SPOOL_IO;
}

static void
drop_big(void *ctx, uint64_t n, uint64_t gen, bool broken)
{
	(void)ctx, (void)n, (void)gen, (void)broken;
}

static void
committed(void *ctx, const struct sw_notice *notice)
{
	((struct inhouse *)ctx)->notice = *notice;
}

static bool
dir_make(int dirfd, const char *name)
{
	int err = disk_mkdirat(dirfd, name, 0700);

	return err >= 0 || err == -EEXIST;
}

struct inhouse *
inhouse_new(int dirfd)
{
	static const struct spool_writer_ops ops = {
		.get_segment = get_segment, .get_big = get_big, .drop_big = drop_big,
		.committed = committed,
	};
	static const struct sw_conf conf;
	struct inhouse *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->dirfd = dirfd;
	if (dir_make(dirfd, "log") && dir_make(dirfd, "big") && dir_make(dirfd, "journal"))
		h->sw = sw_new(&ops, &conf, h);
	if (!h->sw) {
		free(h);
		return NULL;
	}
	sw_clock(h->sw, WRITER, 0, INT64_MAX);
	return h;
}

struct spool_writer *
inhouse_writer(struct inhouse *h)
{
	return h->sw;
}

struct sw_notice
inhouse_notice(const struct inhouse *h)
{
	return h->notice;
}

void
inhouse_free(struct inhouse *h)
{
	if (!h)
		return;
	sw_free(h->sw);
	free(h);
}
