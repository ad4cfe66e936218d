/* SPDX-License-Identifier: ISC */
/*
 * role: the body of the smtpd role: a worker wired to keeper's listeners, the pool's files, queue
 * and lookup.  Started by main/, ends after its last session when keeper drains it.
 */
#ifndef SMTPD_ROLE_H
#define SMTPD_ROLE_H

#include <stdbool.h>

struct role_env;

/* Before the sandbox: what OpenSSL must have loaded. */
bool smtpd_role_setup(struct role_env *env);
/* A coroutine body.  suspends */
void smtpd_role_run(struct role_env *env);

#endif
