/* SPDX-License-Identifier: ISC */
/*
 * keyring: see keyring.h.
 */
#include "tls/keyring.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "tls/facts.h"
#include "tls/pem.h"
#include "tls/shape.h"

struct held {
	unsigned char id[32];
	EVP_PKEY *key;
	struct held *next;
};

struct keyring {
	struct held *held;
	size_t n;
	unsigned char root[32];
};

struct keyring *
keyring_new(void)
{
	struct keyring *kr = OPENSSL_secure_zalloc(sizeof(*kr));

	if (!kr || RAND_priv_bytes(kr->root, sizeof(kr->root)) != 1)
		abort();
	return kr;
}

void
keyring_free(struct keyring *kr)
{
	while (kr && kr->held) {
		struct held *h = kr->held;

		kr->held = h->next;
		EVP_PKEY_free(h->key);
		free(h);
	}
	if (kr)
		OPENSSL_secure_clear_free(kr, sizeof(*kr));
}

bool
keyring_add(struct keyring *kr, struct str pem)
{
	EVP_PKEY *key = pem_key(pem);
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	if (!key || (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "EC")) ||
	    !tls_spki_hash(key, h->id)) {
		EVP_PKEY_free(key);
		free(h);
		return false;
	}
	h->key = key;
	h->next = kr->held;
	kr->held = h;
	kr->n++;
	return true;
}

size_t
keyring_count(const struct keyring *kr)
{
	return kr->n;
}

static const struct held *
find(const struct keyring *kr, const unsigned char id[32])
{
	for (const struct held *h = kr->held; h; h = h->next)
		if (memcmp(h->id, id, sizeof(h->id)) == 0)
			return h;
	return NULL;
}

static const EVP_MD *
digest(unsigned bits)
{
	return bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
}

static bool
sign_with(EVP_PKEY *key, const struct tls_sign *ask, unsigned char *sig, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	bool ok = ctx && EVP_DigestSignInit(ctx, &pctx, digest(ask->hash), NULL, key) == 1;

	if (ok && ask->kind == TLS_SIGN_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	*n = TLS_SIGNATURE_MAX;
	ok = ok && EVP_DigestSign(ctx, sig, n, (const unsigned char *)ask->tbs.p,
	    ask->tbs.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

enum keyring_answer
keyring_sign(struct keyring *kr, const struct tls_sign *ask, unsigned char sig[TLS_SIGNATURE_MAX],
    size_t *n)
{
	const struct held *h = find(kr, ask->key);

	*n = 0;
	if (!h)
		return KEYRING_UNKNOWN;
	if (!tls_shape_allows(ask) ||
	    EVP_PKEY_is_a(h->key, "EC") != (ask->kind == TLS_SIGN_ECDSA) ||
	    EVP_PKEY_get_size(h->key) > TLS_SIGNATURE_MAX)
		return KEYRING_REFUSED;
	return sign_with(h->key, ask, sig, n) ? KEYRING_SIGNED : KEYRING_FAILED;
}

static void
derive(const struct keyring *kr, struct str listener, uint64_t hour, struct ticket_key *out)
{
	static const char *const labels[] = { "name", "aes", "mac" };
	unsigned char *const to[] = { out->name, out->aes, out->mac };
	const size_t size[] = { sizeof(out->name), sizeof(out->aes), sizeof(out->mac) };
	unsigned char md[32], text[512];
	struct buf b = { .p = (char *)text, .cap = sizeof(text), .max = sizeof(text) };

	for (unsigned i = 0; i < COUNT(labels); i++) {
		unsigned len = 0;

		buf_reset(&b);
		(void)buf_puts(&b, "postern ticket ");
		(void)buf_put(&b, str_of(labels[i]));
		(void)buf_putc(&b, ' ');
		(void)buf_putu(&b, hour);
		(void)buf_putc(&b, ' ');
		(void)buf_put(&b, str_sub(listener, 0, MIN(listener.n, (size_t)400)));
		if (!HMAC(EVP_sha256(), kr->root, sizeof(kr->root), text, b.n, md, &len))
			abort();
		memcpy(to[i], md, size[i]);
	}
	OPENSSL_cleanse(md, sizeof(md));
}

void
keyring_tickets(struct keyring *kr, struct str listener, int64_t now_ms, struct ticket_pair *out)
{
	uint64_t hour = (uint64_t)now_ms / TICKET_HOUR_MS;

	derive(kr, listener, hour + 1, &out->now);
	derive(kr, listener, hour, &out->before);
	out->left_ms = TICKET_HOUR_MS - now_ms % TICKET_HOUR_MS;
}
