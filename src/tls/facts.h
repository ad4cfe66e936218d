/* SPDX-License-Identifier: ISC */
/*
 * facts: what one TLS connection turned out to be: protocol, cipher, and the peer's certificate.
 *
 * Taken once after the handshake; version and cipher are OpenSSL's constant texts, everything of
 * the certificate is copied into the facts' own memory.  A peer without certificate costs a few
 * dozen bytes.  Nothing of a certificate whose verify is not TV_OK may be believed, except that the
 * peer holds the key with this hash.
 */
#ifndef TLS_FACTS_H
#define TLS_FACTS_H

#include <openssl/types.h>

#include "base/arena.h"
#include "tls/dn.h"
#include "tls/verify.h"

enum { TLS_PIN_TEXT = 64, TLS_SANS_MAX = 64 };

struct tls_peer {
	unsigned char spki[32];		/* SHA-256 of the public key's DER */
	char pin[TLS_PIN_TEXT];		/* the same as lower case hex */
	struct dn subject, issuer;
	struct str subject_text, issuer_text;	/* slash form */
	struct str *dns, *email;	/* subject alternative names */
	size_t ndns, nemail;
	struct arena memory;
};

struct tls_facts {
	struct str version, cipher;	/* "TLSv1.3" */
	unsigned bits;			/* of the cipher's key */
	bool resumed;
	enum tls_verify verify;
	long verify_code;		/* X509_V_ERR_..., 0 when fine */
	struct tls_peer *peer;		/* NULL: no certificate */
};

/* Of a connection whose handshake is done. */
void tls_facts_take(SSL *ssl, bool asked, struct tls_facts *out);
void tls_facts_done(struct tls_facts *f);

/* The parts of a name, in the certificate's order. */
bool dn_of_x509(const X509_NAME *name, struct arena *a, struct dn *out);
/* SHA-256 of the DER form of a public key: the pin, and the name of a private key to vault. */
[[nodiscard]] bool tls_spki_hash(const EVP_PKEY *key, unsigned char out[32]);
void tls_hex32(const unsigned char in[32], char out[TLS_PIN_TEXT]);

#endif
