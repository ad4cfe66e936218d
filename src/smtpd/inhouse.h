/* SPDX-License-Identifier: ISC */
/*
 * inhouse: a spool of one process's own, without the other roles.
 *
 * For `postern smtpd --stdio` and for tests: files are made on the spot in a directory that is
 * nobody else's; nothing reads them but the caller.  Ids are those of writer 63.
 */
#ifndef SMTPD_INHOUSE_H
#define SMTPD_INHOUSE_H

#include "spool/writer.h"

struct inhouse;

/* dirfd (of rt/disk) is empty or made by an earlier inhouse_new; stays the caller's.  NULL: it
 * cannot be written. */
struct inhouse *inhouse_new(int dirfd);
struct spool_writer *inhouse_writer(struct inhouse *h);
/* The newest commit notice, and how many segments there are: for readers in tests. */
struct sw_notice inhouse_notice(const struct inhouse *h);
/* suspends */
void inhouse_free(struct inhouse *h);

#endif
