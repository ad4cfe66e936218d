/* SPDX-License-Identifier: ISC */
/*
 * verdict: what an errno of a delivery means to the queue, and the one change made to content.
 *
 * Trouble with disk, quota, rights or an unsafe path is temporary: it is this host's, not the
 * sender's, and somebody can mend it before the message is too old.
 */
#ifndef LOCAL_VERDICT_H
#define LOCAL_VERDICT_H

#include <stdint.h>

#include "local/lane.h"
#include "spool/reader.h"

/* Fill in d->out.  err 0: delivered.  what: more words for the log; copied. */
void verdict_outcome(struct delivery *d, int err, const char *what);

/* The content could not be read from the spool. */
void verdict_unreadable(struct delivery *d, enum sr why);

/* No such mailbox (any more). */
void verdict_unknown(struct delivery *d);

/* Take Return-Path fields out of the header at p, in place; the new length.  RFC 5321 4.4 */
uint64_t return_path_strip(char *p, uint64_t n);

#endif
