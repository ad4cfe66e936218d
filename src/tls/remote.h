/* SPDX-License-Identifier: ISC */
/*
 * remote: vault as seen by a worker: signatures for handshakes, and keys of tickets.
 *
 * 1. A signature is asked for once per full handshake and waited for until the handshake's own
 *    deadline; a vault that is being restarted is waited for as well.
 * 2. Keys of tickets are fetched for each listener when a vault comes and whenever they have aged;
 *    without vault the last ones go on.
 *
 * remote_answer is the other side, for the role that holds the keys.  One owner each.
 */
#ifndef TLS_REMOTE_H
#define TLS_REMOTE_H

#include "ipc/ipc.h"
#include "tls/keyring.h"
#include "tls/server.h"

struct tls_remote;

/* Becomes the signer of tls/provider and feeds srv with keys of tickets, until freed. */
struct tls_remote *tls_remote_new(const struct config *cfg, struct tls_server *srv);
/* suspends */
void tls_remote_free(struct tls_remote *r);
/* A channel to a vault; replaces an earlier one. */
void tls_remote_peer(struct tls_remote *r, int fd, const char *name);

/* The channel to vault, for the other questions a worker has.  suspends until there is one; NULL:
 * not until the deadline. */
struct ipc *tls_remote_channel(struct tls_remote *r, int64_t deadline);

/* In vault: answers the messages that a tls_remote sends; false: it is none of them. */
bool tls_remote_answer(struct keyring *kr, struct ipc *ch, uint64_t call_id, enum msg_type type,
    const union msg *m);

#endif
