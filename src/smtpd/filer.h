/* SPDX-License-Identifier: ISC */
/*
 * filer: where the spool writer's files come from: the pool role over IPC.
 *
 * 1. Asks for segments and big files; what the pool hands out is ours until it is released, and a
 *    pool that was restarted is told what we still hold.
 * 2. Tells queue how far our segment is committed, and again when queue is new.
 * One per worker; owns the two channels given to it.
 */
#ifndef SMTPD_FILER_H
#define SMTPD_FILER_H

#include "spool/writer.h"

struct filer;

/* Makes the writer too. */
struct filer *filer_new(const struct sw_conf *conf);
/* Every draft is gone.  suspends */
void filer_free(struct filer *f);
struct spool_writer *filer_writer(struct filer *f);

/* A (new) channel to pool or queue; the descriptor becomes ours. */
void filer_pool(struct filer *f, int fd, const char *name);
void filer_queue(struct filer *f, int fd, const char *name);

#endif
