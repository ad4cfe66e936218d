/* SPDX-License-Identifier: ISC */
/*
 * dkim_sign: makes DKIM-Signature fields, RFC 6376 5, RFC 8463.
 *
 * 1. Every field that says who writes what to whom is signed once more often than it stands, so
 *    that none can be added; list and resent fields are signed as they stand, so that a list or a
 *    recipient may add theirs.
 * 2. Never l=.  A message without exactly one From is not signed.
 * The private key is somebody else's: sign() gets the canonical header block, which names the
 * author and the domain, so that a vault can see what it signs.
 */
#ifndef TRUST_DKIM_SIGN_H
#define TRUST_DKIM_SIGN_H

#include "base/arena.h"
#include "base/buf.h"
#include "mail/header.h"

#include <openssl/types.h>
#include <stdint.h>

struct dkim_signer {
	struct str domain, selector;
	struct str identity;		/* i=; empty: none */
	bool ed25519;
	bool relaxed_header, relaxed_body;
	int64_t now_s, expires_s;	/* expires_s 0: no x= */
	/* Signature of block (RSA: PKCS #1 1.5 of its SHA-256; Ed25519: of that hash) appended.
	 * May suspend.  False: no. */
	bool (*sign)(void *ctx, struct str block, struct buf *signature);
	void *ctx;
};

/* NULL, or why a message with that header must not be signed. */
const char *dkim_sign_refuses(const struct header *h);
/* The whole field with its final CRLF, appended.  body_hash: SHA-256 of the body as relaxed_body
 * says.  False: refused, no memory, or sign said no. */
bool dkim_sign(const struct dkim_signer *s, const struct header *h, struct str body_hash,
    struct arena *a, struct buf *out);

/* sign() with a key of this process. */
bool dkim_sign_locally(EVP_PKEY *key, struct str block, struct buf *signature);

#endif
