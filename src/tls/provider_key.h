/* SPDX-License-Identifier: ISC */
/*
 * provider_key: what the two halves of the provider share; see provider.h.
 *
 * OpenSSL owns the keys: it makes them by keymgmt's new and ends them by its free.  Included by
 * provider.c and provider_sign.c alone.
 */
#ifndef TLS_PROVIDER_KEY_H
#define TLS_PROVIDER_KEY_H

#include <openssl/core.h>
#include <openssl/types.h>
#include <stdbool.h>

struct remote_key {
	const char *name;		/* "RSA", "EC" */
	EVP_PKEY *pub;			/* ours; NULL until imported */
	bool signs;			/* handed over by tls_remote_key */
	unsigned char id[32];
};

extern const OSSL_DISPATCH remote_signature[];

#endif
