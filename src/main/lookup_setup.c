/* SPDX-License-Identifier: ISC */
/*
 * lookup_setup: before lookup's sandbox: this host's addresses, and the children that check
 * passwords.
 */
#include "main/bodies.h"
#include "sasl/lookup_side.h"

bool
lookup_setup(struct role_env *env)
{
	return lookup_role_setup(env) && auth_lookup_setup(env);
}
