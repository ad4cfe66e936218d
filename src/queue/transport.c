/* SPDX-License-Identifier: ISC */
/*
 * transport: jobs and outcomes to and from their messages.
 *
 * What comes over the wire is checked here: enumerations, no recipients, number 0.
 */
#include "queue/transport.h"
#include "base/num.h"

static const char *const transport_names[TRANSPORTS] = { "smtp", "lmtp", "local", "discard" };
static const char *const class_names[CLASSES] = {
	"dns", "connect", "host", "tls", "auth", "message", "rcpt", "quota", "own", "policy",
};

const char *
transport_name(enum transport t)
{
	return (unsigned)t < TRANSPORTS ? transport_names[t] : "?";
}

const char *
out_class_name(enum out_class c)
{
	return (unsigned)c < CLASSES ? class_names[c] : "?";
}

static void
pack_ref(const struct content_ref *r, struct msg_job *m)
{
	m->segno = r->segno;
	m->gen = r->gen;
	m->offset = r->offset;
	m->big_n = r->big_n;
	m->big_gen = r->big_gen;
	m->big_len = r->big_len;
	m->record_len = r->record_len;
	m->data_off = r->data_off;
	m->data_len = r->data_len;
	m->data_crc = r->data_crc;
	m->big_crc = r->big_crc;
}

bool
job_pack(const struct job *j, struct arena *a, struct msg_job *m)
{
	struct sub_job_rcpt *r = arena_alloc(a, j->nrcpt * sizeof *r);

	if (!r)
		return false;
	for (size_t i = 0; i < j->nrcpt; i++)
		r[i] = (struct sub_job_rcpt){
			.idx = j->rcpt[i].idx, .notify = j->rcpt[i].notify,
			.made_by = j->rcpt[i].made_by, .addr = j->rcpt[i].addr,
			.orcpt = j->rcpt[i].orcpt, .original = j->rcpt[i].original,
		};
	*m = (struct msg_job){
		.msgid = j->msgid, .jobno = j->jobno, .transport = (uint8_t)j->transport,
		.nexthop = j->nexthop, .sender = j->sender, .null_sender = j->null_sender,
		.smtputf8 = j->smtputf8, .requiretls = j->requiretls, .ret = j->ret,
		.body = j->body, .flags = j->flags, .envid = j->envid, .auth_id = j->auth_id,
		.token = j->token, .received_ms = j->received_ms, .parallel = j->parallel,
		.attempt = j->attempt, .rcpt = r, .nrcpt = j->nrcpt,
	};
	pack_ref(&j->ref, m);
	return true;
}

bool
job_unpack(const struct msg_job *m, struct arena *a, struct job *j)
{
	struct job_rcpt *r;

	if (m->jobno == 0 || m->transport >= TRANSPORTS || m->nrcpt == 0 || m->msgid == 0)
		return false;
	r = arena_alloc(a, m->nrcpt * sizeof *r);
	if (!r)
		return false;
	for (size_t i = 0; i < m->nrcpt; i++)
		r[i] = (struct job_rcpt){
			.idx = m->rcpt[i].idx, .notify = m->rcpt[i].notify,
			.made_by = m->rcpt[i].made_by, .addr = str_dup(a, m->rcpt[i].addr),
			.orcpt = str_dup(a, m->rcpt[i].orcpt),
			.original = str_dup(a, m->rcpt[i].original),
		};
	*j = (struct job){
		.msgid = m->msgid, .jobno = m->jobno, .transport = (enum transport)m->transport,
		.nexthop = str_dup(a, m->nexthop), .sender = str_dup(a, m->sender),
		.null_sender = m->null_sender, .smtputf8 = m->smtputf8,
		.requiretls = m->requiretls, .ret = m->ret, .body = m->body, .flags = m->flags,
		.envid = str_dup(a, m->envid), .auth_id = str_dup(a, m->auth_id),
		.token = str_dup(a, m->token), .received_ms = m->received_ms,
		.parallel = m->parallel, .attempt = m->attempt, .rcpt = r, .nrcpt = m->nrcpt,
		.ref = {
			.segno = m->segno, .gen = m->gen, .offset = m->offset, .big_n = m->big_n,
			.big_gen = m->big_gen, .big_len = m->big_len,
			.record_len = m->record_len, .data_off = m->data_off,
			.data_len = m->data_len, .data_crc = m->data_crc, .big_crc = m->big_crc,
		},
	};
	return true;
}

enum { RESULT_BATCH = 8, RESULT_TEXT = 900 };

bool
outcome_send(struct ipc *queue, uint64_t msgid, uint32_t jobno, const struct outcome *o, size_t n)
{
	struct sub_outcome out[RESULT_BATCH];

	for (size_t at = 0; at < n;) {
		size_t k = MIN(n - at, COUNT(out));

		for (size_t i = 0; i < k; i++) {
			const struct outcome *x = &o[at + i];

			out[i] = (struct sub_outcome){
				.idx = x->idx, .kind = (uint8_t)x->kind, .cls = (uint8_t)x->class,
				.dsn_passed = x->dsn_passed, .status = str_sub(x->status, 0, 16),
				.reply = str_sub(x->reply, 0, RESULT_TEXT),
				.mta = str_sub(x->mta, 0, 300),
			};
		}
		struct msg_job_result m = {
			.msgid = msgid, .jobno = jobno, .outcome = out, .noutcome = k,
		};

		if (!ipc_send(queue, MSG_job_result, &m))
			return false;
		at += k;
	}
	return true;
}
