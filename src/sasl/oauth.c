/* SPDX-License-Identifier: ISC */
/*
 * oauth: see oauth.h.
 */
#include "sasl/oauth.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/num.h"

enum { KEYS_MAX = 32, TOKEN_MAX = 10 << 10, SLACK_S = 60, EC_HALF = 32 };

struct jwk { char kid[128]; EVP_PKEY *key; bool ec; };

struct oauth {
	const struct oauth_conf *conf;
	struct jwk k[KEYS_MAX];
	size_t n;
};

/* base64url without padding: RFC 7515 2 */
static bool
decode_url(struct str in, struct buf *out)
{
	struct buf text;
	bool good;

	buf_init(&text, TOKEN_MAX + 8);
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '+' || c == '/' || c == '=')
			text.failed = true;
		(void)buf_putc(&text, c == '-' ? '+' : c == '_' ? '/' : c);
	}
	while (text.n % 4 != 0 && buf_putc(&text, '='))
		;
	good = !text.failed && base64_decode(out, buf_str(&text));
	buf_done(&text);
	return good;
}

static BIGNUM *
number(const json_t *jwk, const char *name)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	BIGNUM *n = NULL;
	struct buf raw;

	buf_init(&raw, 2048);
	if (text != NULL && decode_url(str_of(text), &raw) && raw.n > 0)
		n = BN_bin2bn((const unsigned char *)raw.p, (int)raw.n, NULL);
	buf_done(&raw);
	return n;
}

static EVP_PKEY *
key_from(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *
rsa_key(const json_t *jwk)
{
	BIGNUM *n = number(jwk, "n"), *e = number(jwk, "e");
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;

	if (n != NULL && e != NULL && BN_num_bits(n) >= 2048 && bld != NULL &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from("RSA", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	return key;
}

static EVP_PKEY *
ec_key(const json_t *jwk)
{
	BIGNUM *x = number(jwk, "x"), *y = number(jwk, "y");
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	unsigned char point[1 + 2 * EC_HALF] = { 4 };
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	EVP_PKEY *key = NULL;

	if (x != NULL && y != NULL && curve != NULL && strcmp(curve, "P-256") == 0 && bld != NULL &&
	    BN_bn2binpad(x, point + 1, EC_HALF) == EC_HALF &&
	    BN_bn2binpad(y, point + 1 + EC_HALF, EC_HALF) == EC_HALF &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
	    sizeof point) == 1)
		key = key_from("EC", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(x);
	BN_free(y);
	return key;
}

struct oauth *
oauth_new(const struct oauth_conf *conf, struct str jwks)
{
	json_t *all = json_loadb(jwks.p ? jwks.p : "", jwks.n, JSON_REJECT_DUPLICATES, NULL);
	struct oauth *o = calloc(1, sizeof *o);
	json_t *jwk;
	size_t i;

	if (o == NULL)
		abort();
	o->conf = conf;
	json_array_foreach(json_object_get(all, "keys"), i, jwk) {
		const char *type = json_string_value(json_object_get(jwk, "kty"));
		const char *kid = json_string_value(json_object_get(jwk, "kid"));
		struct jwk *k = &o->k[o->n];

		if (o->n == KEYS_MAX || type == NULL)
			continue;
		k->ec = strcmp(type, "EC") == 0;
		k->key = k->ec ? ec_key(jwk) : strcmp(type, "RSA") == 0 ? rsa_key(jwk) : NULL;
		if (kid != NULL && strlen(kid) < sizeof k->kid)
			memcpy(k->kid, kid, strlen(kid) + 1);
		o->n += k->key != NULL;
	}
	json_decref(all);
	if (o->n > 0)
		return o;
	free(o);
	return NULL;
}

void
oauth_free(struct oauth *o)
{
	for (size_t i = 0; o != NULL && i < o->n; i++)
		EVP_PKEY_free(o->k[i].key);
	free(o);
}

/* ---- signatures ---- */

/* JWS has r and s side by side; OpenSSL wants them in DER. */
static bool
ec_signature(struct str raw, unsigned char **der, size_t *n)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = NULL, *s = NULL;
	int len = -1;

	if (raw.n == 2 * EC_HALF) {
		r = BN_bin2bn((const unsigned char *)raw.p, EC_HALF, NULL);
		s = BN_bin2bn((const unsigned char *)raw.p + EC_HALF, EC_HALF, NULL);
	}
	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1)
		len = i2d_ECDSA_SIG(sig, der);
	else
		BN_free(r), BN_free(s);
	ECDSA_SIG_free(sig);
	*n = len > 0 ? (size_t)len : 0;
	return len > 0;
}

static bool
verify(const struct jwk *k, struct str text, struct str raw)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *sig = (const unsigned char *)raw.p;
	unsigned char *der = NULL;
	size_t n = raw.n;
	bool good = ctx != NULL;

	if (k->ec) {
		good = good && ec_signature(raw, &der, &n);
		sig = der;
	}
	good = good && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->key) == 1 &&
	    EVP_DigestVerify(ctx, sig, n, (const unsigned char *)text.p, text.n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return good;
}

