/* SPDX-License-Identifier: ISC */
/*
 * bodyhash: the body of a message canonicalised and hashed once while it passes, for all who want
 * it (DKIM, ARC, signing; whatever comes later).
 *
 * 1. Consumers say what they want before the first octet; equal wishes share one hasher.
 * 2. Any chunking gives the same digests.  RFC 6376 3.4.3, 3.4.4, 3.7.
 * Owned by the caller; the hashers' memory is freed by done.
 */
#ifndef TRUST_BODYHASH_H
#define TRUST_BODYHASH_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { BODY_WISHES_MAX = 12, BODY_DIGEST_MAX = 32 };

enum body_alg { BODY_SHA256, BODY_SHA1 };

struct body_wish {
	bool relaxed;
	enum body_alg alg;
	bool limited;			/* l= */
	uint64_t limit;			/* ... octets of the canonical body */
};

struct body_hasher;

struct body_hashes {
	struct body_hasher *hasher[BODY_WISHES_MAX];
	struct body_wish wish[BODY_WISHES_MAX];
	unsigned n;
};

/* Number of the digest, or -1: too many, or no memory. */
int body_hash_want(struct body_hashes *b, struct body_wish w);
void body_hash_feed(struct body_hashes *b, struct str bytes);
void body_hash_end(struct body_hashes *b);
/* After the end.  *len: octets of the whole canonical body, whatever the limit. */
struct str body_hash_get(const struct body_hashes *b, int number, uint64_t *len);
void body_hashes_done(struct body_hashes *b);

#endif
