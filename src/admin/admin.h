/* SPDX-License-Identifier: ISC */
/*
 * admin: the role behind `postern status`, `queue`, `reload` and `stop`.
 *
 * A local socket that only its owner can open; one question a line, `OP [JSON]`, one answer a line,
 * `ok JSON` or `error JSON`; several questions may follow each other on one connection.  The role
 * decides nothing: it passes queue's questions to queue, the others to keeper.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "ipc/role.h"

void admin_role_run(struct role_env *env);

#endif