static bool
signed_by_us(const struct oauth *o, const json_t *head, struct str text, struct str raw)
{
	const char *alg = json_string_value(json_object_get(head, "alg"));
	const char *kid = json_string_value(json_object_get(head, "kid"));
	bool ec = alg != NULL && strcmp(alg, "ES256") == 0;

	if (alg == NULL || (!ec && strcmp(alg, "RS256") != 0) ||
	    json_object_get(head, "crit") != NULL)
		return false;
	for (size_t i = 0; i < o->n; i++)
		if (o->k[i].ec == ec && (kid == NULL || o->k[i].kid[0] == '\0' ||
		    strcmp(kid, o->k[i].kid) == 0) && verify(&o->k[i], text, raw))
			return true;
	return false;
}

/* ---- claims ---- */

static bool
is_text(const json_t *v, struct str want)
{
	return json_is_string(v) && str_eq(str_from(json_string_value(v), json_string_length(v)),
	    want);
}

static bool
for_us(const json_t *aud, struct str want)
{
	json_t *one;
	size_t i;

	json_array_foreach(aud, i, one)
		if (is_text(one, want))
			return true;
	return is_text(aud, want);
}

static bool
in_time(const json_t *claims, int64_t now_s)
{
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");

	return json_is_number(exp) && json_number_value(exp) > (double)(now_s - SLACK_S) &&
	    (nbf == NULL || (json_is_number(nbf) &&
	    json_number_value(nbf) < (double)(now_s + SLACK_S)));
}

static json_t *
part(struct str text)
{
	json_t *j = NULL;
	struct buf raw;

	buf_init(&raw, TOKEN_MAX);
	if (text.n > 0 && decode_url(text, &raw))
		j = json_loadb(raw.p, raw.n, JSON_REJECT_DUPLICATES, NULL);
	buf_done(&raw);
	return j;
}

enum cred
oauth_judge(const struct oauth *o, struct str token, int64_t now_s, struct arena *a,
    struct str *user)
{
	struct str rest = token, head_text = str_split(&rest, '.'), body = str_split(&rest, '.');
	struct str text = str_sub(token, 0, head_text.n + 1 + body.n);
	json_t *head = token.n <= TOKEN_MAX ? part(head_text) : NULL, *claims = NULL, *who;
	enum cred answer = CRED_FAILED;
	char name[128] = {};
	struct buf sig;

	buf_init(&sig, 2048);
	if (head != NULL && str_chr(rest, '.') < 0 && decode_url(rest, &sig) &&
	    signed_by_us(o, head, text, buf_str(&sig)))
		claims = part(body);
	if (claims != NULL && o->conf->claim.n < sizeof name &&
	    is_text(json_object_get(claims, "iss"), o->conf->issuer) &&
	    for_us(json_object_get(claims, "aud"), o->conf->audience) && in_time(claims, now_s)) {
		memcpy(name, o->conf->claim.p, o->conf->claim.n);
		who = json_object_get(claims, name);
		*user = json_is_string(who) ? str_dup(a, str_from(json_string_value(who),
		    json_string_length(who))) : (struct str){};
		if (user->n > 0 && memchr(user->p, '\0', user->n) == NULL)
			answer = CRED_OK;
	}
	buf_done(&sig);
	json_decref(head);
	json_decref(claims);
	return answer;
}
