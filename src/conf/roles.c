/* SPDX-License-Identifier: ISC */
/*
 * roles: the words for the processes, as configuration, log and titles spell them.
 *
 * One table in the order of enum role_kind; owns nothing.
 */
#include "conf/roles.h"

static const char *const words[ROLE_COUNT] = {
	[ROLE_KEEPER] = "keeper", [ROLE_POOL] = "pool", [ROLE_SMTPD] = "smtpd",
	[ROLE_QUEUE] = "queue", [ROLE_SMTPC] = "smtpc", [ROLE_RESOLVER] = "resolver",
	[ROLE_VAULT] = "vault", [ROLE_LOCAL] = "local", [ROLE_LOOKUP] = "lookup",
	[ROLE_FETCH] = "fetch", [ROLE_ADMIN] = "admin",
};

const char *
role_word(enum role_kind kind)
{
	return (unsigned)kind < ROLE_COUNT ? words[kind] : "unknown";
}

bool
role_find(struct str word, enum role_kind *out)
{
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (str_eq(word, str_of(words[i]))) {
			*out = (enum role_kind)i;
			return true;
		}
	return false;
}
