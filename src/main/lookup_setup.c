/* SPDX-License-Identifier: ISC */
/*
 * lookup_setup: before lookup's sandbox: this host's addresses, and the children that check
 * passwords; and the proof that an access map must pass before it is used.
 */
#include "ipc/role.h"
#include "main/bodies.h"
#include "main/proof_run.h"
#include "sasl/lookup_side.h"

/* A map that breaks the proof stays outside, whatever its lines say. */
static bool
judge(void *ctx, const struct tables *candidate, struct buf *why)
{
	const struct role_env *env = ctx;
	struct proof_run r = { .cfg = env->cfg, .tables = candidate };

	return proof_run(&r, why);
}

bool
lookup_setup(struct role_env *env)
{
	proof_addresses_learn();
	lookup_role_judge(judge);
	return lookup_role_setup(env) && auth_lookup_setup(env);
}
