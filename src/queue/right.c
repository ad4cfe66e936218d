/* SPDX-License-Identifier: ISC */
/*
 * right: see right.h.  Apart from drop.c because policy and queue both call something `dest`.
 */
#include "queue/right.h"

#include "policy/grants.h"
#include "policy/rules.h"

bool
right_to_send(const struct config *cfg, uint32_t uid, const struct path *sender,
    const struct path *to)
{
	const struct facts who = {
		.listener = L_LOCAL, .id = { .local = true, .uid = uid }, .sender = sender,
	};

	const struct policy p = { .cfg = cfg };

	return config_domain(cfg, to->domain) != NULL ||
	    grants_destination(&p, to).yes || grants_source(&p, &who, true).yes;
}
