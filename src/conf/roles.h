/* SPDX-License-Identifier: ISC */
/*
 * roles: the names of the processes, one per right (ARCHITECTURE.md).
 *
 * The order is that of the default numeric ids: role n runs as ROLE_UID_BASE + n when started as
 * root and nothing else is configured.  pool is keeper's helper.
 */
#ifndef CONF_ROLES_H
#define CONF_ROLES_H

#include <stdbool.h>

#include "base/str.h"

enum role_kind {
	ROLE_KEEPER, ROLE_POOL, ROLE_SMTPD, ROLE_QUEUE, ROLE_SMTPC, ROLE_RESOLVER,
	ROLE_VAULT, ROLE_LOCAL, ROLE_LOOKUP, ROLE_FETCH, ROLE_ADMIN,
};

enum { ROLE_COUNT = ROLE_ADMIN + 1, ROLE_UID_BASE = 71'000 };

/* "smtpd" and so on; never NULL. */
const char *role_word(enum role_kind kind);

/* False: no role of that name. */
bool role_find(struct str word, enum role_kind *out);

#endif
