/* SPDX-License-Identifier: ISC */
/*
 * batch: see batch.h.
 *
 * The PAD that fills a block is itself a record, so a reader walks from batch to batch without
 * knowing where they ended.  Its bytes are zeros: nothing of an earlier batch leaks to the disk.
 */
#include "spool/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/disk.h"

enum { KEEP_MAX = 1 << 20, FIRST = 64 << 10 };

enum spool
spool_of_errno(int err)
{
	switch (-err) {
	case 0:
		return SPOOL_OK;
	case ENOSPC:
	case EDQUOT:
		return SPOOL_FULL;
	}
	return SPOOL_IO;
}

static void
batch_grow(struct batch *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST;

	while (cap < need)
		cap *= 2;
	b->p = realloc(b->p, cap);
	if (!b->p)
		/* the machine's end of memory: keeper restarts us */
		abort();
	b->cap = cap;
}

char *
batch_add(struct batch *b, const struct spool_rec *r)
{
	size_t n = rec_size(r->meta.n, r->data.n);
	char *p;

	if (b->cap - b->n < n + 2 * SPOOL_BLOCK)	/* the PAD always finds room */
		batch_grow(b, b->n + n + 2 * SPOOL_BLOCK);
	p = b->p + b->n;
	rec_put(p, r);
	b->n += n;
	b->records++;
	return p;
}

size_t
batch_padded(size_t n)
{
	size_t end = num_round_up(n, SPOOL_BLOCK);

	return end == n || end - n >= SPOOL_HEAD ? end : end + SPOOL_BLOCK;
}

void
batch_finish(struct batch *b, struct rec_place at)
{
	size_t end = batch_padded(b->n);
	struct rec_place place = at;

	if (end > b->n) {
		size_t zeros = end - b->n - SPOOL_HEAD;

		memset(b->p + b->n + SPOOL_HEAD, 0, zeros);
		rec_put(b->p + b->n, &(struct spool_rec){
			.type = REC_PAD, .version = 1, .data = { NULL, zeros } });
		b->n = end;
	}
	for (size_t i = 0; i < b->n; i += rec_len(b->p + i)) {
		place.offset = at.offset + i;
		rec_stamp(b->p + i, place);
	}
}

void
batch_clear(struct batch *b)
{
	b->n = 0;
	b->records = 0;
	if (b->cap > KEEP_MAX)
		batch_done(b);
}

void
batch_done(struct batch *b)
{
	free(b->p);
	*b = (struct batch){};
}

void
batch_io_run(void *arg)
{
	struct batch_io *io = arg;
	struct iovec iov[2];
	int n = 0;

	io->err = 0;
	if (io->first && io->first->n)
		iov[n++] = (struct iovec){ io->first->p, io->first->n };
	if (io->second && io->second->n)
		iov[n++] = (struct iovec){ io->second->p, io->second->n };
	if (n && !io->no_write)
		io->err = disk_pwritev(io->fd, iov, n, io->at);
	if (io->err == 0 && !io->no_sync)
		io->err = disk_fdatasync(io->fd);
}
