/* SPDX-License-Identifier: ISC */
/*
 * wire: the byte form of the messages of msg.def, without a channel.
 *
 * Pure: no descriptor, no clock.  ipc.c frames and sends these bytes; tests and the fuzzer call
 * here directly.
 */
#ifndef IPC_WIRE_H
#define IPC_WIRE_H

#include "ipc/ipc.h"

/* Pack struct msg_<type> at p; *n is the room and becomes the length.  False: does not fit. */
bool msg_put(enum msg_type type, const void *m, char *p, size_t *n);

/* Fill the struct msg_<type> at m.  Slices point into bytes, lists come from a (which may be NULL
 * for messages without lists).  False: malformed, or the arena is at its limit. */
bool msg_unpack(enum msg_type type, struct str bytes, void *m, struct arena *a);

const char *msg_name(enum msg_type type);	/* "unknown" for a bad number */
bool msg_allowed(enum msg_type type, enum role_kind from, enum role_kind to);
bool msg_takes_fd(enum msg_type type);
size_t msg_size(enum msg_type type);		/* of its struct; 0: no such type */

#endif
