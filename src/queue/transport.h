/* SPDX-License-Identifier: ISC */
/*
 * transport: what queue asks of a deliverer (smtpc, local) and what it is told afterwards.
 *
 * 1. A job is one message for some recipients that share a next hop.  Content does not travel: the
 *    deliverer reads ref through its own spool_reader, and answers OUT_TEMP/CLASS_OWN if it cannot.
 * 2. Each recipient of a job gets exactly one outcome; a job may be answered in several job_result
 *    messages.  Outcomes are named by (msgid, idx); jobno tells one attempt from the next.
 * 3. When the channel to queue is made (also after queue was restarted) a deliverer first names
 *    what it has in hand, one job_inflight a job, then the results it could not send, then
 *    job_hello.  queue sends nothing before job_hello.  A job whose deliverer is gone is given
 *    out again.
 * 4. queue keeps at most job_hello.window jobs in flight at one deliverer, and at most
 *    job.parallel * JOB_DEPTH of one next hop; the deliverer opens at most job.parallel
 *    connections to that next hop (the newest job's word counts).
 *
 * Slices of a job belong to the arena given to job_unpack.  Wired in main/: smtpc takes T_SMTP and
 * T_LMTP, local takes T_LOCAL, queue itself does T_DISCARD.
 */
#ifndef QUEUE_TRANSPORT_H
#define QUEUE_TRANSPORT_H

#include "base/arena.h"
#include "ipc/ipc.h"
#include "spool/record.h"

enum transport { T_SMTP, T_LMTP, T_LOCAL, T_DISCARD };
enum { TRANSPORTS = T_DISCARD + 1, JOB_DEPTH = 4 };

struct job_rcpt {
	uint32_t idx;			/* the recipient's number within its message */
	uint8_t notify;			/* RFC 3461 4.1: SPOOL bits, 0 not given */
	uint8_t made_by;		/* enum route constructor: who made a remote recipient */
	struct str addr;		/* where it goes now */
	struct str orcpt;		/* as received, may be empty */
	struct str original;		/* what the client said, if addr was made from it */
};

struct job {
	uint64_t msgid;
	uint32_t jobno;			/* never 0 */
	enum transport transport;
	/* SMTP: domain (MX), "host:port" or "[ip]:port" (no MX); LMTP: "host:port" or "/path";
	 * LOCAL: "" */
	struct str nexthop;
	struct content_ref ref;
	struct str sender;		/* empty with null_sender */
	bool null_sender, smtputf8, requiretls;
	uint8_t ret;			/* RFC 3461 4.3: 0 not given, 1 FULL, 2 HDRS */
	uint8_t body;			/* enum spool_body */
	uint32_t flags;			/* verdict bits of the envelope (junk ...) */
	struct str envid, auth_id, token;
	int64_t received_ms;		/* Unix time */
	uint32_t parallel;		/* connections to nexthop, at most */
	uint32_t attempt;		/* from 1 */
	struct job_rcpt *rcpt;
	size_t nrcpt;
};

enum out_kind {
	OUT_DELIVERED,			/* in its mailbox */
	OUT_RELAYED,			/* another server has taken it */
	OUT_TEMP,			/* try again */
	OUT_PERM,			/* never */
};

/* Why not; decides how the queue goes on.  The first five speak of the next hop as a whole. */
enum out_class {
	CLASS_DNS,			/* names could not be asked for now */
	CLASS_CONNECT,			/* no address answered */
	CLASS_HOST,			/* refused in greeting, EHLO, or broken off; 421 */
	CLASS_TLS,			/* its TLS policy cannot be met now */
	CLASS_AUTH,			/* our own login was refused */
	CLASS_MESSAGE,			/* refused at MAIL, DATA or the final dot */
	CLASS_RCPT,			/* refused at RCPT (greylisting, unknown user) */
	CLASS_QUOTA,			/* the mailbox is full */
	CLASS_OWN,			/* our own trouble: disk, memory, content unreadable */
	CLASS_POLICY,			/* we refuse: REQUIRETLS, loop, too long */
	CLASSES
};

static inline bool
class_is_host(enum out_class c)
{
	return c <= CLASS_AUTH;
}

struct outcome {
	uint32_t idx;
	enum out_kind kind;
	enum out_class class;		/* of OUT_TEMP and OUT_PERM */
	bool dsn_passed;		/* RELAYED: the next hop took over NOTIFY (RFC 3461) */
	struct str status;		/* "5.1.1"; may be empty */
	struct str reply;		/* the other side's words, or ours */
	struct str mta;			/* who said it: "mx.example [192.0.2.1]"; empty: we */
};

/* The same things as they travel.  job_pack: slices of m and its list point into j and a. */
bool job_pack(const struct job *j, struct arena *a, struct msg_job *m);
bool job_unpack(const struct msg_job *m, struct arena *a, struct job *j);

/* suspends never.  False: the channel is closed. */
bool outcome_send(struct ipc *queue, uint64_t msgid, uint32_t jobno, const struct outcome *o,
    size_t n);

const char *transport_name(enum transport t);
const char *out_class_name(enum out_class c);

#endif
