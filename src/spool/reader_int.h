/* SPDX-License-Identifier: ISC */
/*
 * reader_int: what reader.c (files and records) and content.c (content) share.
 *
 * A pinned file stays open across suspensions; every pin has its unpin in the same function.
 * For these two files alone.
 */
#ifndef SPOOL_READER_INT_H
#define SPOOL_READER_INT_H

#include "spool/reader.h"

enum { SR_BLOCK = 1 << 20 };

struct sr_sum {
	uint64_t n;			/* bytes to go */
	uint32_t crc;
};

struct sr_fd {
	enum spool_kind kind;
	uint64_t n, used;
	int fd;
	unsigned pins;
	bool open;
};

struct spool_reader {
	int dir[4];			/* by enum spool_kind */
	struct sr_fd *file;
	unsigned nfile;
	uint64_t uses;
	char *spare;			/* a block of SCAN_BLOCK not in use */
};

struct sr_call {
	int fd;
	char *p;
	size_t n;
	uint64_t at;
	ssize_t got;
};

/* Open (or still open), pinned until sr_unpin.  NULL: not there, or cannot. */
struct sr_fd *sr_pin(struct spool_reader *sr, enum spool_kind kind, uint64_t n);

static inline void
sr_unpin(struct sr_fd *f)
{
	f->pins--;
}

/* c.fd need not be set.  suspends when it is much */
ssize_t sr_read(struct sr_fd *f, struct sr_call c);
/* Does the file still live the life gen? */
enum sr sr_life(struct sr_fd *f, uint64_t gen);
/* At least SR_BLOCK bytes, kept for the next when not more. */
char *sr_block_get(struct spool_reader *sr, size_t n);
void sr_block_put(struct spool_reader *sr, char *p, size_t n);
/* The record at a place, validated, in the arena.  suspends */
enum sr sr_record(struct sr_fd *f, struct rec_place at, struct arena *a, struct spool_rec *out);

#endif
