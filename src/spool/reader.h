/* SPDX-License-Identifier: ISC */
/*
 * reader: records and content of segments and big files, read from a spool directory.
 *
 * 1. Nothing is handed out that was not written for exactly this (file, generation): the
 *    generation is checked before and after each use, checksums before.
 * 2. At most fds_max files are open.
 *
 * Used by queue (scan), smtpc and local (content).  A reader belongs to one loop.  Slices given
 * to a callback are valid during the callback.
 */
#ifndef SPOOL_READER_H
#define SPOOL_READER_H

#include "base/arena.h"
#include "spool/record.h"

struct spool_reader;

enum sr {
	SR_OK,
	SR_STOPPED,		/* the callback said so */
	SR_GONE,		/* the file has another generation by now, or is not there */
	SR_DAMAGED,		/* checksum or structure, where it must have been right */
	SR_IO,
};

/* spool_dirfd: the spool directory (its log/, big/, journal/ are opened from it, now).  NULL:
 * cannot. */
struct spool_reader *sr_new(int spool_dirfd, unsigned fds_max);
void sr_free(struct spool_reader *sr);

struct sr_scan {
	uint64_t segno, gen;
	uint64_t from;			/* in: 0 or a former `next`; out of the call: see next */
	/* committed offset; UINT64_MAX: the writer is gone, up to the first record that is not
	 * valid */
	uint64_t to;
	/* REC_PAD is not shown; false stops. must not suspend */
	bool (*on_rec)(void *ctx, const struct spool_rec *rec);
	void *ctx;
	uint64_t next;			/* out: where to go on */
};

/* Records in order, in blocks of 1 MiB.  SR_DAMAGED: an invalid record below `to`, at `next`.
 * suspends */
[[nodiscard]] enum sr sr_scan(struct spool_reader *sr, struct sr_scan *scan);
/* The same of a journal file. */
[[nodiscard]] enum sr sr_scan_journal(struct spool_reader *sr, struct sr_scan *scan);

/* Where the next valid record of this life begins at or after `from` (a 4 KiB boundary); 0:
 * nowhere. To go on after SR_DAMAGED.  suspends */
uint64_t sr_resync(struct spool_reader *sr, const struct spool_head *h, uint64_t from);

/* SEALs stand first in a segment.  Called for each; read all seals before any tail. A segment
 * whose seal names a life that is still unfinished must not be finished before that one.
 * suspends */
[[nodiscard]] enum sr sr_seals(struct spool_reader *sr, const struct spool_head *h,
    void (*on_seal)(void *ctx, const struct spool_seal *seal), void *ctx);

/* The message whose record begins at offset; everything copied into the arena.  suspends */
[[nodiscard]] enum sr sr_message(struct spool_reader *sr, struct rec_place at, struct arena *a,
    struct spool_msg *out);

struct sr_bytes { char *p; size_t n; };		/* where to put them */

/* Exactly to.n bytes of content from off.  Small reads are done at once (page cache), large ones in
 * a work thread: suspends */
[[nodiscard]] enum sr sr_content(struct spool_reader *sr, const struct content_ref *ref,
    uint64_t off, struct sr_bytes to);
/* The whole content against its checksums.  suspends */
[[nodiscard]] enum sr sr_verify(struct spool_reader *sr, const struct content_ref *ref);
/* The whole content, verified, in the arena: the usual case of a small message.  suspends */
[[nodiscard]] enum sr sr_whole(struct spool_reader *sr, const struct content_ref *ref,
    struct arena *a, struct str *out);

/* Every file of a kind in order of numbers (head NULL: unreadable).  Blocking. */
struct sr_list {
	void (*on_file)(void *ctx, uint64_t n, const struct spool_head *head);
	void *ctx;
};
[[nodiscard]] enum sr sr_list(struct spool_reader *sr, enum spool_kind kind,
    const struct sr_list *list);

#endif
