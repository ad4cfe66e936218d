/* SPDX-License-Identifier: ISC */
/*
 * context: see context.h.  RFC 9325 4: TLS 1.2 and up, forward secrecy, AEAD.
 */
#include "tls/context.h"

#include <openssl/ssl.h>

enum { CLIENT_CHAIN_BYTES = 32 << 10, CHAIN_DEPTH = 6, SESSION_S = 7200 };

SSL_CTX *
tls_context_new(void)
{
	static const char ciphers[] =
	    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
	    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
	static const char suites[] =
	    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
	static const char signatures[] =
	    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:"
	    "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_timeout(ctx, SESSION_S);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_BYTES);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, ciphers) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, suites) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1 ||
	    SSL_CTX_set1_sigalgs_list(ctx, signatures) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

bool
tls_context_add(SSL_CTX *ctx, const struct pem_chain *chain, EVP_PKEY *key)
{
	STACK_OF(X509) *rest = sk_X509_new_null();
	bool ok = rest != NULL;

	for (size_t i = 1; ok && i < chain->n; i++)
		ok = sk_X509_push(rest, chain->cert[i]) > 0;
	ok = ok && SSL_CTX_use_cert_and_key(ctx, chain->cert[0], key, rest, 1) == 1;
	sk_X509_free(rest);
	return ok;
}
