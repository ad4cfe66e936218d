/* SPDX-License-Identifier: ISC */
/*
 * dkim: DomainKeys Identified Mail, RFC 6376 with RFC 8301 and 8463: verification.
 *
 * begin reads the signatures of a header section and says which body hashes it wants; the body
 * passes through bodyhash; end fetches keys and judges.  Every tag is checked before it is used in
 * a DNS name.  A signature that covers less than the whole message (l=), or fewer instances of a
 * field that may stand once than there are, is AUTH_POLICY and never a pass.
 * All memory is the arena's.
 */
#ifndef TRUST_DKIM_H
#define TRUST_DKIM_H

#include "mail/header.h"
#include "trust/ask.h"
#include "trust/bodyhash.h"
#include "trust/result.h"

enum { DKIM_SIGNATURES_MAX = 10, DKIM_KEYS_MAX = 5 };

/* One signature, as the header has them from its top. */
struct dkim_sig {
	enum auth_result result;
	const char *why;		/* constant text; "" with pass */
	struct str domain, selector, identity;	/* d= s= i= (default @d) */
	struct str algorithm;		/* a= */
	struct str b;			/* b= without white space */
	bool covers_from;
	bool weak_key;			/* pass with RSA below 2048 bits */
	bool testing;			/* t=y of the key */
	bool key_found;			/* a key was published at the selector */
	bool limited;			/* l= shorter than the body */
	unsigned key_bits;
	int64_t signed_s, expires_s;	/* t=, x=; 0: not given */
	/* h= has From, To, Subject, Date and Message-ID, no l=, not expired */
	bool covers_all;
};

struct dkim {
	struct dkim_sig *sig;
	size_t n;			/* at most DKIM_SIGNATURES_MAX are judged */
	enum auth_result result;	/* pass if one passes, else the first one's */
	bool legacy;			/* rsa-sha1 and keys from 512 bits: old test corpora only */
	struct dkim_work *work;		/* between begin and end */
};

/* header's slices must live until end.  False: no memory. */
bool dkim_begin(struct dkim *d, const struct header *h, struct body_hashes *b, struct arena *a);
/* NULL, or a key that needs no DNS: the public key (SubjectPublicKeyInfo DER, or raw 32 octets of
 * Ed25519) of our own domain's selector. */
struct dkim_rules {
	int64_t now_s;
	struct str (*own_key)(void *ctx, struct str domain, struct str selector);
	void *ctx;
};
/* suspends */
void dkim_end(struct dkim *d, const struct body_hashes *b, const struct dkim_rules *r,
    struct trust_dns *dns, struct arena *a);

#endif
