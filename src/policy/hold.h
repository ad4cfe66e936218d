/* SPDX-License-Identifier: ISC */
/*
 * hold: the bit of spool_rcpt.flags by which policy asks queue to keep a message back.
 *
 * Apart from entitle.h for those who know neither facts nor verdicts.
 */
#ifndef POLICY_HOLD_H
#define POLICY_HOLD_H

enum { ENTITLE_HOLD = 1 << 8 };

#endif
