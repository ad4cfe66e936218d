/* SPDX-License-Identifier: ISC */
/*
 * sign: see sign.h.
 *
 * Which keys there are is vault's to say, asked each time: such mail is rare, and a vault of
 * another generation has other keys.
 */
#include "queue/sign.h"

#include "mail/addr.h"
#include "mail/path.h"
#include "rt/clock.h"
#include "trust/dkim_sign.h"

enum { CALL_MS = 5000, KEYS_MAX = 128, FIELDS_MAX = 64 << 10, LIFE_S = 7 * 86'400 };
enum { ED25519 = 32 };

struct asking {
	struct queue_vault *v;
	struct str domain, selector;
	struct arena *a;
};

/* suspends */
static bool
ask_vault(void *ctx, struct str block, struct buf *signature)
{
	struct asking *q = ctx;
	struct ipc *ch = queue_vault_channel(q->v, deadline_in(CALL_MS));
	struct msg_dkim_sign m = { .domain = q->domain, .selector = q->selector, .block = block };
	struct msg_dkim_signed answer = {};

	return ch && ipc_call(ch, MSG_dkim_sign, &m, MSG_dkim_signed, &answer, q->a,
	    deadline_in(CALL_MS)) == IO_OK && answer.ok && buf_put(signature, answer.signature);
}

/* suspends */
static bool
key_of(struct queue_vault *v, uint32_t index, struct arena *a, struct msg_dkim_public_key *out)
{
	struct ipc *ch = queue_vault_channel(v, deadline_in(CALL_MS));

	return ch && ipc_call(ch, MSG_dkim_public, &(struct msg_dkim_public){ .index = index },
	    MSG_dkim_public_key, out, a, deadline_in(CALL_MS)) == IO_OK && out->there;
}

/* The nearest domain of ours at or above the author's that has an active key. */
static const struct domain *
domain_for(const struct config *cfg, const struct header *h, struct arena *a)
{
	const struct field *f = header_find(h, STR("From"), 0);
	const struct domain *best = NULL;
	struct addr_list from;

	if (!f || !addr_list_parse(f->value, a, &from) || from.n != 1)
		return NULL;
	for (size_t i = 0; i < cfg->ndomain; i++) {
		const struct domain *d = &cfg->domain[i];
		bool active = false;

		for (size_t k = 0; k < d->ndkim; k++)
			active |= d->dkim[k].stage == DKIM_ACTIVE;
		if (active && domain_under(from.addr[0].domain, d->name) &&
		    (!best || d->name.n > best->name.n))
			best = d;
	}
	return best;
}

struct str
queue_sign(struct queue_vault *v, const struct config *cfg, const struct own_mail *mail,
    struct arena *a)
{
	struct msg_dkim_public_key key = {};
	const struct domain *d;
	struct header h;
	struct buf out;
	struct str fields;

	if (!header_parse(mail->header, a, 0, &h) || (d = domain_for(cfg, &h, a)) == NULL)
		return STR("");
	buf_init(&out, FIELDS_MAX);
	for (uint32_t i = 0; i < KEYS_MAX && key_of(v, i, a, &key); i++) {
		struct asking q = { .v = v, .domain = key.domain, .selector = key.selector,
			.a = a };
		struct dkim_signer s = {
			.domain = key.domain, .selector = key.selector,
			.ed25519 = key.key.n == ED25519, .relaxed_header = true,
			.relaxed_body = true, .now_s = wall_ms() / 1000,
			.expires_s = wall_ms() / 1000 + LIFE_S, .sign = ask_vault, .ctx = &q,
		};

		if (key.stage == DKIM_ACTIVE && domain_eq(key.domain, d->name))
			(void)dkim_sign(&s, &h, mail->body_hash, a, &out);
	}
	fields = str_dup(a, buf_str(&out));
	buf_done(&out);
	return fields.p ? fields : STR("");
}
