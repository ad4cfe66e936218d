/* SPDX-License-Identifier: ISC */
/*
 * lookup_side: users and passwords as lookup answers them to vault.
 *
 * 1. An answer is CRED_OK only if a store said so; a store that is down is CRED_UNAVAILABLE.
 * 2. An unknown user costs what a known one of the same store costs.
 * 3. What blocks, dlopens or takes much memory happens in children (nursery.h).
 *
 * Lives in the lookup role, as its lookup_extra; one owner, main/.
 */
#ifndef SASL_LOOKUP_SIDE_H
#define SASL_LOOKUP_SIDE_H

#include "table/lookup_role.h"

/* Before the sandbox: makes the children and extends the role. */
bool auth_lookup_setup(struct role_env *env);

#endif
