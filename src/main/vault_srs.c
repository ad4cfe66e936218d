/* SPDX-License-Identifier: ISC */
/*
 * vault_srs: see vault_srs.h.
 */
#include "main/vault_srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "trust/srs.h"

enum { ADDRESS_ARENA = 16 << 10 };

void
vault_srs_open(struct vault_srs *v, struct str token_keys)
{
	static const unsigned char label[] = "postern srs 1";
	struct token_keys keys;

	*v = (struct vault_srs){};
	(void)token_keys_parse(&keys, token_keys);
	for (; v->n < keys.n; v->n++) {
		unsigned n = 0;

		if (!HMAC(EVP_sha256(), keys.k[v->n].key, TOKEN_KEY, label, sizeof label - 1,
		    v->secret[v->n], &n) || n != TOKEN_KEY)
			abort();
	}
	OPENSSL_cleanse(&keys, sizeof keys);
}

static struct srs_conf
conf_of(const struct vault_srs *v, struct str domain, int64_t at_ms)
{
	struct srs_conf c = { .domain = domain, .nsecret = v->n, .now_s = at_ms / 1000 };

	for (size_t i = 0; i < v->n; i++)
		c.secret[i] = str_from(v->secret[i], TOKEN_KEY);
	return c;
}

bool
vault_srs_msg(const struct vault_srs *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m)
{
	struct msg_srs_answer answer = { .answer = SRS_ERROR };
	struct str out = {};
	const char *why = "";
	struct srs_conf c;
	struct arena a;

	if (type != MSG_srs_mint && type != MSG_srs_judge)
		return false;
	arena_init(&a, ADDRESS_ARENA);
	if (type == MSG_srs_mint) {
		c = conf_of(v, m->srs_mint.domain, m->srs_mint.at_ms);
		answer.answer = (uint8_t)srs_forward(&c, m->srs_mint.address, &a, &out, &why);
	} else {
		c = conf_of(v, m->srs_judge.domain, m->srs_judge.at_ms);
		answer.answer = (uint8_t)srs_reverse(&c, m->srs_judge.address, &a, &out, &why);
	}
	if (answer.answer != SRS_ERROR && ipc_peer(ch) == ROLE_QUEUE)
		answer.address = out;
	answer.why = str_of(why);
	(void)ipc_reply(ch, call, MSG_srs_answer, &answer);
	arena_done(&a);
	return true;
}
