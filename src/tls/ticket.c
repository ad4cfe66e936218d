/* SPDX-License-Identifier: ISC */
/*
 * ticket: see ticket.h.
 */
#include "tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

static bool
use(const struct ticket_key *k, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int enc)
{
	static char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)k->mac,
		    sizeof(k->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv, enc) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

int
ticket_seal(const struct ticket_pair *keys, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool enc)
{
	if (!keys)
		return 0;
	if (enc) {
		memcpy(name, keys->now.name, sizeof(keys->now.name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		return use(&keys->now, iv, cipher, mac, 1) ? 1 : -1;
	}
	if (CRYPTO_memcmp(name, keys->now.name, sizeof(keys->now.name)) == 0)
		return use(&keys->now, iv, cipher, mac, 0) ? 1 : -1;
	if (CRYPTO_memcmp(name, keys->before.name, sizeof(keys->before.name)) == 0)
		return use(&keys->before, iv, cipher, mac, 0) ? 2 : -1;
	return 0;
}

void
ticket_wipe(struct ticket_pair *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}
