/* SPDX-License-Identifier: ISC */
/*
 * arc_seal: one more set on top of a message's chain, RFC 8617 5.1.
 *
 * The new AAR carries the Authentication-Results of ours that the message bears; where they, or the
 * chain itself, say that the chain failed, the seal says so too and covers its own set alone.
 */
#ifndef TRUST_ARC_SEAL_H
#define TRUST_ARC_SEAL_H

#include "trust/arc.h"

struct arc_sealer {
	struct str domain, selector, authserv_id;
	const struct str *name;		/* h= of the AMS, in its order */
	size_t nname;
	bool ed25519;
	int64_t now_s;
	bool (*sign)(void *ctx, struct str block, struct buf *signature);
	void *ctx;
};

/* The three fields, newest on top, appended.  chain: as arc_end left it; body_hash: relaxed
 * SHA-256.  False: the chain must not be extended (it ends in cv=fail, or is full), nothing to
 * say, or sign said no. */
bool arc_seal(const struct arc_sealer *s, const struct header *h, const struct arc *chain,
    struct str body_hash, struct arena *a, struct buf *out);

#endif
