/* SPDX-License-Identifier: ISC */
/*
 * recipient: what a recipient is, asked of route/ and said in policy's words.
 *
 * smtpd asks only whether and how an address exists; where it goes is queue's business.
 */
#ifndef SMTPD_RECIPIENT_H
#define SMTPD_RECIPIENT_H

#include "smtpd/smtpd.h"

struct route;

/* The recipient question of a worker; the route is the caller's and outlives it. */
struct smtpd_ops recipient_ops(const struct route *r);

#endif
