/* SPDX-License-Identifier: ISC */
/*
 * shape: are these the bytes that a TLS server signs, and nothing else?
 *
 * A private key in vault signs only what has one of two forms: a TLS 1.3 server's CertificateVerify
 * (RFC 8446 4.4.3), or the parameters of a TLS 1.2 ephemeral ECDH exchange behind the two randoms
 * (RFC 8422 5.4).  So a worker that was taken over can pretend to be the server while it lives, as
 * it could anyway, and can get no certificate request, message or client login signed.
 *
 * Pure.
 */
#ifndef TLS_SHAPE_H
#define TLS_SHAPE_H

#include <stdbool.h>

#include "tls/provider.h"

enum tls_shape { SHAPE_NONE, SHAPE_TLS13, SHAPE_TLS12 };

enum tls_shape tls_shape_of(struct str tbs);
/* The form and the way of signing together: TLS 1.3 never takes PKCS#1. */
bool tls_shape_allows(const struct tls_sign *ask);

#endif
