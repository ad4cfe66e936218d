/* SPDX-License-Identifier: ISC */
/*
 * scheme: see scheme.h.
 *
 * crypt(3) of libxcrypt knows BLF-CRYPT, SHA512-CRYPT, SHA256-CRYPT, MD5-CRYPT, DES-CRYPT and
 * yescrypt by the text of the hash itself; libargon2 does ARGON2; the rest is a digest and a salt.
 */
#include "sasl/scheme.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/secret.h"
#include "sasl/scram.h"

enum { HASH_MAX = 1024 };

static char *
text_of(struct str s)
{
	return memchr(s.p ? s.p : "", '\0', s.n) == NULL ? strndup(s.p ? s.p : "", s.n) : NULL;
}

static bool
same(struct str a, struct str b)
{
	return secret_eq(secret_of(a), secret_of(b));
}

static enum cred
yes_if(bool right)
{
	return right ? CRED_OK : CRED_FAILED;
}

/* ---- crypt(3), Argon2 ---- */

static enum cred
check_crypt(struct str hash, struct str password)
{
	struct crypt_data *room = calloc(1, sizeof *room);
	char *setting = text_of(hash), *phrase = text_of(password), *got = NULL;
	enum cred answer = CRED_IMPOSSIBLE;

	if (room == NULL || setting == NULL || phrase == NULL)
		answer = phrase == NULL ? CRED_FAILED : CRED_UNAVAILABLE;
	else if (hash.n >= 2 && hash.n < HASH_MAX)
		got = crypt_rn(phrase, setting, room, sizeof *room);
	if (got != NULL && got[0] != '*')
		answer = yes_if(same(str_of(got), hash));
	if (phrase != NULL)
		explicit_bzero(phrase, strlen(phrase));
	if (room != NULL)
		explicit_bzero(room, sizeof *room);
	free(phrase);
	free(setting);
	free(room);
	return answer;
}

static enum cred
check_argon2(struct str hash, struct str password)
{
	char *encoded = text_of(hash);
	enum cred answer = CRED_IMPOSSIBLE;
	int rc;

	if (encoded == NULL)
		return CRED_IMPOSSIBLE;
	rc = argon2_verify(encoded, password.p, password.n,
	    strncmp(encoded, "$argon2id$", 10) == 0 ? Argon2_id : Argon2_i);
	if (rc == ARGON2_OK)
		answer = CRED_OK;
	else if (rc == ARGON2_VERIFY_MISMATCH)
		answer = CRED_FAILED;
	else if (rc == ARGON2_MEMORY_ALLOCATION_ERROR || rc == ARGON2_THREAD_FAIL)
		answer = CRED_UNAVAILABLE;
	free(encoded);
	return answer;
}

/* ---- a digest, with the salt behind it where there is one ---- */

static enum cred
check_digest(const EVP_MD *md, bool salted, struct str hash, struct str password)
{
	size_t size = (size_t)EVP_MD_get_size(md);
	unsigned char got[EVP_MAX_MD_SIZE];
	enum cred answer = CRED_IMPOSSIBLE;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf raw;
	unsigned n = 0;

	buf_init(&raw, HASH_MAX);
	if (!(hash.n == 2 * size && hex_decode(&raw, hash))) {
		buf_reset(&raw);
		if (!base64_decode(&raw, hash))
			raw.n = 0;
	}
	if (ctx != NULL && (salted ? raw.n > size : raw.n == size) &&
	    EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, password.p, password.n) == 1 &&
	    EVP_DigestUpdate(ctx, raw.p + size, raw.n - size) == 1 &&
	    EVP_DigestFinal_ex(ctx, got, &n) == 1)
		answer = yes_if(CRYPTO_memcmp(got, raw.p, size) == 0);
	EVP_MD_CTX_free(ctx);
	buf_done(&raw);
	return answer;
}

/* ---- SCRAM: "4096,salt,stored,server" ---- */

