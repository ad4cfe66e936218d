/* SPDX-License-Identifier: ISC */
/*
 * arc_parts: what validating and sealing share; for these two alone.
 */
#ifndef TRUST_ARC_PARTS_H
#define TRUST_ARC_PARTS_H

#include "trust/dkim_parts.h"

struct arc_fields {
	const struct field *aar, *ams, *as;
};

/* The sets of a header into out (ARC_INSTANCES_MAX), *n of them.  False: *why. */
bool arc_collect(const struct header *h, struct arena *a, struct arc_fields *out, unsigned *n,
    const char **why);
bool arc_aar_read(struct str value, uint64_t *instance, struct str *payload);
/* What a seal covers before its own field: all sets in their order, or its own after a failed
 * chain (RFC 8617 5.1.2). */
void arc_put_sealed(const struct sig_sink *to, const struct arc_fields *set, unsigned n,
    bool failed);

#endif
