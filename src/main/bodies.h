/* SPDX-License-Identifier: ISC */
/*
 * bodies: the role bodies that roles.c names, one line for each module that has one.
 *
 * A role whose body is NULL here is not started; the others carry on without it.
 */
#ifndef MAIN_BODIES_H
#define MAIN_BODIES_H

#include "admin/admin.h"
#include "dns/server.h"
#include "ipc/role.h"
#include "local/local_role.h"
#include "queue/role.h"
#include "smtpc/smtpc.h"
#include "smtpd/role.h"
#include "spool/pool_role.h"
#include "table/lookup_role.h"

void vault_role_run(struct role_env *env);
bool vault_role_setup(struct role_env *env);
bool lookup_setup(struct role_env *env);
void fetch_role_run(struct role_env *env);

#define BODY_POOL	pool_role_run
#define BODY_SMTPD	smtpd_role_run
#define SETUP_SMTPD	smtpd_role_setup
#define BODY_QUEUE	queue_role_run
#define BODY_SMTPC	smtpc_role_run
#define BODY_RESOLVER	resolver_role_run
#define SETUP_RESOLVER	resolver_setup
#define SETUP_SMTPC	smtpc_setup
#define BODY_LOCAL	local_role_run
#define BODY_LOOKUP	lookup_role_run
#define SETUP_LOOKUP	lookup_setup
#define BODY_ADMIN	admin_role_run

#endif