static bool
put_bytes(struct str text, struct arena *a, struct str *out)
{
	struct buf b;
	bool good;

	buf_init(&b, 256);
	good = base64_decode(&b, text) && b.n > 0;
	if (good)
		*out = str_dup(a, buf_str(&b));
	buf_done(&b);
	return good && out->p != NULL;
}

static bool
scram_entry(bool sha1, struct str hash, struct arena *a, struct verifier *v)
{
	struct str rest = hash, count = str_split(&rest, ','), salt = str_split(&rest, ',');
	struct str stored = str_split(&rest, ',');
	size_t n = scram_hash_size(sha1);

	return num_parse_u32(count, &v->iterations) && v->iterations >= 1 &&
	    v->iterations <= 1'000'000 && put_bytes(salt, a, &v->salt) &&
	    put_bytes(stored, a, &v->stored) && put_bytes(rest, a, &v->server) &&
	    v->stored.n == n && v->server.n == n;
}

static enum cred
check_scram(bool sha1, struct str hash, struct str password)
{
	enum cred answer = CRED_IMPOSSIBLE;
	struct verifier v = {};
	struct arena a;

	arena_init(&a, 8192);
	if (scram_entry(sha1, hash, &a, &v))
		answer = yes_if(scram_check(sha1, password, &v));
	arena_done(&a);
	return answer;
}

/* ---- the table ---- */

enum form { F_CLEAR, F_CRYPT, F_ARGON2, F_PLAIN_DIGEST, F_SALTED, F_SCRAM1, F_SCRAM256 };

static const struct { struct str name; enum form form; const EVP_MD *(*md)(void); } schemes[] = {
	{ STR_INIT("SCRAM-SHA-256"), F_SCRAM256, NULL },
	{ STR_INIT("SCRAM-SHA-1"), F_SCRAM1, NULL },
	{ STR_INIT("ARGON2ID"), F_ARGON2, NULL }, { STR_INIT("ARGON2I"), F_ARGON2, NULL },
	{ STR_INIT("BLF-CRYPT"), F_CRYPT, NULL }, { STR_INIT("SHA512-CRYPT"), F_CRYPT, NULL },
	{ STR_INIT("SHA256-CRYPT"), F_CRYPT, NULL }, { STR_INIT("MD5-CRYPT"), F_CRYPT, NULL },
	{ STR_INIT("DES-CRYPT"), F_CRYPT, NULL }, { STR_INIT("CRYPT"), F_CRYPT, NULL },
	{ STR_INIT("YESCRYPT"), F_CRYPT, NULL },
	{ STR_INIT("PLAIN"), F_CLEAR, NULL }, { STR_INIT("CLEAR"), F_CLEAR, NULL },
	{ STR_INIT("CLEARTEXT"), F_CLEAR, NULL },
	{ STR_INIT("SHA"), F_PLAIN_DIGEST, EVP_sha1 },
	{ STR_INIT("SHA1"), F_PLAIN_DIGEST, EVP_sha1 },
	{ STR_INIT("SHA256"), F_PLAIN_DIGEST, EVP_sha256 },
	{ STR_INIT("SHA512"), F_PLAIN_DIGEST, EVP_sha512 },
	{ STR_INIT("SSHA"), F_SALTED, EVP_sha1 }, { STR_INIT("SSHA256"), F_SALTED, EVP_sha256 },
	{ STR_INIT("SSHA512"), F_SALTED, EVP_sha512 }, { STR_INIT("SMD5"), F_SALTED, EVP_md5 },
	{ STR_INIT("PLAIN-MD5"), F_PLAIN_DIGEST, EVP_md5 },
};

static int
scheme_find(struct str scheme)
{
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (str_ieq(schemes[i].name, scheme))
			return (int)i;
	return -1;
}

