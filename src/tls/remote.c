/* SPDX-License-Identifier: ISC */
/*
 * remote: see remote.h.
 */
#include "tls/remote.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/group.h"
#include "rt/log.h"

enum { SIGN_MS = 20'000, LOOK_MS = 20, ASK_MS = 10'000, SIGN_MEMORY = 8 << 10 };

struct tls_remote {
	const struct config *cfg;
	struct tls_server *srv;
	uint64_t vault;			/* channel, 0: none */
	struct group *group;
	struct co *fetcher;
	bool fresh;			/* a vault whose keys we have not */
};

/* ---- the worker's side ---- */

/* suspends until there is a vault. */
struct ipc *
tls_remote_channel(struct tls_remote *r, int64_t deadline)
{
	for (;;) {
		struct ipc *ch = r->vault ? ipc_by_id(r->vault) : NULL;

		if (ch && ipc_is_open(ch))
			return ch;
		if (now_ms() >= deadline || co_sleep(LOOK_MS) != WAKE_OK)
			return NULL;
	}
}

static bool
sign(void *ctx, const struct tls_sign *ask, int64_t deadline_ms, unsigned char *sig, size_t *n)
{
	struct tls_remote *r = ctx;
	struct msg_tls_sign m = {
		.key = str_from(ask->key, sizeof(ask->key)), .kind = (uint8_t)ask->kind,
		.hash = (uint16_t)ask->hash, .tbs = ask->tbs,
	};
	int64_t until = deadline_min(deadline_ms, deadline_in(SIGN_MS));
	enum io io = IO_BROKEN;
	bool ok = false;

	while (io == IO_BROKEN) {
		struct ipc *ch = tls_remote_channel(r, until);
		struct msg_tls_signed a;
		struct arena mem;

		if (!ch)
			break;
		arena_init(&mem, SIGN_MEMORY);
		io = ipc_call(ch, MSG_tls_sign, &m, MSG_tls_signed, &a, &mem, until);
		ok = io == IO_OK && a.answer == KEYRING_SIGNED &&
		    a.signature.n <= TLS_SIGNATURE_MAX;
		if (ok) {
			memcpy(sig, a.signature.p, a.signature.n);
			*n = a.signature.n;
		} else if (io == IO_OK) {
			log_begin(LOG_ERROR, "tls_sign_refused");
			log_u("answer", a.answer);
			log_end();
		}
		arena_done(&mem);
	}
	return ok;
}

static bool
fetch(struct tls_remote *r, size_t listener, int64_t *left_ms)
{
	struct msg_tls_tickets ask = { .listener = r->cfg->listener[listener].name };
	struct ipc *ch = tls_remote_channel(r, deadline_in(ASK_MS));
	struct msg_tls_ticket_keys a;
	struct ticket_pair keys;
	struct arena mem;
	bool ok;

	if (!ch)
		return false;
	arena_init(&mem, SIGN_MEMORY);
	ok = ipc_call(ch, MSG_tls_tickets, &ask, MSG_tls_ticket_keys, &a, &mem,
	    deadline_in(ASK_MS)) == IO_OK && a.keys.n == 2 * sizeof(struct ticket_key);
	if (ok) {
		memcpy(&keys.now, a.keys.p, sizeof(keys.now));
		memcpy(&keys.before, a.keys.p + sizeof(keys.now), sizeof(keys.before));
		*left_ms = MIN(*left_ms, a.left_ms);
		tls_server_tickets(r->srv, listener, &keys);
		ticket_wipe(&keys);
	}
	arena_done(&mem);
	return ok;
}

static void
fetch_run(void *arg)
{
	struct tls_remote *r = arg;

	r->fetcher = co_self();
	while (!co_cancelled()) {
		int64_t left = TICKET_HOUR_MS;
		bool all = true;

		r->fresh = false;
		for (size_t i = 0; i < r->cfg->nlistener && !co_cancelled(); i++)
			if (tls_server_offers(r->srv, i))
				all = fetch(r, i, &left) && all;
		left = all ? MAX(left, (int64_t)1000) : 1000;
		for (int64_t until = deadline_in(left); !r->fresh && now_ms() < until; )
			if (co_park(until) == WAKE_CANCELLED)
				break;
	}
	r->fetcher = NULL;
}

