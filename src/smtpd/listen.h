/* SPDX-License-Identifier: ISC */
/*
 * listen: accept loops on listeners that were handed to us.
 *
 * A door is one listener of the configuration with its descriptor.  Peers of Unix sockets come
 * with their credentials.  Owns the descriptor from door_open to door_close.
 */
#ifndef SMTPD_LISTEN_H
#define SMTPD_LISTEN_H

#include "smtpd/smtpd.h"

struct door;

/* Accept on fd as that listener.  NULL: no memory; fd is closed. */
struct door *door_open(struct smtpd *srv, const struct listener *l, int fd);
/* Accept no more; sessions go on.  suspends */
void door_close(struct door *d);
const struct listener *door_listener(const struct door *d);

#endif
