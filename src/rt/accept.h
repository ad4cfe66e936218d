/* SPDX-License-Identifier: ISC */
/*
 * accept: take connections from a listener, and stay alive when descriptors run out.
 *
 * A reserve descriptor is kept: on EMFILE it is given up to take one connection and close it, so
 * that the peer is told and the queue does not stand; then we pause.  One acceptor per listener
 * and coroutine.
 */
#ifndef RT_ACCEPT_H
#define RT_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "rt/co.h"

struct acceptor {
	int fd;				/* the listener, not owned */
	int reserve;
	unsigned burst;			/* taken since the last suspension */
	uint64_t accepted, refused;	/* counters for status; refused: no descriptor left */
};

/* The listener becomes non-blocking. */
void acceptor_init(struct acceptor *a, int listen_fd);

/* suspends.  WAKE_OK: *fd is a new non-blocking, close-on-exec connection, the caller's.  The
 * address is that of the peer (family AF_UNIX without a name for local sockets). */
[[nodiscard]] enum wake acceptor_next(struct acceptor *a, int64_t deadline_ms, int *fd,
    struct sockaddr_storage *peer);

/* Forgets the listener (does not close it) and closes the reserve. */
void acceptor_done(struct acceptor *a);

#endif
