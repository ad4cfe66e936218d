/* SPDX-License-Identifier: ISC */
/*
 * token: see token.h.
 */
#include "sasl/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/num.h"

enum { VERSION = 1, HEAD = 21, MAC = 32, SLACK_MS = 10'000 };

static bool
line_parse(struct str line, struct token_key *k)
{
	struct str number = str_split(&line, ' ');
	struct buf raw;
	bool good;

	buf_init(&raw, 64);
	good = num_parse_u32(number, &k->number) && hex_decode(&raw, str_trim(line)) &&
	    raw.n == TOKEN_KEY;
	if (good)
		memcpy(k->key, raw.p, TOKEN_KEY);
	if (raw.p != NULL)
		OPENSSL_cleanse(raw.p, raw.cap);
	buf_done(&raw);
	return good;
}

bool
token_keys_parse(struct token_keys *keys, struct str text)
{
	struct token_key k;

	*keys = (struct token_keys){};
	while (text.n > 0 && keys->n < TOKEN_KEYS_MAX)
		if (line_parse(str_split(&text, '\n'), &k) && k.number > 0)
			keys->k[keys->n++] = k;
	OPENSSL_cleanse(&k, sizeof k);
	return keys->n > 0;
}

void
token_decoy(struct str text, unsigned char out[32])
{
	struct token_key k;

	if (RAND_bytes(out, 32) != 1)
		abort();
	while (text.n > 0)
		if (line_parse(str_split(&text, '\n'), &k) && k.number == 0)
			memcpy(out, k.key, TOKEN_KEY);
	OPENSSL_cleanse(&k, sizeof k);
}

static bool
sign(const struct token_key *k, const unsigned char head[HEAD], struct str identity,
    unsigned char out[MAC])
{
	static const char what[] = "postern token 1";
	unsigned char text[sizeof what + HEAD + 512];
	unsigned n = 0;

	if (identity.n == 0 || identity.n > 512)
		return false;
	memcpy(text, what, sizeof what);
	memcpy(text + sizeof what, head, HEAD);
	memcpy(text + sizeof what + HEAD, identity.p, identity.n);
	return HMAC(EVP_sha256(), k->key, TOKEN_KEY, text, sizeof what + HEAD + identity.n, out,
	    &n) != NULL;
}

bool
token_mint(const struct token_keys *keys, struct str identity, uint64_t session, int64_t now_ms,
    struct buf *out)
{
	unsigned char raw[HEAD + MAC] = { VERSION };

	if (keys->n == 0)
		return false;
	put_le32(raw + 1, keys->k[0].number);
	put_le64(raw + 5, (uint64_t)now_ms);
	put_le64(raw + 13, session);
	return sign(&keys->k[0], raw, identity, raw + HEAD) &&
	    base64_encode(out, str_from(raw, sizeof raw));
}

enum token
token_judge(const struct token_keys *keys, struct str token, struct str identity, int64_t at_ms)
{
	unsigned char mac[MAC];
	enum token answer = TOKEN_BAD;
	struct buf raw;

	if (keys->n == 0)
		return TOKEN_LATER;
	buf_init(&raw, 128);
	if (token.n == TOKEN_TEXT && base64_decode(&raw, token) && raw.n == HEAD + MAC &&
	    raw.p[0] == VERSION) {
		int64_t minted = (int64_t)get_le64(raw.p + 5);

		for (size_t i = 0; i < keys->n; i++)
			if (keys->k[i].number == get_le32(raw.p + 1) &&
			    sign(&keys->k[i], (unsigned char *)raw.p, identity, mac) &&
			    CRYPTO_memcmp(mac, raw.p + HEAD, MAC) == 0 &&
			    at_ms >= minted - SLACK_MS && at_ms <= minted + TOKEN_LIFE_MS)
				answer = TOKEN_GOOD;
	}
	buf_done(&raw);
	return answer;
}
