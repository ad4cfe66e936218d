/* SPDX-License-Identifier: ISC */
/*
 * local_role: the role that puts mail into mailboxes: jobs in from queue, outcomes back.
 *
 * 1. A job is held until queue has been told the outcome of each of its recipients; outcomes that
 *    could not be told (queue was restarted) are told to the next queue.
 * 2. Deliveries go to a lane for each (user id, base directory); see lane.h.
 *
 * Peers: queue (jobs), lookup (accounts).  Keeps the right to become its recipients' users.
 */
#ifndef LOCAL_LOCAL_ROLE_H
#define LOCAL_LOCAL_ROLE_H

struct role_env;

void local_role_run(struct role_env *env);

#endif
