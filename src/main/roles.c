/* SPDX-License-Identifier: ISC */
/*
 * roles: the table of roles and the table of channels between them; see roles.h.
 *
 * Fewer channels are fewer ways from a role that was taken over to the next: add one only with the
 * message that needs it.
 */
#include <stddef.h>
#include <unistd.h>

#include "base/num.h"
#include "main/bodies.h"
#include "main/roles.h"

static const struct role_def defs[ROLE_COUNT] = {
	[ROLE_KEEPER] = { .role = ROLE_KEEPER },
	[ROLE_POOL] = { ROLE_POOL, BODY_POOL, NULL, LIFE_SINGLE, 2 },
	[ROLE_SMTPD] = { ROLE_SMTPD, BODY_SMTPD, SETUP_SMTPD, LIFE_WORKER, 4 },
	[ROLE_QUEUE] = { ROLE_QUEUE, BODY_QUEUE, NULL, LIFE_SINGLE, 3 },
	[ROLE_SMTPC] = { ROLE_SMTPC, BODY_SMTPC, SETUP_SMTPC, LIFE_WORKER, 1 },
	[ROLE_RESOLVER] = { ROLE_RESOLVER, BODY_RESOLVER, SETUP_RESOLVER, LIFE_HELPER, 0 },
	[ROLE_VAULT] = { ROLE_VAULT, vault_role_run, vault_role_setup, LIFE_HELPER, 0 },
	[ROLE_LOCAL] = { ROLE_LOCAL, BODY_LOCAL, NULL, LIFE_WORKER, 2 },
	[ROLE_LOOKUP] = { ROLE_LOOKUP, BODY_LOOKUP, SETUP_LOOKUP, LIFE_HELPER, 2 },
	[ROLE_FETCH] = { ROLE_FETCH, fetch_role_run, NULL, LIFE_HELPER, 0 },
	[ROLE_ADMIN] = { ROLE_ADMIN, BODY_ADMIN, NULL, LIFE_HELPER, 0 },
};

static const struct { enum role_kind a, b; } talks[] = {
	{ ROLE_SMTPD, ROLE_QUEUE },
	{ ROLE_SMTPD, ROLE_LOOKUP },
	{ ROLE_SMTPD, ROLE_RESOLVER },
	{ ROLE_SMTPD, ROLE_VAULT },
	{ ROLE_VAULT, ROLE_LOOKUP },
	{ ROLE_QUEUE, ROLE_VAULT },
	{ ROLE_SMTPD, ROLE_POOL },
	{ ROLE_QUEUE, ROLE_SMTPC },
	{ ROLE_QUEUE, ROLE_LOCAL },
	{ ROLE_QUEUE, ROLE_LOOKUP },
	{ ROLE_QUEUE, ROLE_POOL },
	{ ROLE_QUEUE, ROLE_ADMIN },
	{ ROLE_SMTPC, ROLE_RESOLVER },
	{ ROLE_SMTPC, ROLE_VAULT },
	{ ROLE_LOCAL, ROLE_LOOKUP },
	{ ROLE_ADMIN, ROLE_LOOKUP },
};

const struct role_def *
role_def(enum role_kind role)
{
	return &defs[role];
}

static unsigned
per_core(uint64_t wanted)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted > 0)
		return (unsigned)MIN(wanted, (uint64_t)63);
	return cores < 1 ? 1 : (unsigned)MIN(cores, 32L);
}

unsigned
role_count(const struct config *cfg, enum role_kind role)
{
	if (!defs[role].run)
		return 0;
	if (role == ROLE_SMTPD)
		return per_core(cfg->workers);
	if (role == ROLE_SMTPC)
		return per_core(cfg->clients);
	return 1;
}

bool
roles_talk(enum role_kind a, enum role_kind b)
{
	for (size_t i = 0; i < COUNT(talks); i++)
		if ((talks[i].a == a && talks[i].b == b) || (talks[i].a == b && talks[i].b == a))
			return true;
	return false;
}
