/* SPDX-License-Identifier: ISC */
/*
 * dkim_memo: public keys and digests that OpenSSL takes longer to prepare than to use.
 *
 * Reading a key costs three times its use, and looking an algorithm up by its name about as much;
 * the same senders come again and again.  One small table a process, by the octets of the key; what
 * is found there is exactly what reading them again would give.  Never freed; never shared.
 */
#include <stdlib.h>

#include "base/num.h"
#include "trust/dkim_parts.h"

enum { SLOTS = 128 };

static struct slot {
	struct str der;
	EVP_PKEY *key;
	EVP_PKEY_CTX *sha256;		/* ready to verify; NULL: not asked yet */
} slots[SLOTS];

static struct slot *
slot_of(struct str der)
{
	uint32_t h = 2166136261u;

	/* The modulus' last octets differ most. */
	for (size_t i = der.n > 40 ? der.n - 40 : 0; i < der.n; i++)
		h = (h ^ (unsigned char)der.p[i]) * 16777619u;
	return &slots[h % SLOTS];
}

EVP_PKEY *
memo_key(struct str der, EVP_PKEY *(*read)(struct str der))
{
	struct slot *s = slot_of(der);
	EVP_PKEY *key;
	char *copy;

	if (s->key && str_eq(s->der, der))
		return EVP_PKEY_up_ref(s->key) == 1 ? s->key : NULL;
	key = read(der);
	copy = key ? malloc(der.n) : NULL;
	if (!copy || EVP_PKEY_up_ref(key) != 1) {
		free(copy);
		return key;
	}
	EVP_PKEY_CTX_free(s->sha256);
	EVP_PKEY_free(s->key);
	free((char *)s->der.p);
	memcpy(copy, der.p, der.n);
	*s = (struct slot){ .der = { copy, der.n }, .key = key };
	return key;
}

EVP_PKEY_CTX **
memo_verifier(const EVP_PKEY *key)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (slots[i].key == key)
			return &slots[i].sha256;
	return NULL;
}

const EVP_MD *
memo_md(bool sha1)
{
	static EVP_MD *md[2];

	if (!md[sha1])
		md[sha1] = EVP_MD_fetch(NULL, sha1 ? "SHA1" : "SHA256", NULL);
	return md[sha1];
}
