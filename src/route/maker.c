/* SPDX-License-Identifier: ISC */
/*
 * maker: see maker.h.  The only place where a maker gets its name.
 */
#include "route/maker.h"

#include <assert.h>
#include <stddef.h>

struct maker
maker_admin_alias(const struct target *t)
{
	assert(t != NULL);
	return (struct maker){ MAKER_ADMIN_ALIAS };
}

struct maker
maker_confirmed_forward(const struct forward_confirmed *f)
{
	assert(f->user.n > 0 && f->target.n > 0);
	return (struct maker){ MAKER_CONFIRMED_FORWARD };
}

struct maker
maker_verified_srs(const struct srs_verified *v)
{
	assert(v->address.n > 0 && v->original.n > 0);
	return (struct maker){ MAKER_VERIFIED_SRS };
}

struct maker
maker_admin_redirect(void)
{
	return (struct maker){ MAKER_ADMIN_ALIAS };
}

const char *
maker_name(enum route_maker m)
{
	switch (m) {
	case MAKER_NONE:		return "client";
	case MAKER_ADMIN_ALIAS:		return "admin-alias";
	case MAKER_CONFIRMED_FORWARD:	return "confirmed-forward";
	case MAKER_VERIFIED_SRS:	return "srs-verified";
	}
	return "?";
}
