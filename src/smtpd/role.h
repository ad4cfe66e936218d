/* SPDX-License-Identifier: ISC */
/*
 * role: the body of the smtpd role: a worker wired to keeper's listeners, the pool's files, queue
 * and lookup.  Started by main/, ends after its last session when keeper drains it.
 */
#ifndef SMTPD_ROLE_H
#define SMTPD_ROLE_H

struct role_env;

/* A coroutine body.  suspends */
void smtpd_role_run(struct role_env *env);

#endif
