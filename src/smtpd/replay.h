/* SPDX-License-Identifier: ISC */
/*
 * replay: how often one DKIM signature was delivered through this worker.
 *
 * Only a signature whose bearer nothing else speaks for is counted: no aligned SPF, the recipient
 * not named in the message.  A table of fixed size; what is old or crowded out is forgotten, so the
 * count can be too low and never too high but for a collision of 64 bits.
 */
#ifndef SMTPD_REPLAY_H
#define SMTPD_REPLAY_H

#include "base/str.h"

#include <stdint.h>

enum { REPLAY_DAYS = 7 };

struct replay;

struct replay *replay_new(void);
void replay_free(struct replay *r);
/* Of that signature: d= and b=. */
uint64_t replay_key(struct str domain, struct str b);
/* Deliveries so far. */
uint32_t replay_seen(const struct replay *r, uint64_t key, int64_t now_s);
void replay_add(struct replay *r, uint64_t key, int64_t now_s);

#endif
