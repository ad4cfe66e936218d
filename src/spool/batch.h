/* SPDX-License-Identifier: ISC */
/*
 * batch: records that will be written and synced together, in one run on 4 KiB boundaries.
 *
 * Shared by writer and journal.  A batch is filled on the loop, then handed whole to one work call;
 * nobody touches it meanwhile.  Owns its buffer; zero is valid and empty.
 */
#ifndef SPOOL_BATCH_H
#define SPOOL_BATCH_H

#include "spool/record.h"

struct batch {
	char *p;
	size_t n, cap;
	uint64_t records;
};

/* Room for a record with these parts; its head is laid.  Meta goes to the answer + SPOOL_HEAD. */
char *batch_add(struct batch *b, const struct spool_rec *r);
/* Bytes of the batch on disk, when n bytes of records are in it. */
size_t batch_padded(size_t n);
/* Stamp every record for its place and fill up to the block with a PAD. */
void batch_finish(struct batch *b, struct rec_place at);
/* Empty it; large buffers are given back. */
void batch_clear(struct batch *b);
void batch_done(struct batch *b);

/* One write and sync, to be run by work_call on a struct batch_io. */
struct batch_io {
	int fd;
	uint64_t at;
	const struct batch *first, *second;	/* first may be NULL */
	bool no_write, no_sync;			/* break.h */
	int err;				/* out: 0 or a negative errno */
};
void batch_io_run(void *io);
/* ENOSPC and EDQUOT: SPOOL_FULL; any other: SPOOL_IO. */
enum spool spool_of_errno(int err);

#endif
