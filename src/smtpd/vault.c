/* SPDX-License-Identifier: ISC */
/*
 * vault: see vault.h.
 */
#include "smtpd/vault.h"

#include <unistd.h>

#include "rt/clock.h"
#include "rt/co.h"
#include "trust/srs.h"

enum { LOOK_MS = 20, CHANNEL_MS = 5000, AUTH_MS = 60'000 };

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

/* vault asks us nothing. */
static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)ch, (void)type, (void)call_id, (void)m;
	if (fd >= 0)
		(void)close(fd);
}

void
vault_line_peer(struct vault_line *l, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = on_msg };
	struct ipc *old = l->plain ? ipc_by_id(l->plain) : NULL, *ch;

	if (old)
		ipc_close(old);
	ch = ipc_new(fd, name, &ops, l);
	l->plain = ch ? ipc_id(ch) : 0;
}

struct ipc *
vault_line_channel(const struct vault_line *l, int64_t deadline)
{
	if (l->tls)
		return tls_remote_channel(l->tls, deadline);
	for (;;) {
		struct ipc *ch = l->plain ? ipc_by_id(l->plain) : NULL;

		if (ch && ipc_is_open(ch))
			return ch;
		if (now_ms() >= deadline || co_sleep(LOOK_MS) != WAKE_OK)
			return NULL;
	}
}

static enum srs_fact
fact(struct vault_line *l, enum msg_type type, const void *m)
{
	struct ipc *ch = vault_line_channel(l, deadline_in(CHANNEL_MS));
	struct msg_srs_answer answer = { .answer = SRS_ERROR };
	struct arena a;
	enum io r;

	if (!ch)
		return SRSF_LATER;
	arena_init(&a, 4096);
	r = ipc_call(ch, type, m, MSG_srs_answer, &answer, &a, deadline_in(CHANNEL_MS));
	arena_done(&a);
	if (r != IO_OK)
		return SRSF_LATER;
	return answer.answer == SRS_OK ? SRSF_GOOD : SRSF_BAD;
}

static enum srs_fact
judge(void *ctx, struct str address, struct str domain)
{
	struct msg_srs_judge m = { .domain = domain, .address = address, .at_ms = wall_ms() };

	return fact(ctx, MSG_srs_judge, &m);
}

static enum srs_fact
tag(void *ctx, struct str address)
{
	struct msg_batv_judge m = { .address = address, .at_ms = wall_ms() };

	return fact(ctx, MSG_batv_judge, &m);
}

struct smtpd_srs
vault_srs(struct vault_line *l)
{
	return (struct smtpd_srs){ .judge = judge, .tag = tag, .ctx = l };
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
