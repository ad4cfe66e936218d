/* SPDX-License-Identifier: ISC */
/*
 * probe: the self-test: every store is asked about passwords nobody has, before anybody is let in.
 *
 * An invented user, and a real name (postmaster, and the first user of a file) with an invented
 * password.  A store that says yes is broken; one that is down is asked again.  Later it is
 * repeated now and then, because stores are changed while we run.
 */
#include "sasl/vault_int.h"

#include <openssl/rand.h>

#include "base/hex.h"
#include "rt/log.h"

enum { SOON_MS = 25, PATIENCE_MS = 5000, AGAIN_MS = 1000, REPEAT_MS = 600'000, WORD = 12 };

static bool
word(struct buf *b, struct str head)
{
	unsigned char raw[WORD];

	buf_reset(b);
	return RAND_bytes(raw, sizeof raw) == 1 && buf_put(b, head) &&
	    hex_encode(b, str_from(raw, sizeof raw));
}

static enum cred
try(struct auth_vault *v, struct str user)
{
	struct ipc *ch = auth_lookup_channel(v);
	struct msg_pass_answer m;
	enum cred answer = CRED_UNAVAILABLE;
	struct buf password;
	struct arena a;

	arena_init(&a, 16384);
	buf_init(&password, 64);
	if (ch != NULL && word(&password, STR("")) &&
	    ipc_call(ch, MSG_pass_ask, &(struct msg_pass_ask){ .user = user, .probe = true,
	    .password = buf_str(&password) }, MSG_pass_answer, &m, &a, now_ms() + LOOKUP_MS) ==
	    IO_OK && m.answer < CRED_ANSWERS)
		answer = (enum cred)m.answer;
	buf_done(&password);
	arena_done(&a);
	return answer;
}

/* CRED_OK is the catastrophe. */
static enum cred
ask(struct auth_vault *v, const struct domain *d)
{
	enum cred invented = CRED_UNAVAILABLE, real;
	struct buf user;

	buf_init(&user, 512);
	if (word(&user, STR("nobody-")) && buf_putc(&user, '@') && buf_put(&user, d->name))
		invented = try(v, buf_str(&user));
	buf_reset(&user);
	(void)buf_puts(&user, "postmaster@");
	(void)buf_put(&user, d->name);
	real = user.failed ? CRED_UNAVAILABLE : try(v, buf_str(&user));
	buf_done(&user);
	if (invented == CRED_OK || real == CRED_OK)
		return CRED_OK;
	return invented == CRED_UNAVAILABLE || real == CRED_UNAVAILABLE ? CRED_UNAVAILABLE :
	    CRED_FAILED;
}

static void
alarm_about(const struct domain *d, const char *what)
{
	log_begin(LOG_ERROR, what);
	log_s("domain", d->name);
	log_end();
}

/* True: every domain has answered. */
static bool
round_of(struct auth_vault *v)
{
	bool all = true;

	for (size_t i = 0; i < v->cfg->ndomain && !co_cancelled(); i++) {
		const struct domain *d = &v->cfg->domain[i];
		bool before = v->proven[i];
		enum cred c;

		if (d->passwords == PW_NONE)
			continue;
		c = ask(v, d);
		if (c == CRED_OK) {
			if (!v->broken)
				alarm_about(d, "auth_accepts_anything");
			v->broken = true;
		} else if (c == CRED_UNAVAILABLE) {
			if (!before && v->looked && !v->told) {
				alarm_about(d, "auth_store_unavailable");
				v->told = true;
			}
			all = all && before;
		} else {
			v->proven[i] = true;
		}
	}
	return all;
}

void
auth_probe_run(void *vault)
{
	struct auth_vault *v = vault;
	int64_t patience = now_ms() + PATIENCE_MS;
	bool wanted = false;

	for (size_t i = 0; i < v->cfg->nlistener; i++)
		wanted = wanted || v->cfg->listener[i].auth != LAUTH_OFF;
	while (wanted && !co_cancelled()) {
		bool all = auth_lookup_channel(v) != NULL && round_of(v);

		if (auth_lookup_channel(v) == NULL) {
			if (co_sleep(20) != WAKE_OK)
				return;
			continue;
		}
		/* Tables are read while we start; a directory that is down does not hold up
		 * users of the other domains for ever. */
		if (!v->looked && !co_cancelled() && (all || v->broken || now_ms() > patience)) {
			log_begin(LOG_INFO, v->broken ? "auth_closed" : "auth_proven");
			log_end();
			v->looked = true;
		}
		if (co_sleep(all ? REPEAT_MS : v->looked ? AGAIN_MS : SOON_MS) != WAKE_OK)
			return;
	}
}
