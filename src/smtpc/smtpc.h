/* SPDX-License-Identifier: ISC */
/*
 * smtpc: the role that connects out: jobs from queue, SMTP and LMTP to the next hops.
 *
 * Rights it has: outgoing connections, reading log segments.  It keeps no state over a restart:
 * what it had in hand is given out again by queue, to which each new channel first tells what is
 * in hand, then the results that could not be sent, then job_hello (queue/transport.h).
 */
#ifndef SMTPC_SMTPC_H
#define SMTPC_SMTPC_H

#include <stdbool.h>

struct role_env;

/* Before the sandbox: which addresses are our own. */
bool smtpc_setup(struct role_env *env);
void smtpc_role_run(struct role_env *env);	/* suspends */

#endif
