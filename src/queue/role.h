/* SPDX-License-Identifier: ISC */
/*
 * role: the body of the queue role: the doors of struct queue, as channels to other roles.
 *
 * pool gives files, smtpd's workers tell how far they have committed, lookup gives the tables,
 * smtpc and local take jobs, admin asks.  Needs rt/work threads (two) and the file "spool".
 */
#ifndef QUEUE_ROLE_H
#define QUEUE_ROLE_H

#include "ipc/role.h"

void queue_role_run(struct role_env *env);

#endif