static void
on_vault_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)ch, (void)type, (void)call_id, (void)m;
	if (fd != -1)
		close(fd);
}

static const struct ipc_ops vault_ops = { .on_msg = on_vault_msg };

void
tls_remote_peer(struct tls_remote *r, int fd, const char *name)
{
	struct ipc *old = r->vault ? ipc_by_id(r->vault) : NULL;
	struct ipc *ch = ipc_new(fd, name, &vault_ops, r);

	if (!ch)
		return;
	r->vault = ipc_id(ch);
	if (old)
		ipc_close(old);
	r->fresh = true;
	if (r->fetcher)
		co_wake(r->fetcher);
}

struct tls_remote *
tls_remote_new(const struct config *cfg, struct tls_server *srv)
{
	struct tls_remote *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	*r = (struct tls_remote){ .cfg = cfg, .srv = srv, .group = group_open(FOREVER) };
	tls_provider_signer(&(struct tls_signer){ .sign = sign, .ctx = r });
	if (!group_go(r->group, "ticket-keys", fetch_run, r))
		abort();
	return r;
}

void
tls_remote_free(struct tls_remote *r)
{
	struct ipc *ch;

	if (!r)
		return;
	group_cancel(r->group);
	(void)group_wait(&r->group);
	tls_provider_signer(&(struct tls_signer){});
	ch = r->vault ? ipc_by_id(r->vault) : NULL;
	if (ch)
		ipc_close(ch);
	free(r);
}

/* ---- vault's side ---- */

static void
answer_sign(struct keyring *kr, struct ipc *ch, uint64_t call_id, const struct msg_tls_sign *m)
{
	struct tls_sign ask = {
		.kind = (enum tls_sign_kind)m->kind, .hash = m->hash, .tbs = m->tbs,
	};
	unsigned char sig[TLS_SIGNATURE_MAX];
	enum keyring_answer answer = KEYRING_REFUSED;
	size_t n = 0;

	if (m->key.n == sizeof(ask.key) && m->kind <= TLS_SIGN_PSS) {
		memcpy(ask.key, m->key.p, sizeof(ask.key));
		answer = keyring_sign(kr, &ask, sig, &n);
	}
	if (answer == KEYRING_REFUSED) {		/* no honest worker asks for that */
		log_begin(LOG_ERROR, "tls_sign_not_tls");
		log_s("peer", str_of(ipc_name(ch)));
		log_u("bytes", m->tbs.n);
		log_end();
	}
	ipc_reply(ch, call_id, MSG_tls_signed, &(struct msg_tls_signed){
	    .answer = (uint8_t)answer, .signature = str_from(sig, n) });
}

static void
answer_tickets(struct keyring *kr, struct ipc *ch, uint64_t call_id,
    const struct msg_tls_tickets *m)
{
	struct ticket_pair keys;

	keyring_tickets(kr, m->listener, now_ms(), &keys);
	ipc_reply(ch, call_id, MSG_tls_ticket_keys, &(struct msg_tls_ticket_keys){
	    .keys = str_from(&keys, 2 * sizeof(struct ticket_key)), .left_ms = keys.left_ms });
	ticket_wipe(&keys);
}

bool
tls_remote_answer(struct keyring *kr, struct ipc *ch, uint64_t call_id, enum msg_type type,
    const union msg *m)
{
	if (call_id == 0)
		return false;
	if (type == MSG_tls_sign)
		answer_sign(kr, ch, call_id, &m->tls_sign);
	else if (type == MSG_tls_tickets)
		answer_tickets(kr, ch, call_id, &m->tls_tickets);
	else
		return false;
	return true;
}
