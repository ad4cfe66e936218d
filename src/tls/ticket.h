/* SPDX-License-Identifier: ISC */
/*
 * ticket: the keys under which session tickets are sealed (RFC 5077, RFC 8446 4.6.1).
 *
 * Each listener has its own, so that a ticket of one is nothing to another.  Two are known at a
 * time; new tickets are sealed with the present one, and who comes with an older one gets a new
 * ticket.  Plain values, owned by whoever holds them; wipe them with ticket_wipe.
 */
#ifndef TLS_TICKET_H
#define TLS_TICKET_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

enum { TICKET_HOUR_MS = 3'600'000 };

struct ticket_key { unsigned char name[16], aes[32], mac[32]; };

struct ticket_pair {
	struct ticket_key now, before;
	int64_t left_ms;		/* until there will be newer ones */
};

/* OpenSSL's callback; keys NULL: none are known, so no ticket is taken. */
int ticket_seal(const struct ticket_pair *keys, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool enc);
void ticket_wipe(struct ticket_pair *keys);

#endif
