/* SPDX-License-Identifier: ISC */
/*
 * vault: see vault.h.
 */
#include "queue/vault.h"

#include <stdlib.h>
#include <unistd.h>

#include "mail/path.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "trust/srs.h"

enum { LOOK_MS = 20, START_MS = 10'000, CHANNEL_MS = 2000, AGAIN_MS = 10'000, CALL_MS = 10'000 };

struct queue_vault {
	uint64_t channel;		/* 0: none */
	bool seen;			/* it was there once */
	int64_t missed_ms;		/* when it was waited for in vain; 0: it is there */
};

struct queue_vault *
queue_vault_new(void)
{
	struct queue_vault *v = calloc(1, sizeof *v);

	if (!v)
		abort();
	return v;
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
queue_vault_peer(struct queue_vault *v, int fd, const char *name)
{
	static const struct ipc_ops ops = { .on_msg = on_msg };
	struct ipc *old = v->channel ? ipc_by_id(v->channel) : NULL, *ch;

	if (old)
		ipc_close(old);
	ch = ipc_new(fd, name, &ops, v);
	v->channel = ch ? ipc_id(ch) : 0;
	v->seen = true;
}

/* Mail waits in line while we wait here: only once in a while, when it is not there at all. */
struct ipc *
queue_vault_channel(struct queue_vault *v, int64_t deadline)
{
	bool patient = v->missed_ms == 0 || now_ms() - v->missed_ms > AGAIN_MS;

	for (;;) {
		struct ipc *ch = v->channel ? ipc_by_id(v->channel) : NULL;

		if (ch && ipc_is_open(ch)) {
			v->missed_ms = 0;
			return ch;
		}
		if (!patient || now_ms() >= deadline || co_sleep(LOOK_MS) != WAKE_OK)
			break;
	}
	if (patient)
		v->missed_ms = now_ms();
	return NULL;
}

static enum qv
ask(struct queue_vault *v, enum msg_type type, const void *m, struct arena *a,
    struct msg_srs_answer *answer)
{
	struct ipc *ch = queue_vault_channel(v, deadline_in(v->seen ? CHANNEL_MS : START_MS));

	if (!ch || ipc_call(ch, type, m, MSG_srs_answer, answer, a, deadline_in(CALL_MS)) != IO_OK)
		return QV_LATER;
	return answer->answer == SRS_ERROR ? QV_NO : QV_YES;
}

enum qv
queue_vault_mint(struct queue_vault *v, const struct srs_ask *q, struct arena *a,
    struct str *out, struct str *why)
{
	struct msg_srs_mint m = { .domain = q->domain, .address = q->sender, .at_ms = q->at_ms };
	struct msg_srs_answer answer = { .answer = SRS_ERROR };
	enum qv r = ask(v, MSG_srs_mint, &m, a, &answer);

	*out = answer.address;
	*why = answer.why;
	return r;
}

enum qv
queue_vault_tag(struct queue_vault *v, const struct srs_ask *q, struct arena *a, struct str *out)
{
	struct msg_batv_mint m = { .address = q->sender, .at_ms = q->at_ms };
	struct msg_srs_answer answer = { .answer = SRS_ERROR };
	enum qv r = ask(v, MSG_batv_mint, &m, a, &answer);

	*out = answer.address;
	return r;
}

enum qv
queue_vault_judge(struct queue_vault *v, struct str address, int64_t at_ms, struct arena *a,
    struct srs_verified *out)
{
	struct msg_srs_judge m = { .address = address, .at_ms = at_ms };
	struct msg_srs_answer answer = { .answer = SRS_ERROR };
	struct str local;
	enum qv r;

	if (!addr_split(address, &local, &m.domain))
		return QV_NO;
	r = ask(v, MSG_srs_judge, &m, a, &answer);
	if (r != QV_YES)
		return r;
	if (answer.answer != SRS_OK)
		return QV_NO;
	*out = (struct srs_verified){ .address = address, .original = answer.address };
	return QV_YES;
}
