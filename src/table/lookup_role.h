/* SPDX-License-Identifier: ISC */
/*
 * lookup_role: the process that reads the tables.
 *
 * 1. Reads every table the configuration names, at start and whenever a file changes, and sends
 *    one image of all of them to smtpd and queue.
 * 2. A table that turns bad keeps its last good state and raises an alarm; one that never was good
 *    is left out of the image, so that its domain's mail is asked to come later.
 * 3. Answers what accounts are (files and system), on worker threads where a library blocks.
 */
#ifndef TABLE_LOOKUP_ROLE_H
#define TABLE_LOOKUP_ROLE_H

#include <stdbool.h>

struct role_env;

/* Before the sandbox: the addresses of this host. */
bool lookup_role_setup(struct role_env *env);
void lookup_role_run(struct role_env *env);

#endif
