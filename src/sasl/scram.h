/* SPDX-License-Identifier: ISC */
/*
 * scram: the server of SCRAM (RFC 5802, 7677) with channel binding (RFC 5929, 9266).
 *
 * Pure: texts in, texts out; who the user is comes in between the two steps.  Our own, because GNU
 * SASL 2.2 knows no tls-server-end-point and no verifier for a user who does not exist; it is held
 * to the RFC's vectors, and GNU SASL's client is a peer of the tests.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include "sasl/sasl.h"

enum { SCRAM_KEY_MAX = 32 };

struct scram {
	bool sha1, plus;		/* which hash; the -PLUS form */
	bool plus_offered;
	struct str binding[2];		/* tls-exporter, tls-server-end-point */
	struct str gs2;			/* header, as the client sent it */
	struct str bare;		/* client-first-message-bare */
	struct str user, authzid;
	struct str nonce;		/* both halves */
	struct str server_first;
	int bound;			/* index of binding, -1: none */
};

size_t scram_hash_size(bool sha1);
/* Reads client-first; slices and decoded texts live in a.  False: malformed, or a downgrade. */
bool scram_first(struct scram *s, struct str in, struct arena *a, bool *downgraded);
/* Writes server-first for that verifier; server_nonce is printable. */
bool scram_challenge(struct scram *s, const struct verifier *v, struct str server_nonce,
    struct arena *a, struct buf *out);
enum scram_verdict { SCRAM_MALFORMED, SCRAM_WRONG, SCRAM_RIGHT };
/* Judges client-final; right: out gets server-final. */
enum scram_verdict scram_final(const struct scram *s, const struct verifier *v, struct str in,
    struct arena *a, struct buf *out);

/* The verifier of a password, for stores that keep it in clear: salt and iterations are given,
 * stored and server are made in a. */
bool scram_derive(bool sha1, struct str password, struct arena *a, struct verifier *v);
/* Is it that password? */
bool scram_check(bool sha1, struct str password, const struct verifier *v);
/* What an unknown user has: always the same for the same name, and never right. */
bool scram_decoy(bool sha1, const unsigned char secret[32], struct str user, struct arena *a,
    struct verifier *v);

#endif
