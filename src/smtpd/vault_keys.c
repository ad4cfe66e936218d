/* SPDX-License-Identifier: ISC */
/*
 * vault_keys: DKIM keys as a worker knows them: public halves, and signatures from vault.
 */
#include <stdlib.h>

#include "rt/clock.h"
#include "rt/co.h"
#include "smtpd/vault.h"

enum { KEYS_MAX = 128, CALL_MS = 10'000, AGAIN_MS = 100, ED25519 = 32, ANSWER = 16 << 10 };

struct vault_keys {
	struct vault_line *line;
	struct arena a;
	struct msg_dkim_public_key key[KEYS_MAX];
	size_t n;
	bool known;
};

struct vault_keys *
vault_keys_new(struct vault_line *l)
{
	struct vault_keys *k = calloc(1, sizeof *k);

	if (!k)
		abort();
	k->line = l;
	arena_init(&k->a, 4 << 20);
	return k;
}

void
vault_keys_free(struct vault_keys *k)
{
	arena_done(&k->a);
	free(k);
}

/* False: ask again. */
static bool
fetch(struct vault_keys *k)
{
	struct ipc *ch = vault_line_channel(k->line, deadline_in(CALL_MS));

	for (k->n = 0; ch && k->n < KEYS_MAX; k->n++) {
		struct msg_dkim_public m = { .index = (uint32_t)k->n };

		if (ipc_call(ch, MSG_dkim_public, &m, MSG_dkim_public_key, &k->key[k->n], &k->a,
		    deadline_in(CALL_MS)) != IO_OK)
			return false;
		if (!k->key[k->n].there)
			return true;
		ch = vault_line_channel(k->line, deadline_in(CALL_MS));
	}
	return ch != NULL;
}

void
vault_keys_fetch(struct vault_keys *k, int64_t deadline)
{
	while (!k->known && now_ms() < deadline) {
		arena_reset(&k->a);
		k->known = fetch(k);
		if (!k->known) {
			k->n = 0;
			if (co_sleep(AGAIN_MS) != WAKE_OK)
				return;
		}
	}
}

static const struct msg_dkim_public_key *
find(const struct vault_keys *k, struct str domain, struct str selector)
{
	for (size_t i = 0; i < k->n; i++)
		if (str_ieq(k->key[i].domain, domain) && str_ieq(k->key[i].selector, selector))
			return &k->key[i];
	return NULL;
}

static struct str
own(void *ctx, struct str domain, struct str selector)
{
	const struct msg_dkim_public_key *found = find(ctx, domain, selector);

	return found ? found->key : (struct str){};
}

struct smtpd_keys
vault_keys_own(struct vault_keys *k)
{
	return (struct smtpd_keys){ .own = own, .ctx = k };
}

static bool
is_ed25519(void *ctx, struct str domain, struct str selector)
{
	vault_keys_fetch(ctx, deadline_in(CALL_MS));
	return own(ctx, domain, selector).n == ED25519;
}

static bool
ask(void *ctx, const struct smtpd_sign_ask *q, struct buf *signature, bool *refused)
{
	struct vault_keys *k = ctx;
	struct msg_dkim_sign m = { .domain = q->domain, .selector = q->selector,
		.grant = q->grant, .identity = q->identity, .token = q->token,
		.block = q->block };
	struct ipc *ch = vault_line_channel(k->line, deadline_in(CALL_MS));
	struct msg_dkim_signed answer = {};
	struct arena a;
	bool good;

	*refused = false;
	if (!ch)
		return false;
	arena_init(&a, ANSWER);
	good = (q->local < 0 || ipc_send_fd(ch, MSG_dkim_local, &(struct msg_dkim_local){},
	    q->local)) && ipc_call(ch, MSG_dkim_sign, &m, MSG_dkim_signed, &answer, &a,
	    deadline_in(CALL_MS)) == IO_OK;
	*refused = good && !answer.ok;
	good = good && answer.ok && buf_put(signature, answer.signature);
	arena_done(&a);
	return good;
}

struct smtpd_sign
vault_keys_sign(struct vault_keys *k)
{
	return (struct smtpd_sign){ .ask = ask, .is_ed25519 = is_ed25519, .ctx = k };
}
