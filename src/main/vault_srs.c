/* SPDX-License-Identifier: ISC */
/*
 * vault_srs: see vault_srs.h.
 */
#include "main/vault_srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "trust/batv.h"
#include "trust/srs.h"

_Static_assert((int)BATV_OK == (int)SRS_OK && (int)BATV_ERROR == (int)SRS_ERROR, "one answer");

enum { ADDRESS_ARENA = 16 << 10 };

static void
derive(const struct token_key *k, const char *label, unsigned char out[TOKEN_KEY])
{
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), k->key, TOKEN_KEY, (const unsigned char *)label, strlen(label), out,
	    &n) || n != TOKEN_KEY)
		abort();
}

void
vault_srs_open(struct vault_srs *v, struct str token_keys)
{
	struct token_keys keys;

	*v = (struct vault_srs){};
	(void)token_keys_parse(&keys, token_keys);
	for (; v->n < keys.n; v->n++) {
		derive(&keys.k[v->n], "postern srs 1", v->secret[v->n]);
		derive(&keys.k[v->n], "postern batv 1", v->tag[v->n]);
		v->number[v->n] = keys.k[v->n].number;
	}
	OPENSSL_cleanse(&keys, sizeof keys);
}

/* All four questions are of one form. */
struct question { struct str domain, address; int64_t at_ms; };

static enum srs
ask_srs(const struct vault_srs *v, bool mint, const struct question *q, struct arena *a,
    struct msg_srs_answer *out)
{
	struct srs_conf c = { .domain = q->domain, .nsecret = v->n, .now_s = q->at_ms / 1000 };
	const char *why = "";
	enum srs r;

	for (size_t i = 0; i < v->n; i++)
		c.secret[i] = str_from(v->secret[i], TOKEN_KEY);
	r = mint ? srs_forward(&c, q->address, a, &out->address, &why) :
	    srs_reverse(&c, q->address, a, &out->address, &why);
	out->why = str_of(why);
	return r;
}

static enum batv
ask_batv(const struct vault_srs *v, bool mint, const struct question *q, struct arena *a,
    struct msg_srs_answer *out)
{
	struct batv_conf c = { .nsecret = v->n, .now_s = q->at_ms / 1000 };
	const char *why = "";
	enum batv r;

	for (size_t i = 0; i < v->n; i++) {
		c.secret[i] = str_from(v->tag[i], TOKEN_KEY);
		c.number[i] = v->number[i];
	}
	r = mint ? batv_tag(&c, q->address, a, &out->address, &why) :
	    batv_untag(&c, q->address, a, &out->address, &why);
	out->why = str_of(why);
	return r;
}

static bool
question_of(enum msg_type type, const union msg *m, struct question *q)
{
	if (type == MSG_srs_mint)
		*q = (struct question){ m->srs_mint.domain, m->srs_mint.address,
			m->srs_mint.at_ms };
	else if (type == MSG_srs_judge)
		*q = (struct question){ m->srs_judge.domain, m->srs_judge.address,
			m->srs_judge.at_ms };
	else if (type == MSG_batv_mint)
		*q = (struct question){ m->batv_mint.domain, m->batv_mint.address,
			m->batv_mint.at_ms };
	else if (type == MSG_batv_judge)
		*q = (struct question){ m->batv_judge.domain, m->batv_judge.address,
			m->batv_judge.at_ms };
	else
		return false;
	return true;
}

bool
vault_srs_msg(const struct vault_srs *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m)
{
	bool mint = type == MSG_srs_mint || type == MSG_batv_mint;
	struct msg_srs_answer answer = {};
	struct question q;
	struct arena a;

	if (!question_of(type, m, &q))
		return false;
	arena_init(&a, ADDRESS_ARENA);
	answer.answer = type == MSG_srs_mint || type == MSG_srs_judge ?
	    (uint8_t)ask_srs(v, mint, &q, &a, &answer) :
	    (uint8_t)ask_batv(v, mint, &q, &a, &answer);
	if (answer.answer == SRS_ERROR || ipc_peer(ch) != ROLE_QUEUE)
		answer.address = (struct str){};
	(void)ipc_reply(ch, call, MSG_srs_answer, &answer);
	arena_done(&a);
	return true;
}
