/* SPDX-License-Identifier: ISC */
/*
 * vault: see vault.h.
 */
#include "smtpd/vault.h"

#include "rt/clock.h"

enum { CHANNEL_MS = 5000, AUTH_MS = 60'000 };

static bool
ask(void *ctx, enum msg_type type, const void *m, struct msg_auth_answer *answer, struct arena *a)
{
	struct ipc *ch = tls_remote_channel(ctx, deadline_in(answer ? CHANNEL_MS : 0));

	if (!ch)
		return false;
	if (!answer)
		return ipc_send(ch, type, m);
	return ipc_call(ch, type, m, MSG_auth_answer, answer, a, deadline_in(AUTH_MS)) == IO_OK;
}

struct smtpd_auth
vault_auth(struct tls_remote *r)
{
	return (struct smtpd_auth){ .ask = ask, .ctx = r };
}

enum auth_state
vault_auth_state(struct tls_remote *r)
{
	struct ipc *ch = tls_remote_channel(r, deadline_in(CHANNEL_MS));
	struct msg_auth_state m = { .state = AUTH_UNPROVEN };
	struct msg_auth_ready ready = {};
	struct arena a;

	arena_init(&a, 4096);
	if (ch && ipc_call(ch, MSG_auth_ready, &ready, MSG_auth_state, &m, &a,
	    deadline_in(CHANNEL_MS)) != IO_OK)
		m.state = AUTH_UNPROVEN;
	arena_done(&a);
	return m.state <= AUTH_BROKEN ? (enum auth_state)m.state : AUTH_UNPROVEN;
}
