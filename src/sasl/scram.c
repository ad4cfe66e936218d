/* SPDX-License-Identifier: ISC */
/*
 * scram: see scram.h.
 *
 * RFC 5802 section 5.1 and 7 is the grammar; comparisons of secrets take the same time wherever
 * they differ.
 */
#include "sasl/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/num.h"
#include "base/utf8.h"

enum { TEXT_MAX = 4096, ITERATIONS_MAX = 1'000'000 };

static const EVP_MD *
md_of(bool sha1)
{
	return sha1 ? EVP_sha1() : EVP_sha256();
}

size_t
scram_hash_size(bool sha1)
{
	return sha1 ? 20 : 32;
}

static bool
mac(bool sha1, struct str key, struct str text, unsigned char out[SCRAM_KEY_MAX])
{
	unsigned n = 0;

	return HMAC(md_of(sha1), key.p, (int)key.n, (const unsigned char *)text.p, text.n, out,
	    &n) != NULL;
}

static bool
hash(bool sha1, const unsigned char *p, unsigned char out[SCRAM_KEY_MAX])
{
	unsigned n = 0;

	return EVP_Digest(p, scram_hash_size(sha1), out, &n, md_of(sha1), NULL) == 1;
}

/* ---- client-first ---- */

/* saslname: ',' and '=' are spelt =2C and =3D */
static bool
unescape(struct str in, struct arena *a, struct str *out)
{
	char *p = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (p == NULL || in.n == 0 || in.n > SASL_USER_MAX)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '=') {
			p[n++] = in.p[i];
			continue;
		}
		if (str_ieq(str_sub(in, i, 3), STR("=2C")))
			p[n++] = ',';
		else if (str_ieq(str_sub(in, i, 3), STR("=3D")))
			p[n++] = '=';
		else
			return false;
		i += 2;
	}
	*out = (struct str){ p, n };
	return utf8_valid(*out) && memchr(p, '\0', n) == NULL;
}

static bool
printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == ',')
			return false;
	return s.n > 0;
}

/* "n", "y" or "p=name"; the caller learns which binding. */
static bool
take_flag(struct scram *s, struct str flag, bool *downgraded)
{
	static const struct str type[] = {
		STR_INIT("tls-exporter"), STR_INIT("tls-server-end-point"),
	};

	s->bound = -1;
	if (str_eq(flag, STR("n")))
		return !s->plus;
	if (str_eq(flag, STR("y"))) {
		/* It thinks that we cannot bind; if we can, somebody took -PLUS out of the list. */
		*downgraded = s->plus_offered;
		return !s->plus && !s->plus_offered;
	}
	if (!s->plus || !str_starts(flag, STR("p=")))
		return false;
	for (int i = 0; i < 2; i++)
		if (str_eq(str_skip(flag, 2), type[i]) && s->binding[i].n > 0)
			s->bound = i;
	return s->bound >= 0;
}

bool
scram_first(struct scram *s, struct str in, struct arena *a, bool *downgraded)
{
	struct str rest = str_dup(a, in), all = rest, flag, authzid, attr;

	*downgraded = false;
	if (rest.p == NULL || in.n > TEXT_MAX || memchr(in.p, '\0', in.n) != NULL)
		return false;
	flag = str_split(&rest, ',');
	authzid = str_split(&rest, ',');
	if (!take_flag(s, flag, downgraded))
		return false;
	if (authzid.n > 0 && (!str_starts(authzid, STR("a=")) ||
	    !unescape(str_skip(authzid, 2), a, &s->authzid)))
		return false;
	if (rest.n == 0)
		return false;
	s->bare = rest;
	s->gs2 = str_sub(all, 0, (size_t)(rest.p - all.p));
	attr = str_split(&rest, ',');			/* "m=" here is an extension we lack */
	if (!str_starts(attr, STR("n=")) || !unescape(str_skip(attr, 2), a, &s->user))
		return false;
	attr = str_split(&rest, ',');
	if (!str_starts(attr, STR("r=")) || !printable(str_skip(attr, 2)))
		return false;
	s->nonce = str_skip(attr, 2);
	return true;
}

/* ---- server-first ---- */

bool
scram_challenge(struct scram *s, const struct verifier *v, struct str server_nonce,
    struct arena *a, struct buf *out)
{
	size_t from = out->n;

	s->nonce = str_cat(a, s->nonce, server_nonce);
	(void)buf_puts(out, "r=");
	(void)buf_put(out, s->nonce);
	(void)buf_puts(out, ",s=");
	(void)base64_encode(out, v->salt);
	(void)buf_puts(out, ",i=");
	(void)buf_putu(out, v->iterations);
	if (out->failed || s->nonce.p == NULL)
		return false;
	s->server_first = str_dup(a, str_skip(buf_str(out), from));
	return s->server_first.p != NULL;
}

/* ---- client-final ---- */

/* c= must be what the client said first, and the very connection we are on */
static bool
binding_fits(const struct scram *s, struct str text)
{
	struct str bind = s->bound >= 0 ? s->binding[s->bound] : (struct str){};
	struct buf b;
	bool good;

	buf_init(&b, TEXT_MAX);
	good = base64_decode(&b, text) && b.n == s->gs2.n + bind.n &&
	    memcmp(b.p, s->gs2.p, s->gs2.n) == 0 &&
	    (bind.n == 0 || CRYPTO_memcmp(b.p + s->gs2.n, bind.p, bind.n) == 0);
	buf_done(&b);
	return good;
}

