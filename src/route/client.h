/* SPDX-License-Identifier: ISC */
/*
 * client: a struct route that lookup keeps up to date; the same in smtpd and in queue.
 *
 * 1. Before the first image every table answers "later"; when lookup dies the last image stays.
 * 2. The image is replaced between two suspensions of whoever uses it, never under them.
 */
#ifndef ROUTE_CLIENT_H
#define ROUTE_CLIENT_H

#include "ipc/ipc.h"
#include "route/ask.h"

struct route_client;

struct route_client *route_client_new(const struct config *cfg);
void route_client_free(struct route_client *c);

/* A (new) channel to lookup; takes the descriptor. */
void route_client_peer(struct route_client *c, int fd, const char *name);

/* What else lookup says on that channel, to whoever asks there (filters): MSG_NONE is its end.
 * Takes fd, if there is one. */
struct route_client_else {
	void (*on_msg)(void *ctx, enum msg_type type, const union msg *m, int fd);
	void *ctx;
};
void route_client_else(struct route_client *c, const struct route_client_else *e);
/* NULL: lookup is not there now. */
struct ipc *route_client_channel(const struct route_client *c);

/* Is there an image yet? */
bool route_client_ready(const struct route_client *c);

const struct route *route_client_route(const struct route_client *c);

#endif
