/* SPDX-License-Identifier: ISC */
/*
 * dialer: connections to milters and policy services, made here because smtpd may not connect.
 *
 * smtpd asks by the filter's number in the configuration and is handed the connected socket; it can
 * reach nothing else.  Each question is a child of its own: a filter that does not answer holds up
 * nobody.  Host names were looked up before the sandbox closed (dialer_learn).
 */
#ifndef TABLE_DIALER_H
#define TABLE_DIALER_H

#include "conf/config.h"
#include "ipc/ipc.h"

struct dialer;

/* Before the sandbox, once a process: the addresses behind host names. */
void dialer_learn(const struct config *cfg);

struct dialer *dialer_new(const struct config *cfg);
/* Answers on the same channel, later. */
void dialer_ask(struct dialer *d, struct ipc *ch, const struct msg_filter_ask *m);
/* suspends */
void dialer_free(struct dialer *d);

#endif
