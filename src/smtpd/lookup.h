/* SPDX-License-Identifier: ISC */
/*
 * lookup: what a recipient is, asked of route/ with the tables that the lookup role sends.
 *
 * 1. Before the first image, and while a system user cannot be asked, the answer is DEST_LATER.
 * 2. The channel belongs to it from lookup_peer on.
 */
#ifndef SMTPD_LOOKUP_H
#define SMTPD_LOOKUP_H

#include "smtpd/smtpd.h"

struct lookup;
struct route;

struct lookup *lookup_new(const struct config *cfg);
void lookup_free(struct lookup *l);
/* A (new) channel to the lookup role; the descriptor becomes ours. */
void lookup_peer(struct lookup *l, int fd, const char *name);
/* The recipient question for a worker. */
struct smtpd_ops lookup_ops(struct lookup *l);
/* For callers that fill the tables themselves. */
struct route *lookup_route(struct lookup *l);

#endif
