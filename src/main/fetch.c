/* SPDX-License-Identifier: ISC */
/*
 * fetch: the role that will speak HTTPS outwards (MTA-STS policies, reports).
 *
 * Nothing asks for anything yet: it runs, answers keeper's pings, and its sandbox allows nothing.
 */
#include <unistd.h>

#include "ipc/role.h"
#include "main/bodies.h"

void
fetch_role_run(struct role_env *env)
{
	static const struct role_hooks hooks = {};

	role_attach(env, &hooks, NULL);
	role_wait_drain(env);
}