void
scheme_split(struct str stored, struct str *scheme, struct str *hash)
{
	ssize_t end = stored.n > 0 && stored.p[0] == '{' ? str_chr(stored, '}') : -1;

	*scheme = end > 1 ? str_sub(stored, 1, (size_t)end - 1) : STR("CRYPT");
	*hash = end > 1 ? str_skip(stored, (size_t)end + 1) : stored;
}

bool
scheme_is_heavy(struct str scheme)
{
	int i = scheme_find(scheme);

	return i >= 0 && schemes[i].form == F_ARGON2;
}

enum cred
scheme_check(struct str scheme, struct str hash, struct str user, struct str password)
{
	int i = scheme_find(scheme.n > 0 ? scheme : STR("CRYPT"));

	(void)user;
	if (i < 0 || hash.n == 0 || hash.n > HASH_MAX || password.n == 0)
		return CRED_IMPOSSIBLE;			/* an empty hash is nobody's password */
	switch (schemes[i].form) {
	case F_CLEAR:		return yes_if(same(hash, password));
	case F_CRYPT:		return check_crypt(hash, password);
	case F_ARGON2:		return check_argon2(hash, password);
	case F_PLAIN_DIGEST:	return check_digest(schemes[i].md(), false, hash, password);
	case F_SALTED:		return check_digest(schemes[i].md(), true, hash, password);
	case F_SCRAM1:		return check_scram(true, hash, password);
	case F_SCRAM256:	return check_scram(false, hash, password);
	}
	return CRED_IMPOSSIBLE;
}

static bool
is_scram(enum auth_mech m, bool *sha1)
{
	*sha1 = m == MECH_SCRAM_SHA_1 || m == MECH_SCRAM_SHA_1_PLUS;
	return m <= MECH_SCRAM_SHA_1;
}

enum cred
scheme_verifier(struct str scheme, struct str hash, enum auth_mech need, struct arena *a,
    struct verifier *v, bool *derive)
{
	int i = scheme_find(scheme);
	bool sha1, scram = is_scram(need, &sha1);
	enum form form = i >= 0 ? schemes[i].form : F_CRYPT;

	*derive = false;
	if (need == MECH_EXTERNAL || need == MECH_GSSAPI || need == MECH_OAUTHBEARER ||
	    need == MECH_XOAUTH2)
		return CRED_OK;
	if (i < 0 || hash.n == 0)
		return CRED_IMPOSSIBLE;
	if (scram && (form == F_SCRAM1 || form == F_SCRAM256))
		return (form == F_SCRAM1) == sha1 && scram_entry(sha1, hash, a, v) ? CRED_OK :
		    CRED_IMPOSSIBLE;
	if (form != F_CLEAR)
		return CRED_IMPOSSIBLE;
	v->password = str_dup(a, hash);
	*derive = scram;
	return v->password.p != NULL ? CRED_OK : CRED_UNAVAILABLE;
}

unsigned
scheme_serves(struct str scheme)
{
	const unsigned all = MECH_BIT(MECH_COUNT) - 1;
	const unsigned s256 = MECH_BIT(MECH_SCRAM_SHA_256) | MECH_BIT(MECH_SCRAM_SHA_256_PLUS);
	const unsigned s1 = MECH_BIT(MECH_SCRAM_SHA_1) | MECH_BIT(MECH_SCRAM_SHA_1_PLUS);
	const unsigned md5 = MECH_BIT(MECH_CRAM_MD5) | MECH_BIT(MECH_DIGEST_MD5);
	int i = scheme_find(scheme.n > 0 ? scheme : STR("CRYPT"));

	if (i < 0)
		return 0;
	switch (schemes[i].form) {
	case F_CLEAR:		return all;
	case F_SCRAM256:	return all & ~(s1 | md5);
	case F_SCRAM1:		return all & ~(s256 | md5);
	case F_CRYPT:
	case F_ARGON2:
	case F_PLAIN_DIGEST:
	case F_SALTED:		break;
	}
	return all & ~(s1 | s256 | md5);
}
