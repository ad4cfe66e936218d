/* SPDX-License-Identifier: ISC */
/*
 * entitle: what a spool record says about why a recipient was taken.
 *
 * spool_rcpt.flags: bits 0-3 the recipient's class (enum dest), bits 4-7 the kind of the grant plus
 * one, 0 when none was needed; bits 8 and 9: hold.h.  A remote recipient without a
 * grant is never written by smtpd and must be refused by whoever reads it.
 */
#ifndef POLICY_ENTITLE_H
#define POLICY_ENTITLE_H

#include "policy/decide.h"
#include "policy/hold.h"

static inline uint32_t
entitle_flags(enum dest dest, const struct verdict *v)
{
	uint32_t grant = v->relay ? (uint32_t)v->grant + 1 : 0;

	return (uint32_t)dest | grant << 4;
}

static inline enum dest
entitle_dest(uint32_t flags)
{
	return (enum dest)(flags & 15);
}

/* False: no grant. */
static inline bool
entitle_grant(uint32_t flags, enum grant_kind *kind)
{
	uint32_t grant = flags >> 4 & 15;

	if (grant == 0 || grant > (uint32_t)GRANT_DESTINATION + 1)
		return false;
	*kind = (enum grant_kind)(grant - 1);
	return true;
}

#endif
