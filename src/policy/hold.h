/* SPDX-License-Identifier: ISC */
/*
 * hold: bits of spool_rcpt.flags by which policy asks queue to keep a message back, and says that
 * a recipient has no mailbox here (facts.h: leaves).
 *
 * Apart from entitle.h for those who know neither facts nor verdicts.
 */
#ifndef POLICY_HOLD_H
#define POLICY_HOLD_H

enum { ENTITLE_HOLD = 1 << 8, ENTITLE_LEAVES = 1 << 9 };

#endif
