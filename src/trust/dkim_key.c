/* SPDX-License-Identifier: ISC */
/*
 * dkim_key: public keys: their records in DNS (RFC 6376 3.6.1, RFC 8463 3), and the check of a
 * signature with them.
 */
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/num.h"
#include "trust/dkim_parts.h"

enum { ED25519_OCTETS = 32 };

void
sig_key_done(struct sig_key *k)
{
	EVP_PKEY_free(k->key);
	k->key = NULL;
}

/* SubjectPublicKeyInfo; or the RSAPublicKey inside alone, as many have it. */
static EVP_PKEY *
rsa_of(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p, *end = p + der.n;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der.n);

	if (!key) {
		p = (const unsigned char *)der.p;
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	}
	if (key && (p != end || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static EVP_PKEY *
ed25519_of(struct str raw)
{
	return raw.n == ED25519_OCTETS ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    (const unsigned char *)raw.p, raw.n) : NULL;
}

bool
sig_key_of(struct str octets, struct sig_key *out)
{
	*out = (struct sig_key){ .sha256 = true, .sha1 = true };
	out->ed25519 = octets.n == ED25519_OCTETS;
	out->key = out->ed25519 ? ed25519_of(octets) : memo_key(octets, rsa_of);
	if (out->key)
		out->bits = (unsigned)EVP_PKEY_get_bits(out->key);
	return out->key != NULL;
}

/* v= if there, first, and in these letters; s= and t= and h= as they allow. */
static enum auth_result
conditions(const struct tags *t, struct sig_key *out, const char **why)
{
	const struct tag *v = tags_find(t, "v"), *s = tags_find(t, "s"), *h = tags_find(t, "h"),
	    *flags = tags_find(t, "t");

	*why = "the key's record is of another version";
	if (v && (v != &t->tag[0] || !str_eq(v->value, STR("DKIM1"))))
		return AUTH_PERMERROR;
	*why = "the key is not for mail";
	if (s && !tags_list_has(s->value, STR("*")) && !tags_list_has(s->value, STR("email")))
		return AUTH_PERMERROR;
	out->sha256 = !h || tags_list_has(h->value, STR("sha256"));
	out->sha1 = !h || tags_list_has(h->value, STR("sha1"));
	out->testing = flags && tags_list_has(flags->value, STR("y"));
	out->strict = flags && tags_list_has(flags->value, STR("s"));
	return AUTH_PASS;
}

enum auth_result
sig_key_parse(struct str record, struct arena *a, struct sig_key *out, const char **why)
{
	const struct tag *k, *p;
	struct str octets;
	struct tags t;
	bool rsa;

	*out = (struct sig_key){};
	*why = "the key's record is malformed";
	if (!tags_parse(record, a, &t) || t.n == 0)
		return AUTH_PERMERROR;
	if (conditions(&t, out, why) != AUTH_PASS)
		return AUTH_PERMERROR;
	p = tags_find(&t, "p");
	k = tags_find(&t, "k");
	rsa = !k || str_ieq(k->value, STR("rsa"));
	out->ed25519 = k && str_ieq(k->value, STR("ed25519"));
	*why = p && p->value.n == 0 ? "the key is revoked" : "the key's record has no key";
	if (!p || p->value.n == 0)
		return AUTH_PERMERROR;
	*why = "the key is of an unknown kind";
	if (!rsa && !out->ed25519)
		return AUTH_PERMERROR;
	*why = "the key cannot be read";
	if (!tags_base64(p->value, a, &octets))
		return AUTH_PERMERROR;
	out->key = rsa ? memo_key(octets, rsa_of) : ed25519_of(octets);
	if (!out->key)
		return AUTH_PERMERROR;
	out->bits = (unsigned)EVP_PKEY_get_bits(out->key);
	return AUTH_PASS;
}

/* Of several records the first one that is a key counts; that there is more than one is undefined
 * (RFC 6376 3.6.2.2). */
enum auth_result
sig_key_fetch(struct str selector, struct str domain, struct trust_dns *dns, struct arena *a,
    struct sig_key *out, bool *found, const char **why)
{
	struct str name = str_cat(a, selector, STR("._domainkey."), domain);
	enum auth_result r = AUTH_PERMERROR;
	struct dns_answer ans;

	*out = (struct sig_key){};
	*found = false;
	*why = "no memory";
	if (name.n == 0)
		return AUTH_TEMPERROR;
	switch (trust_ask(dns, name, DNS_TXT, a, &ans)) {
	case DNS_OK:
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		*why = "no key is published";
		return AUTH_PERMERROR;
	case DNS_TEMP:
	case DNS_BOGUS:
		*why = "the key could not be looked up";
		return AUTH_TEMPERROR;
	}
	*why = "no key is published";
	for (size_t i = 0; i < ans.nrr && r != AUTH_PASS; i++) {
		r = sig_key_parse(ans.rr[i].txt, a, out, why);
		*found |= r == AUTH_PASS;
	}
	return r;
}

static EVP_PKEY_CTX *
rsa_verifier(const struct sig_key *k, enum sig_alg alg)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->key, NULL);

	if (c && EVP_PKEY_verify_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(c, memo_md(alg == SIG_RSA_SHA1)) == 1)
		return c;
	EVP_PKEY_CTX_free(c);
	return NULL;
}

static bool
verify_rsa(const struct sig_key *k, enum sig_alg alg, struct str digest, struct str sig)
{
	EVP_PKEY_CTX **kept = alg == SIG_RSA_SHA1 ? NULL : memo_verifier(k->key);
	EVP_PKEY_CTX *c = kept && *kept ? *kept : rsa_verifier(k, alg);
	bool good = c && EVP_PKEY_verify(c, (const unsigned char *)sig.p, sig.n,
	    (const unsigned char *)digest.p, digest.n) == 1;

	if (kept)
		*kept = c;
	else
		EVP_PKEY_CTX_free(c);
	return good;
}

/* RFC 8463 3: the digest is what is signed. */
static bool
verify_ed25519(const struct sig_key *k, struct str digest, struct str sig)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k->key) == 1 &&
	    EVP_DigestVerify(c, (const unsigned char *)sig.p, sig.n,
	    (const unsigned char *)digest.p, digest.n) == 1;

	EVP_MD_CTX_free(c);
	return good;
}

bool
sig_verify(const struct sig_key *k, enum sig_alg alg, struct str digest, struct str sig)
{
	return alg == SIG_ED25519 ? verify_ed25519(k, digest, sig) :
	    verify_rsa(k, alg, digest, sig);
}
