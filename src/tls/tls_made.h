/* SPDX-License-Identifier: ISC */
/*
 * tls_made: certificates made for tests: two authorities, servers, clients.
 *
 * Made once by made_all, never freed: they live as long as the test program.
 */
#ifndef TLS_MADE_H
#define TLS_MADE_H

#include <openssl/x509.h>

#include "base/str.h"

struct made { struct str cert, key; EVP_PKEY *pkey; X509 *x; };

extern struct made made_ca, made_other_ca, made_rsa, made_ec, made_second, made_client,
    made_stranger;

void made_all(void);
/* type "RSA" or "EC"; by NULL: self-signed, an authority. */
struct made made_cert(const char *type, const char *cn, const struct made *by, long days);

#endif
