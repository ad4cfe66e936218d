/* SPDX-License-Identifier: ISC */
/*
 * keyring: private keys of certificates where they live (vault), and the secrets of tickets.
 *
 * 1. A key signs only what tls_shape_allows; nothing gives a key away.
 * 2. Keys of tickets are derived from one random secret, the listener's name and the hour: every
 *    worker gets the same, each listener others, and hours that are over cannot be had any more.
 *
 * One owner, in one process.  Pure but for OpenSSL and the time, which is an argument.
 */
#ifndef TLS_KEYRING_H
#define TLS_KEYRING_H

#include <stdint.h>

#include "tls/provider.h"
#include "tls/ticket.h"

struct keyring;

struct keyring *keyring_new(void);
void keyring_free(struct keyring *kr);		/* NULL is nothing */

/* A PEM private key.  False: no key in it, or one that no certificate of ours has. */
[[nodiscard]] bool keyring_add(struct keyring *kr, struct str pem);
size_t keyring_count(const struct keyring *kr);

enum keyring_answer { KEYRING_SIGNED, KEYRING_UNKNOWN, KEYRING_REFUSED, KEYRING_FAILED };

enum keyring_answer keyring_sign(struct keyring *kr, const struct tls_sign *ask,
    unsigned char sig[TLS_SIGNATURE_MAX], size_t *n);

/* What a worker uses for this listener now: the present keys, those before, and for how long. */
void keyring_tickets(struct keyring *kr, struct str listener, int64_t now_ms,
    struct ticket_pair *out);

#endif
