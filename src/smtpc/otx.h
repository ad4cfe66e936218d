/* SPDX-License-Identifier: ISC */
/*
 * otx: one message over a client connection, to some or all recipients of its job.
 *
 * 1. A recipient gets one outcome.  Recipients without one after otx_run have been promised nothing
 *    and may be tried again at once: the transaction was lost before its message was out
 *    (OTX_LOST), or the server wants them in another transaction (OTX_AGAIN).
 * 2. Once the whole message is out, silence is OUT_TEMP: the server may have it; RFC 1047 prefers a
 *    second copy to none.
 * 3. With PIPELINING the next transaction's commands travel with this one's message.
 *
 * RFC 5321 3.3, 2920, 1870, 6152, 6531, 3030, 3461; LMTP's replies per recipient: RFC 2033 4.2.
 */
#ifndef SMTPC_OTX_H
#define SMTPC_OTX_H

#include "smtpc/body.h"
#include "smtpc/client.h"

enum { RCPT_LATER_MAX = 8 };		/* transactions one recipient may wait through */

enum rcpt_state {
	RCPT_WAITING,			/* no outcome yet, in no transaction */
	RCPT_ASKED,			/* in this one */
	RCPT_TAKEN,			/* the server said yes to it */
	RCPT_DONE,			/* has its outcome */
};

struct attempt {			/* a job on its way; one at a time over one connection */
	struct job job;
	struct arena *arena;		/* of the job: outcomes and their texts */
	struct body_source src;
	struct body body;
	bool body_open;
	struct outcome *out;		/* of each recipient, in the job's order */
	uint8_t *state;			/* enum rcpt_state of each */
	size_t ndone;
	unsigned rounds;		/* transactions begun */
};

enum otx_end { OTX_DONE, OTX_AGAIN, OTX_LOST };

struct otx {
	struct attempt *at;
	uint32_t *rcpt;			/* those in this transaction, by place in the job */
	size_t n;
	bool bdat;
	bool head_out;			/* its commands are written or waiting in k->out */
	bool reset;			/* ... and RSET before them */
	int64_t until_ms;		/* all replies to its commands must be there by then */
};

/* What the transaction after this one may be, asked when this one's message goes out. */
struct otx_next {
	struct otx *(*take)(void *ctx);	/* NULL: none now */
	void *ctx;
};

/* Makes out and state; opens the content.  False: all recipients have their outcome (content gone,
 * or foul).  suspends */
bool attempt_open(struct attempt *at);
/* Everybody who has no outcome yet gets this one. */
void attempt_fail(struct attempt *at, const struct trouble *t);

/* The next transaction of at on k: which recipients, how.  False: none is left, or what is
 * left cannot be said to this server (outcomes are set). */
bool otx_begin(struct otx *t, struct attempt *at, struct client *k);
/* Puts its commands behind what waits in k->out, when they can go without waiting for replies. */
void otx_put_head(struct otx *t, struct client *k);
/* Runs it to its end.  suspends */
enum otx_end otx_run(struct otx *t, struct client *k, const struct otx_next *next);

#endif
