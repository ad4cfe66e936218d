/* SPDX-License-Identifier: ISC */
/*
 * filter_dial: connections to filters, asked of lookup: a worker itself connects to nothing.
 *
 * One per worker, on the channel that its route client has to lookup.
 */
#ifndef SMTPD_FILTER_DIAL_H
#define SMTPD_FILTER_DIAL_H

#include "smtpd/smtpd.h"

struct filter_dial;
struct route_client;

/* The client is the caller's and outlives it. */
struct filter_dial *filter_dial_new(struct route_client *lookup);
/* Nobody asks any more. */
void filter_dial_free(struct filter_dial *fd);
struct filter_ops filter_dial_ops(struct filter_dial *fd);

#endif
