/* SPDX-License-Identifier: ISC */
/*
 * password: see password.h.  Keys are wiped from the stack when they are no longer needed.
 */
#include "main/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/base64.h"

enum { ITERATIONS = 4096, SALT = 16 };

bool
password_new(char out[PASSWORD_TEXT])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char raw[16];
	size_t n = 0;

	if (RAND_bytes(raw, sizeof raw) != 1)
		return false;
	for (size_t i = 0; i < sizeof raw; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = '-';
		out[n++] = letters[raw[i] % 32];
	}
	out[n] = '\0';
	OPENSSL_cleanse(raw, sizeof raw);
	return true;
}

static bool
keyed(const unsigned char *key, const char *what, unsigned char out[SHA256_DIGEST_LENGTH])
{
	unsigned n = 0;

	return HMAC(EVP_sha256(), key, SHA256_DIGEST_LENGTH, (const unsigned char *)what,
	    strlen(what), out, &n) != NULL;
}

static void
put_base64(struct buf *out, const unsigned char *p, size_t n)
{
	(void)base64_encode(out, (struct str){ (const char *)p, n });
}

bool
password_verifier(struct str password, struct buf *out)
{
	unsigned char salt[SALT], salted[SHA256_DIGEST_LENGTH], client[SHA256_DIGEST_LENGTH];
	unsigned char stored[SHA256_DIGEST_LENGTH], server[SHA256_DIGEST_LENGTH];
	bool good;

	good = RAND_bytes(salt, sizeof salt) == 1 &&
	    PKCS5_PBKDF2_HMAC(password.p, (int)password.n, salt, sizeof salt, ITERATIONS,
	    EVP_sha256(), sizeof salted, salted) == 1 &&
	    keyed(salted, "Client Key", client) && keyed(salted, "Server Key", server) &&
	    SHA256(client, sizeof client, stored) != NULL;
	OPENSSL_cleanse(salted, sizeof salted);
	OPENSSL_cleanse(client, sizeof client);
	if (!good)
		return false;
	buf_putf(out, "{SCRAM-SHA-256}%d,", (int)ITERATIONS);
	put_base64(out, salt, sizeof salt);
	buf_putc(out, ',');
	put_base64(out, stored, sizeof stored);
	buf_putc(out, ',');
	put_base64(out, server, sizeof server);
	OPENSSL_cleanse(stored, sizeof stored);
	return !out->failed;
}
