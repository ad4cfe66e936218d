/* SPDX-License-Identifier: ISC */
/*
 * journal: what became of the mail, as records of its owner (the queue).
 *
 * 1. A journal file is usable when it holds both CHECKPOINT records: between them stands a full
 *    snapshot of the owner's state, behind the second what happened since.  They carry a sequence
 *    number; the usable file with the highest is the truth.
 * 2. An old file is given back only after the new one's second CHECKPOINT is synced, so a crash
 *    at any point leaves one usable file.  No rename is needed: the record is the switch.
 * 3. While a snapshot streams, records go to both files; the owner's records therefore must be
 *    idempotent, a snapshot record replaces what was known of its id, and a record for an unknown
 *    id is ignored.
 * 4. A failed sync is never retried: its waiters get SPOOL_IO, the journal rotates to a new file.
 *
 * Payloads are opaque here.  Belongs to one loop.
 */
#ifndef SPOOL_JOURNAL_H
#define SPOOL_JOURNAL_H

#include "spool/record.h"
#include "spool/writer.h"

struct journal;

struct journal_ops {
	/* suspends; a prepared SPOOL_JOURNAL */
	enum spool (*get_file)(void *ctx, struct spool_file *out);
	/* This life of file n holds nothing needed any more: the pool may recycle it. */
	void (*drop_file)(void *ctx, uint64_t n, uint64_t gen);
	/* Write the whole state by jr_snap; false gives up (stopping).  suspends */
	bool (*snapshot)(void *ctx, struct journal *j);
};

struct journal_conf {
	unsigned lazy_ms;		/* an unasked sync happens within this; 0: 200 */
	size_t snap_block;		/* a snapshot is written in pieces of this; 0: 1 MiB */
	/* records after the checkpoint that make us rotate; 0: 32 MiB */
	uint64_t rotate_bytes;
};

struct journal_entry {
	uint16_t sub;			/* the owner's record type */
	uint64_t id;			/* message id or 0 */
	struct str payload;
};

/* conf may be NULL.  NULL when the journal directory cannot be opened. */
struct journal *jr_new(int spool_dirfd, const struct journal_ops *ops,
    const struct journal_conf *conf,
    void *ctx);
/* Replays the truth, oldest first.  Before jr_start.  SPOOL_IO: a usable journal could not be
 * read to its end because of the disk; do not start on it.  suspends */
[[nodiscard]] enum spool jr_replay(struct journal *j, void (*on_entry)(void *ctx,
    const struct journal_entry *e), void *ctx);
/* A fresh file with a snapshot; then former files are dropped.  suspends */
[[nodiscard]] enum spool jr_start(struct journal *j);
/* Syncs what is appended, then frees.  suspends */
void jr_free(struct journal *j);

/* Durable within lazy_ms, or when somebody calls jr_sync.  Never waits. */
void jr_append(struct journal *j, const struct journal_entry *e);
/* Wait until everything appended so far is durable.  SPOOL_IO: it may not be.  suspends */
[[nodiscard]] enum spool jr_sync(struct journal *j);
/* Only from ops.snapshot.  False: give up.  suspends */
[[nodiscard]] bool jr_snap(struct journal *j, const struct journal_entry *e);

struct jr_stats {
	uint64_t appended, syncs, rotations, failed, file_n, file_gen, bytes;
};
struct jr_stats jr_stats_get(const struct journal *j);

#endif
