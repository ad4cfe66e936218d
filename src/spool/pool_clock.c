/* SPDX-License-Identifier: ISC */
/*
 * pool_clock: the clock's high-water mark on disk, and the numbers of writers.
 *
 * Ids are minted below the mark; a later life of the spool begins a second above it, whatever the
 * clock says then.  Two slots are written in turn, so a torn write leaves the other, lower by one
 * step that no writer was told of.
 */
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/work.h"
#include "spool/break.h"
#include "spool/pool_int.h"

static const char magic[8] = { 'P', 'S', 'T', 'N', 'C', 'L', 'K', '\n' };
static const char name[] = "clock", temporary[] = "clock.tmp";

enum { MARGIN_MS = 1000, SLOT = 32 };

int64_t
pool_lead(const struct pool *p)
{
	return p->conf.clock_lead_ms;
}

static void
slot_put(char out[SLOT], uint64_t seq, int64_t mark_ms)
{
	memset(out, 0, SLOT);
	memcpy(out, magic, sizeof magic);
	put_le64(out + 8, seq);
	put_le64(out + 16, (uint64_t)mark_ms);
	put_le32(out + 24, crc32c(0, out, 24));
}

static bool
slot_get(const char *p, uint64_t *seq, int64_t *mark_ms)
{
	if (memcmp(p, magic, sizeof magic) != 0 || get_le32(p + 24) != crc32c(0, p, 24))
		return false;
	*seq = MAX(*seq, get_le64(p + 8));
	*mark_ms = MAX(*mark_ms, (int64_t)get_le64(p + 16));
	return true;
}

struct raise {
	int fd;
	uint64_t at;
	char slot[SLOT];
	int err;
};

static void
raise_run(void *arg)
{
	struct raise *r = arg;

	r->err = 0;
	if (!BROKEN(BREAK_CLOCK_WRITE))
		r->err = pool_block_write(r->fd, str_from(r->slot, SLOT), r->at);
	if (r->err == 0 && !BROKEN(BREAK_CLOCK_SYNC))
		r->err = disk_fdatasync(r->fd);
}

bool
pool_clock_raise(struct pool *p, int64_t ms)
{
	uint64_t seq = p->clock_seq + 1;
	struct raise r = { .fd = p->clock_fd, .at = (seq & 1) * SPOOL_BLOCK };

	if (ms <= p->mark_ms)
		return true;
	slot_put(r.slot, seq, ms);
	p->clock_seq = seq;
	work_call(raise_run, &r);
	if (r.err != 0)
		return false;
	p->mark_ms = MAX(p->mark_ms, ms);
	return true;
}

static int
clock_create(struct pool *p)
{
	char slot[SLOT];
	int fd = disk_openat(p->dirfd, temporary, O_RDWR | O_CREAT | O_TRUNC, 0640), err = fd;

	for (unsigned i = 0; i < 2 && err >= 0; i++) {
		slot_put(slot, i, 0);
		err = pool_block_write(fd, str_from(slot, SLOT), i * SPOOL_BLOCK);
	}
	if (err >= 0)
		err = disk_fsync(fd);
	if (fd >= 0)
		(void)disk_close(fd);
	/* pool_start syncs the directory. */
	return err >= 0 ? disk_renameat(p->dirfd, temporary, p->dirfd, name) : err;
}

int
pool_clock_open(struct pool *p)
{
	char slot[2][SLOT] = {};
	int64_t mark = 0;
	bool first, second;
	int err;

	p->clock_fd = disk_openat(p->dirfd, name, O_RDWR, 0);
	if (p->clock_fd < 0) {
		err = clock_create(p);
		if (err < 0)
			return err;
		p->clock_fd = disk_openat(p->dirfd, name, O_RDWR, 0);
	}
	if (p->clock_fd < 0)
		return p->clock_fd;
	for (unsigned i = 0; i < 2; i++) {
		err = (int)disk_pread(p->clock_fd, slot[i], SLOT, i * SPOOL_BLOCK);
		if (err < 0)
			return err;
	}
	first = slot_get(slot[0], &p->clock_seq, &mark);
	second = slot_get(slot[1], &p->clock_seq, &mark);
	if (!first && !second) {
		p->ops.strange(p->ctx, SPOOL_JOURNAL, name);
		mark = p->heads_ms;		/* nearly as good: marks of former heads */
	}
	p->mark_ms = mark;
	p->epoch_ms = MAX(wall_ms(), p->mark_ms + MARGIN_MS);
	return 0;
}

int
pool_writer_new(struct pool *p, int64_t *epoch_ms, int64_t *limit_ms)
{
	for (unsigned i = 0; i < POOL_WRITERS; i++) {
		unsigned at = (p->next_slot + i) % POOL_WRITERS;
		struct pool_slot *s = &p->slot[at];
		int64_t epoch = MAX(p->epoch_ms, s->gone_ms + (s->gone_ms ? MARGIN_MS : 0));

		if (s->used)
			continue;
		s->used = true;
		if (!pool_clock_raise(p, MAX(epoch, wall_ms()) + pool_lead(p) / 2)) {
			s->used = false;
			return -1;
		}
		p->next_slot = at + 1;
		*epoch_ms = epoch;
		*limit_ms = p->mark_ms;
		return (int)at;
	}
	return -1;
}

void
pool_writer_gone(struct pool *p, int writer)
{
	if (writer < 0 || writer >= POOL_WRITERS)
		return;
	p->slot[writer].used = false;
	p->slot[writer].gone_ms = p->mark_ms;
}
