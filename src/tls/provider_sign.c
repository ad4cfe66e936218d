/* SPDX-License-Identifier: ISC */
/*
 * provider_sign: signatures of remote keys; see provider.h.
 *
 * Only whole messages are signed (digest_sign); a bare hash never is.  What libssl asks for: SHA-2
 * with ECDSA, RSA PKCS#1 or PSS with a salt as long as the hash.  Everything else is refused here,
 * and again by whoever holds the key.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/clock.h"
#include "tls/provider.h"
#include "tls/provider_key.h"

enum { TBS_MAX = 4096 };

/* One signature being made. */
struct making {
	struct remote_key *key;
	enum tls_sign_kind kind;
	unsigned hash;
	size_t n;
	unsigned char tbs[TBS_MAX];
};

static struct tls_signer signer;
static int64_t until = FOREVER;
static bool failed;

void
tls_provider_signer(const struct tls_signer *s)
{
	signer = *s;
}

void
tls_provider_begin(int64_t deadline_ms)
{
	until = deadline_ms;
	failed = false;
}

bool
tls_provider_failed(void)
{
	return failed;
}

static void *
sign_new(void *provctx, const char *propq)
{
	(void)provctx, (void)propq;
	return calloc(1, sizeof(struct making));
}

static void
sign_free(void *ctx)
{
	free(ctx);
}

static unsigned
hash_bits(const char *name)
{
	static const struct { const char *name; unsigned bits; } known[] = {
		{ "SHA256", 256 }, { "SHA2-256", 256 }, { "SHA384", 384 }, { "SHA2-384", 384 },
		{ "SHA512", 512 }, { "SHA2-512", 512 },
	};

	for (size_t i = 0; name && i < COUNT(known); i++)
		if (str_ieq(str_of(name), str_of(known[i].name)))
			return known[i].bits;
	return 0;
}

static int
set_padding(struct making *m, const OSSL_PARAM *p)
{
	int pad = 0;
	const char *word = NULL;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (OSSL_PARAM_get_utf8_string_ptr(p, &word) != 1)
			return 0;
		pad = strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING :
		    strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0 ? RSA_PKCS1_PADDING : 0;
	} else if (OSSL_PARAM_get_int(p, &pad) != 1) {
		return 0;
	}
	if (pad != RSA_PKCS1_PSS_PADDING && pad != RSA_PKCS1_PADDING)
		return 0;
	m->kind = pad == RSA_PKCS1_PSS_PADDING ? TLS_SIGN_PSS : TLS_SIGN_PKCS1;
	return 1;
}

static int
sign_set(void *ctx, const OSSL_PARAM params[])
{
	struct making *m = ctx;
	const OSSL_PARAM *p = params ?
	    OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;

	return !p || m->kind == TLS_SIGN_ECDSA || set_padding(m, p);
}

static const OSSL_PARAM *
sign_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END
	};

	(void)ctx, (void)provctx;
	return types;
}

static int
sign_init(void *ctx, const char *md, void *key, const OSSL_PARAM params[])
{
	struct making *m = ctx;

	if (key)
		m->key = key;
	m->hash = hash_bits(md);
	m->n = 0;
	if (!m->key || !m->key->signs || m->hash == 0)
		return 0;
	m->kind = m->key->name[0] == 'E' ? TLS_SIGN_ECDSA : TLS_SIGN_PKCS1;
	return sign_set(m, params);
}

static int
sign_update(void *ctx, const unsigned char *p, size_t n)
{
	struct making *m = ctx;

	if (n > TBS_MAX - m->n)
		return 0;
	memcpy(m->tbs + m->n, p, n);
	m->n += n;
	return 1;
}

/* suspends (with sig) */
static int
sign_final(void *ctx, unsigned char *sig, size_t *n, size_t cap)
{
	struct making *m = ctx;
	unsigned char out[TLS_SIGNATURE_MAX];
	struct tls_sign ask = {
		.kind = m->kind, .hash = m->hash, .tbs = { (const char *)m->tbs, m->n },
	};
	size_t got = sizeof(out);
	int size = EVP_PKEY_get_size(m->key->pub);

	if (!sig) {
		*n = (size_t)size;
		return size > 0;
	}
	memcpy(ask.key, m->key->id, sizeof(ask.key));
	failed = !signer.sign || !signer.sign(signer.ctx, &ask, until, out, &got);
	if (failed || got > cap)
		return 0;
	memcpy(sig, out, got);
	*n = got;
	return 1;
}

static int
sign_whole(void *ctx, unsigned char *sig, size_t *n, size_t cap, const unsigned char *tbs,
    size_t tbs_n)
{
	if (sig && !sign_update(ctx, tbs, tbs_n))
		return 0;
	return sign_final(ctx, sig, n, cap);
}

#define FN(id, fn) { (id), (void (*)(void))(fn) }

const OSSL_DISPATCH remote_signature[] = {
	FN(OSSL_FUNC_SIGNATURE_NEWCTX, sign_new),
	FN(OSSL_FUNC_SIGNATURE_FREECTX, sign_free),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, sign_init),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, sign_update),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, sign_final),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign_whole),
	FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, sign_set),
	FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable),
	{ 0, NULL }
};