static enum scram_verdict
judge(const struct scram *s, const struct verifier *v, struct str message, struct str proof)
{
	unsigned char sig[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
	size_t n = scram_hash_size(s->sha1);
	bool good;

	if (v->stored.n != n || proof.n != n || !mac(s->sha1, v->stored, message, sig))
		return SCRAM_WRONG;
	for (size_t i = 0; i < n; i++)
		client[i] = (unsigned char)(sig[i] ^ (unsigned char)proof.p[i]);
	good = hash(s->sha1, client, stored) && CRYPTO_memcmp(stored, v->stored.p, n) == 0;
	OPENSSL_cleanse(client, sizeof client);
	return good ? SCRAM_RIGHT : SCRAM_WRONG;
}

enum scram_verdict
scram_final(const struct scram *s, const struct verifier *v, struct str in, struct arena *a,
    struct buf *out)
{
	ssize_t at = str_find(in, STR(",p="));
	struct str rest = in, attr, message;
	unsigned char sig[SCRAM_KEY_MAX];
	enum scram_verdict answer = SCRAM_MALFORMED;
	struct buf proof;

	attr = str_split(&rest, ',');
	if (at < 0 || in.n > TEXT_MAX || !str_starts(attr, STR("c=")))
		return SCRAM_MALFORMED;
	if (!binding_fits(s, str_skip(attr, 2)))
		return SCRAM_WRONG;
	attr = str_split(&rest, ',');
	if (!str_starts(attr, STR("r=")))
		return SCRAM_MALFORMED;
	if (!str_eq(str_skip(attr, 2), s->nonce))	/* also: a replay of another exchange */
		return SCRAM_WRONG;
	message = str_cat(a, s->bare, STR(","), s->server_first, STR(","),
	    str_sub(in, 0, (size_t)at));
	buf_init(&proof, 256);
	if (message.p != NULL && base64_decode(&proof, str_skip(in, (size_t)at + 3)))
		answer = judge(s, v, message, buf_str(&proof));
	buf_done(&proof);
	if (answer != SCRAM_RIGHT)
		return answer;
	if (!mac(s->sha1, v->server, message, sig))
		return SCRAM_WRONG;
	(void)buf_puts(out, "v=");
	(void)base64_encode(out, str_from(sig, scram_hash_size(s->sha1)));
	return out->failed ? SCRAM_WRONG : SCRAM_RIGHT;
}

/* ---- verifiers ---- */

static bool
keys_of(bool sha1, struct str password, const struct verifier *v, unsigned char stored[],
    unsigned char server[])
{
	unsigned char salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];
	struct str key = str_from(salted, scram_hash_size(sha1));
	bool good;

	if (v->iterations == 0 || v->iterations > ITERATIONS_MAX)
		return false;
	good = PKCS5_PBKDF2_HMAC(password.p, (int)password.n, (const unsigned char *)v->salt.p,
	    (int)v->salt.n, (int)v->iterations, md_of(sha1), (int)key.n, salted) == 1 &&
	    mac(sha1, key, STR("Client Key"), client) &&
	    mac(sha1, key, STR("Server Key"), server) &&
	    hash(sha1, client, stored);
	OPENSSL_cleanse(salted, sizeof salted);
	OPENSSL_cleanse(client, sizeof client);
	return good;
}

bool
scram_derive(bool sha1, struct str password, struct arena *a, struct verifier *v)
{
	size_t n = scram_hash_size(sha1);
	unsigned char *keys = arena_alloc(a, 2 * SCRAM_KEY_MAX);

	if (keys == NULL || !keys_of(sha1, password, v, keys, keys + SCRAM_KEY_MAX))
		return false;
	v->stored = str_from(keys, n);
	v->server = str_from(keys + SCRAM_KEY_MAX, n);
	return true;
}

bool
scram_check(bool sha1, struct str password, const struct verifier *v)
{
	unsigned char stored[SCRAM_KEY_MAX], server[SCRAM_KEY_MAX];
	size_t n = scram_hash_size(sha1);
	bool good = v->stored.n == n && keys_of(sha1, password, v, stored, server) &&
	    CRYPTO_memcmp(stored, v->stored.p, n) == 0;

	OPENSSL_cleanse(stored, sizeof stored);
	OPENSSL_cleanse(server, sizeof server);
	return good;
}

bool
scram_decoy(bool sha1, const unsigned char secret[32], struct str user, struct arena *a,
    struct verifier *v)
{
	struct str key = str_from(secret, 32);
	unsigned char *m = arena_alloc(a, 3 * SCRAM_KEY_MAX);

	if (m == NULL || !mac(false, key, str_cat(a, STR("salt"), user), m) ||
	    !mac(false, key, str_cat(a, STR("stored"), user), m + SCRAM_KEY_MAX) ||
	    !mac(false, key, str_cat(a, STR("server"), user), m + 2 * SCRAM_KEY_MAX))
		return false;
	v->iterations = v->iterations ? v->iterations : 4096;
	v->salt = str_from(m, 16);
	v->stored = str_from(m + SCRAM_KEY_MAX, scram_hash_size(sha1));
	v->server = str_from(m + 2 * SCRAM_KEY_MAX, scram_hash_size(sha1));
	return true;
}
