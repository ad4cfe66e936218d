/* SPDX-License-Identifier: ISC */
/*
 * provider: private keys that live elsewhere, as OpenSSL 3 sees them.
 *
 * A small provider inside the program with two kinds of keys (RSA, EC) that know only their public
 * half, and with signatures that ask somebody else.  It can do nothing but sign: no decryption, so
 * no RSA key exchange, no export of what it has not.  Ordinary keys stay with OpenSSL's default
 * provider.  No configuration file of OpenSSL is ever read.
 *
 * The signer is called on the coroutine that is in tls_handshake and may suspend.
 */
#ifndef TLS_PROVIDER_H
#define TLS_PROVIDER_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum tls_sign_kind { TLS_SIGN_ECDSA, TLS_SIGN_PKCS1, TLS_SIGN_PSS };
enum { TLS_SIGNATURE_MAX = 1024 };

struct tls_sign {
	unsigned char key[32];		/* tls_spki_hash of its public half */
	enum tls_sign_kind kind;
	unsigned hash;			/* 256, 384, 512: SHA-2; the salt of PSS is as long */
	struct str tbs;			/* the bytes to be signed, not their hash */
};

/* Writes the signature (at most TLS_SIGNATURE_MAX); false: cannot be had.  suspends */
struct tls_signer {
	bool (*sign)(void *ctx, const struct tls_sign *ask, int64_t deadline_ms,
	    unsigned char *sig, size_t *n);
	void *ctx;
};

/* Once in a process, before the sandbox: OpenSSL without its configuration file, everything we
 * use loaded.  False: OpenSSL cannot be used. */
bool tls_init(void);

/* The provider and who signs for it; once.  The signer may be changed later. */
bool tls_provider_load(void);
void tls_provider_signer(const struct tls_signer *signer);

/* A key of which only pub is here; NULL: not RSA or EC.  pub stays the caller's. */
EVP_PKEY *tls_remote_key(EVP_PKEY *pub);

/* Around a handshake: until when a signature is waited for, and whether one could not be had. */
void tls_provider_begin(int64_t deadline_ms);
bool tls_provider_failed(void);

#endif
