/* SPDX-License-Identifier: ISC */
/*
 * context: one SSL_CTX as postern wants it; what server.c and check.c share.
 *
 * Knows protocol versions, ciphers, groups, signatures and options; nothing of listeners.
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/pem.h"

/* A context for the server side without certificates; NULL: OpenSSL has no memory. */
SSL_CTX *tls_context_new(void);
/* Adds a chain and its key (remote or not); false: OpenSSL refuses them, the reason in its error
 * queue. */
[[nodiscard]] bool tls_context_add(SSL_CTX *ctx, const struct pem_chain *chain, EVP_PKEY *key);

#endif
