/* SPDX-License-Identifier: ISC */
/*
 * writer: appends messages to this process's own segment; concurrent commits share one fdatasync.
 *
 * 1. SPOOL_OK from sd_commit means: the record and its content are on stable storage.
 * 2. One commit is in flight at a time, on 4 KiB boundaries, so a torn batch can only be the
 *    last.
 * 3. After a failed sync the segment is never written again; a SEAL stands durably in the next
 *    segment before anything else there is acknowledged.
 * 4. A writer never continues a segment of a former life: it begins with a fresh one.
 *
 * Used by smtpd (accepted mail) and queue (its own messages).  One writer per process and series;
 * all its functions belong to the loop's thread.  Drafts are owned by the caller until SPOOL_OK
 * or sd_drop.
 */
#ifndef SPOOL_WRITER_H
#define SPOOL_WRITER_H

#include "base/str.h"
#include "spool/record.h"

struct spool_writer;
struct spool_draft;

/* A prepared file as the pool hands it out: write-only, header of this generation synced. */
struct spool_file {
	int fd;
	uint64_t n, gen, size;
};

/* How far a segment is committed.  closed: nothing more will be written to it. */
struct sw_notice {
	uint64_t segno, gen, committed;
	bool closed;
};

struct spool_writer_ops {
	/* suspends; fd becomes ours */
	enum spool (*get_segment)(void *ctx, struct spool_file *out);
	/* suspends; fd becomes ours */
	enum spool (*get_big)(void *ctx, struct spool_file *out);
	/* A big file we no longer write and that no record names (broken: its sync failed). */
	void (*drop_big)(void *ctx, uint64_t n, uint64_t gen, bool broken);
	void (*committed)(void *ctx, const struct sw_notice *notice);
};

struct sw_conf {
	size_t budget;			/* bytes of all drafts and batches; 0: 64 MiB */
	size_t inline_max;		/* larger content goes to a big file; 0: 256 KiB */
	size_t batch_max;		/* 0: 4 MiB */
	size_t big_block;		/* streaming unit; 0: 512 KiB */
	unsigned quick_us;		/* see writer.c, alone(); 0: never */
};

/* NULL when no coroutine can be had.  ops and conf are copied. */
struct spool_writer *sw_new(const struct spool_writer_ops *ops, const struct sw_conf *conf,
    void *ctx);
/* Waits for the commit in flight, refuses what waits.  Every draft must be gone.  suspends */
void sw_free(struct spool_writer *sw);

/* The pool's clock: our number among live writers, and the range ids may use.  Called when the pool
 * (re)connects and each time it moves its mark on.  Without it sd_begin answers SPOOL_BUSY. */
void sw_clock(struct spool_writer *sw, unsigned writer, int64_t epoch_ms, int64_t limit_ms);
/* The pool says that the disk is (no longer) below its reserve. */
void sw_set_full(struct spool_writer *sw, bool full);
/* The present notice, for a queue that has just (re)connected.  False: no segment yet. */
[[nodiscard]] bool sw_notice_get(const struct spool_writer *sw, struct sw_notice *out);
/* Would a message be taken now?  For MAIL: SPOOL_OK, SPOOL_BUSY or SPOOL_FULL. */
enum spool sw_state(const struct spool_writer *sw);
/* False just after the start: the pool has not spoken yet. */
bool sw_clock_known(const struct spool_writer *sw);

/* Begin a message.  NULL with *why otherwise. */
struct spool_draft *sd_begin(struct spool_writer *sw, enum spool *why);
/* Begin the copy of a message that keeps its id (the queue carries it to a newer segment). */
struct spool_draft *sd_begin_as(struct spool_writer *sw, uint64_t id, enum spool *why);
/* The id this message will have; stands in Received and in the reply. */
uint64_t sd_id(const struct spool_draft *d);
/* Append content.  suspends (only once content streams to a big file).  After an error only
 * sd_drop. */
[[nodiscard]] enum spool sd_write(struct spool_draft *d, struct str bytes);
uint64_t sd_len(const struct spool_draft *d);
/* The content so far, until the next sd_ call; false once it streams to a big file. */
bool sd_memory(const struct spool_draft *d, struct str *out);
/* Make the draft queued mail: prepend (Received and other new fields) stands before the
 * content. SPOOL_OK: durable, the draft is gone, *id is set (id may be NULL).  Otherwise
 * nothing is promised and the draft is the caller's to drop; a failed sync may, as after a
 * crash before the answer, leave a whole message behind only if the SEAL could not be written
 * either.  Not cancellable.  suspends */
[[nodiscard]] enum spool sd_commit(struct spool_draft *d, const struct spool_env *env,
    struct str prepend,
    uint64_t *id);
void sd_drop(struct spool_draft *d);		/* suspends while a big block is being written */

struct sw_stats {
	uint64_t commits, messages, bytes, failed;
	size_t memory;
};
struct sw_stats sw_stats_get(const struct spool_writer *sw);

#endif
