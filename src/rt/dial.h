/* SPDX-License-Identifier: ISC */
/*
 * dial: connect to an address with a deadline; in a simulated world, to its listeners.
 */
#ifndef RT_DIAL_H
#define RT_DIAL_H

#include <stdint.h>

#include "base/ip.h"
#include "rt/conn.h"

struct dial {
	struct ip to;
	uint16_t port;
	const struct ip *from;		/* local address to bind, or NULL */
	const char *path;		/* a Unix socket instead, or NULL */
	int64_t deadline_ms;
};

/* suspends.  NULL: *why is IO_TIMEOUT, IO_CANCELLED or IO_BROKEN, and *err the errno of a refusal
 * (ECONNREFUSED, ENETUNREACH, EMFILE ...; 0 if none) for the log and for retry classes. */
struct conn *dial(const struct dial *d, enum io *why, int *err);

#endif
