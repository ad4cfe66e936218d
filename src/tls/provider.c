/* SPDX-License-Identifier: ISC */
/*
 * provider: the keys; see provider.h.  Their signatures are provider_sign.c.
 *
 * A key here is its public half as an ordinary EVP_PKEY, to which all questions about size, curve
 * and public values are passed on.  Import of public values makes such a key without the right to
 * sign (OpenSSL compares certificate and key that way).
 */
#include "tls/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tls/facts.h"
#include "tls/provider_key.h"

#define PROVIDER "posternkeys"
#define PROPERTY "provider=" PROVIDER
#define HANDOVER "postern-public"	/* parameter of fromdata: a pointer, ours only */

#define FN(id, fn) { (id), (void (*)(void))(fn) }

/* ---- keys ---- */

static void *
key_new(const char *name)
{
	struct remote_key *k = calloc(1, sizeof(*k));

	if (k)
		k->name = name;
	return k;
}

static void *
rsa_new(void *provctx)
{
	(void)provctx;
	return key_new("RSA");
}

static void *
ec_new(void *provctx)
{
	(void)provctx;
	return key_new("EC");
}

static void
key_free(void *key)
{
	struct remote_key *k = key;

	if (k) {
		EVP_PKEY_free(k->pub);
		free(k);
	}
}

static int
key_has(const void *key, int selection)
{
	const struct remote_key *k = key;

	if (!k || !k->pub)
		return 0;
	return !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || k->signs;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct remote_key *x = a, *y = b;

	(void)selection;
	return x->pub && y->pub && EVP_PKEY_eq(x->pub, y->pub) == 1;
}

static EVP_PKEY *
public_from(const char *name, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, "provider=default");
	EVP_PKEY *pub = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pub, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)params) != 1)
		pub = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pub;
}

static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct remote_key *k = key;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, HANDOVER);
	const void *given = NULL;
	size_t n;

	(void)selection;
	if (p) {
		if (OSSL_PARAM_get_octet_ptr(p, &given, &n) != 1 || !given)
			return 0;
		memcpy(&k->pub, given, sizeof(k->pub));
		if (EVP_PKEY_up_ref(k->pub) != 1)
			return 0;
		k->signs = tls_spki_hash(k->pub, k->id);
		return k->signs;
	}
	k->pub = public_from(k->name, params);
	return k->pub != NULL;
}

static const OSSL_PARAM *
key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_ptr(HANDOVER, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

/* Only what is public leaves: whoever wants the private half too gets nothing. */
static int
key_export(void *key, int selection, OSSL_CALLBACK *cb, void *cbarg)
{
	struct remote_key *k = key;
	OSSL_PARAM *params = NULL;
	int ok;

	if (!k->pub || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
		return 0;
	if (EVP_PKEY_todata(k->pub, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	ok = cb(params, cbarg);
	OSSL_PARAM_free(params);
	return ok;
}

static int
key_get_params(void *key, OSSL_PARAM params[])
{
	struct remote_key *k = key;

	return k->pub && EVP_PKEY_get_params(k->pub, params);
}

static const OSSL_PARAM *
key_gettable(void *provctx)
{
	static const OSSL_PARAM all[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return all;
}

static const char *
ec_operation(int op)
{
	return op == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define KEYMGMT_COMMON \
	FN(OSSL_FUNC_KEYMGMT_FREE, key_free), FN(OSSL_FUNC_KEYMGMT_HAS, key_has), \
	FN(OSSL_FUNC_KEYMGMT_MATCH, key_match), FN(OSSL_FUNC_KEYMGMT_IMPORT, key_import), \
	FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types), \
	FN(OSSL_FUNC_KEYMGMT_EXPORT, key_export), \
	FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types), \
	FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params), \
	FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable)

static const OSSL_DISPATCH rsa_functions[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, rsa_new), KEYMGMT_COMMON, { 0, NULL }
};
static const OSSL_DISPATCH ec_functions[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, ec_new),
	FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation), KEYMGMT_COMMON, { 0, NULL }
};

static const OSSL_ALGORITHM keymgmts[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTY, rsa_functions, NULL },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTY, ec_functions, NULL },
	{ NULL, NULL, NULL, NULL }
};
static const OSSL_ALGORITHM signatures[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTY, remote_signature, NULL },
	{ "ECDSA", PROPERTY, remote_signature, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* ---- the provider ---- */

static const OSSL_ALGORITHM *
query(void *provctx, int op, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	if (op == OSSL_OP_KEYMGMT)
		return keymgmts;
	return op == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **provctx)
{
	static const OSSL_DISPATCH functions[] = {
		FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), { 0, NULL }
	};
	static int context;

	(void)handle, (void)in;
	*out = functions;
	*provctx = &context;
	return 1;
}

bool
tls_init(void)
{
	/* The server ends by _exit: OpenSSL's own tidying up has no business in a sandbox. */
	return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
	    OPENSSL_INIT_LOAD_SSL_STRINGS, NULL) == 1;
}

bool
tls_provider_load(void)
{
	static bool loaded;

	if (loaded)
		return true;
	loaded = OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) == 1 &&
	    OSSL_PROVIDER_load(NULL, "default") && OSSL_PROVIDER_load(NULL, PROVIDER) &&
	    EVP_set_default_properties(NULL, "?provider!=" PROVIDER) == 1;
	return loaded;
}

EVP_PKEY *
tls_remote_key(EVP_PKEY *pub)
{
	const char *name = EVP_PKEY_is_a(pub, "RSA") ? "RSA" :
	    EVP_PKEY_is_a(pub, "EC") ? "EC" : NULL;
	EVP_PKEY_CTX *ctx = name ? EVP_PKEY_CTX_new_from_name(NULL, name, PROPERTY) : NULL;
	void *handover = &pub;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_ptr(HANDOVER, &handover, sizeof(pub)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}
