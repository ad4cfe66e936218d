/* SPDX-License-Identifier: ISC */
/*
 * pem: certificates and keys from the text of PEM files.
 *
 * Never asks anybody for a passphrase: an encrypted key cannot be read.  The caller frees what it
 * gets (pem_chain_free, EVP_PKEY_free).
 */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <openssl/x509.h>
#include <stddef.h>

#include "base/str.h"

enum { PEM_CHAIN_MAX = 16 };

struct pem_chain {
	X509 *cert[PEM_CHAIN_MAX];	/* the server's own first */
	size_t n;
};

/* All certificates of the text, in order; false: none, too many, or a broken one. */
[[nodiscard]] bool pem_chain(struct str text, struct pem_chain *out);
void pem_chain_free(struct pem_chain *c);
/* The first private key; NULL: none that can be read. */
EVP_PKEY *pem_key(struct str text);
/* All certificates, as a store to verify against; *names (may be NULL) gets their subjects, to be
 * shown to clients.  NULL: none. */
X509_STORE *pem_store(struct str text, STACK_OF(X509_NAME) **names);

#endif
