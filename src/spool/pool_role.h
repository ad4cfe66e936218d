/* SPDX-License-Identifier: ISC */
/*
 * pool_role: the body of the pool's process; see role.h for what a body is.
 *
 * Needs rt/work threads (two are enough) and the spool directory as role file "spool".
 */
#ifndef SPOOL_POOL_ROLE_H
#define SPOOL_POOL_ROLE_H

#include "ipc/role.h"

void pool_role_run(struct role_env *env);

#endif
