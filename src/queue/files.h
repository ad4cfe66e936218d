/* SPDX-License-Identifier: ISC */
/*
 * files: the pool as the queue role knows it: asks for files, tells which are finished.
 *
 * 1. A wait for a file survives a restart of the pool: it is asked again on the new channel.
 * 2. What was finished while there was no pool is told when the pool names its files again.
 *
 * Owner: the role body.
 */
#ifndef QUEUE_FILES_H
#define QUEUE_FILES_H

#include "queue/queue.h"

struct files;

struct files *files_new(void);
/* No coroutine may wait for a file any more. */
void files_free(struct files *f);
/* Until this the pool's words about files are kept back. */
void files_queue(struct files *f, struct queue *q);
/* A (new) channel to the pool; takes the descriptor. */
void files_peer(struct files *f, int fd, const char *name);

/* For queue_ops; ctx-free halves.  suspends */
enum spool files_get(struct files *f, enum spool_kind kind, struct spool_file *out);
void files_drop(struct files *f, enum spool_kind kind, const struct spool_file *file, bool broken);
void files_finished(struct files *f, enum spool_kind kind, uint64_t n, uint64_t gen);
void files_release(struct files *f, enum spool_kind kind, uint64_t n, uint64_t gen);
void files_big_live(struct files *f, uint64_t n, uint64_t gen);
void files_big_live_end(struct files *f);

#endif
