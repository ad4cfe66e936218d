/* SPDX-License-Identifier: ISC */
/*
 * pool_start: what is on the disk when the pool begins.
 *
 * Unfinished files (*.tmp) are removed: they were never given out.  A file without a readable head
 * is left alone and reported.  Segments and journals without one valid record hold nothing and are
 * recycled at once, under a new generation, because a torn batch may lie behind their beginning.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "spool/break.h"
#include "spool/files.h"
#include "spool/pool_int.h"
#include "spool/reader.h"

struct sweep {
	struct pool *p;
	enum spool_kind kind;
};

static void
on_strange(void *ctx, enum spool_kind kind, const char *name)
{
	struct pool *p = ctx;

	if (str_ends(str_of(name), STR(".tmp")))
		(void)disk_unlinkat(p->dir[kind], name);
	else
		p->ops.strange(p->ctx, kind, name);
}

static int
directories(struct pool *p)
{
	static const char *const names[] = { "log", "big", "journal", "drop" };
	for (size_t i = 0; i < COUNT(names); i++) {
		/* keeper has made the drop directory for all to put into (main/dirs.c) */
		int err = disk_mkdirat(p->dirfd, names[i], 0750);

		if (err < 0 && err != -EEXIST)
			return err;
	}
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++) {
		p->dir[k] = disk_openat(p->dirfd, file_dir((enum spool_kind)k),
		    O_RDONLY | O_DIRECTORY, 0);
		if (p->dir[k] < 0)
			return p->dir[k];
	}
	return 0;
}

static bool
on_any(void *ctx, const struct spool_rec *rec)
{
	(void)ctx, (void)rec;
	return false;
}

/* suspends */
static bool
is_empty(struct spool_reader *sr, const struct spool_head *h)
{
	struct sr_scan s = { .segno = h->n, .gen = h->gen, .to = UINT64_MAX, .on_rec = on_any };
	enum sr res = SR_STOPPED;

	if (h->kind == SPOOL_SEGMENT)
		res = sr_scan(sr, &s);
	else if (h->kind == SPOOL_JOURNAL)
		res = sr_scan_journal(sr, &s);
	return res == SR_OK && s.next == SPOOL_BLOCK;
}

/* Nothing behind the head, as far as a first batch would show. */
static bool
is_pristine(struct pool *p, const struct spool_head *h)
{
	char name[FILE_NAME_MAX], bytes[1024];
	ssize_t got = -1;
	int fd;

	file_name(h->kind, h->n, name);
	fd = disk_openat(p->dir[h->kind], name, O_RDONLY, 0);
	if (fd < 0)
		return false;
	for (uint64_t at = SPOOL_BLOCK; at < 16 * SPOOL_BLOCK && got != 0; at += sizeof bytes) {
		got = disk_pread(fd, bytes, sizeof bytes, at);
		for (ssize_t i = 0; i < got; i++)
			if (bytes[i])
				got = -1;
		if (got < 0)
			break;
	}
	(void)disk_close(fd);
	return got >= 0;
}

bool
pool_is_held(struct pool *p, const struct spool_head *h)
{
	char name[FILE_NAME_MAX];
	bool held;
	int fd;

	file_name(h->kind, h->n, name);
	fd = disk_openat(p->dir[h->kind], name, O_RDONLY, 0);
	held = fd >= 0 && p->ops.held(p->ctx, fd);
	if (fd >= 0)
		(void)disk_close(fd);
	return held;
}

/* suspends */
static int
files(struct pool *p, enum spool_kind kind, struct spool_reader *sr)
{
	struct file_list l = { .kind = kind, .on_strange = on_strange, .ctx = p };
	int err = file_list(p->dir[kind], &l);

	for (size_t i = 0; err == 0 && i < l.n; i++) {
		struct spool_head *h = &l.p[i].head;
		enum pool_state state = POOL_LIVE;
		struct pool_file *f;

		if (!l.p[i].readable) {
			char name[FILE_NAME_MAX];

			file_name(kind, l.p[i].n, name);
			p->ops.strange(p->ctx, kind, name);
			p->next_n[kind] = MAX(p->next_n[kind], l.p[i].n + 1);
			continue;
		}
		if (pool_is_held(p, h))
			state = POOL_HELD;
		else if (is_empty(sr, h))
			state = POOL_DIRTY;
		f = pool_add(p, h, state);
		f->at_start = true;
		f->pristine = state == POOL_DIRTY && h->clean && is_pristine(p, h);
		p->held_at_start = p->held_at_start || state == POOL_HELD;
		p->heads_ms = MAX(p->heads_ms, h->epoch_ms);
	}
	free(l.p);
	return err;
}

int
pool_errno(const struct pool *p)
{
	return -p->err;
}

enum spool
pool_start(struct pool *p)
{
	struct spool_reader *sr;

	p->started_ms = now_ms();
	p->last_take_ms = now_ms();
	p->next_life = 1;
	p->err = directories(p);
	if (p->err < 0)
		return SPOOL_IO;
	sr = sr_new(p->dirfd, 4);
	if (!sr)
		return SPOOL_IO;
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL && p->err == 0; k++)
		p->err = files(p, (enum spool_kind)k, sr);
	sr_free(sr);
	if (p->err == 0)
		p->err = pool_clock_open(p);
	/* The names of log/ and the others, and of the clock, before anything depends on them. */
	if (p->err == 0 && !BROKEN(BREAK_MKDIR_SYNC))
		p->err = disk_fsync(p->dirfd);
	if (p->err != 0)
		return SPOOL_IO;
	if (p->ops.held(p->ctx, p->clock_fd))
		return SPOOL_BUSY;		/* another pool has this spool */
	p->ops.lock(p->ctx, p->clock_fd);
	if (!pool_clock_raise(p, p->epoch_ms + pool_lead(p)))
		return SPOOL_IO;
	pool_space(p);
	return SPOOL_OK;
}
