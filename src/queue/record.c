/* SPDX-License-Identifier: ISC */
/*
 * record: the texts of a message, read from its segment when they are needed.
 *
 * A small read of the page cache; the index would be several times its size if it kept them.
 */
#include "queue/parts.h"

#include "mail/smtp.h"
#include "policy/hold.h"
#include "rt/log.h"

bool
record_read(struct queue *q, const struct entry *e, struct arena *a, struct spool_msg *out)
{
	const struct rec_place at = { e->seg->n, e->seg->gen, e->off };
	uint64_t id = e->id;
	enum sr r = sr_message(q->reader, at, a, out);

	if (r == SR_OK && out->id == id)
		return true;
	log_begin(LOG_ERROR, "record_unreadable");
	log_id("id", id);
	log_u("segment", at.n);
	log_u("generation", at.gen);
	log_u("offset", at.offset);
	log_u("why", (uint64_t)r);
	log_end();
	return false;
}

const struct spool_rcpt *
record_rcpt(const struct entry *e, const struct spool_msg *m, uint32_t idx)
{
	const struct made_rcpt *t = entry_target(e, idx);

	if (t)
		idx = t->rcpt;
	return idx < m->env.nrcpt ? &m->env.rcpt[idx] : NULL;
}

struct str
record_addr(const struct entry *e, const struct spool_msg *m, uint32_t idx)
{
	const struct made_rcpt *t = entry_target(e, idx);

	if (t)
		return t->addr;
	return idx < m->env.nrcpt ? m->env.rcpt[idx].addr : (struct str){};
}

uint32_t
sender_hash(struct str sender)
{
	return (uint32_t)map_hash(sender);
}

/* RFC 3461 4.1: without NOTIFY a delay may be told; we tell those who are at home here. */
static bool
wants_delay(const struct spool_env *env)
{
	if (env->null_sender)
		return false;
	for (size_t i = 0; i < env->nrcpt; i++) {
		uint8_t notify = env->rcpt[i].notify;

		if (notify & NOTIFY_DELAY)
			return true;
		if (notify == 0 && (env->auth_id.n > 0 || env->listener_kind == L_LOCAL ||
		    env->listener_kind == L_SUBMISSION))
			return true;
	}
	return false;
}

void
entry_flags_from(struct entry *e, const struct spool_env *env)
{
	if (env->null_sender)
		e->flags |= ENTRY_NULL_SENDER;
	if (wants_delay(env))
		e->flags |= ENTRY_DELAY_WANTED;
	for (size_t i = 0; i < env->nrcpt; i++) {
		if (env->rcpt[i].notify & NOTIFY_SUCCESS)
			e->flags |= ENTRY_SUCCESS_WANTED;
		if (env->rcpt[i].flags & ENTITLE_HOLD)
			e->flags |= ENTRY_HELD;
	}
	e->sender = sender_hash(env->sender);
}
