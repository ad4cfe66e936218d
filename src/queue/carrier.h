/* SPDX-License-Identifier: ISC */
/*
 * carrier: a deliverer as the queue sees it, and what is in its hands.
 *
 * A job in flight has a flight: which unit, whose, since when, and the addresses for the log (as
 * many as fit; the index has none).  Flights come from a slab and are bounded by the windows.
 * Who owns the channel calls carrier_gone before the channel goes.
 */
#ifndef QUEUE_CARRIER_H
#define QUEUE_CARRIER_H

#include "queue/queue.h"

enum { CARRIER_WINDOW_MAX = 4096, FLIGHT_TEXT = 448 };

struct carrier {
	const char *name;		/* "smtpc 1", kept by the caller */
	bool takes[TRANSPORTS];
	/* Hands a job over; false: the channel is closed. */
	bool (*send)(void *arg, const struct job *j);
	void *arg;
	unsigned no;			/* its place in queue.carrier */
	bool ready;			/* it has said hello */
	unsigned window, nflight, nunproven;
	struct link flights;
};

struct flight {
	struct link link;
	struct unit *unit;
	struct carrier *carrier;
	uint64_t msgid;
	uint32_t jobno;
	bool unproven;
	uint16_t text_n;
	char text[FLIGHT_TEXT];		/* idx:4 len:2 address ... */
};

void carriers_init(struct queue *q);
void carriers_done(struct queue *q);

/* Fields up to arg are filled in; copied.  NULL: too many. */
struct carrier *carrier_new(struct queue *q, const struct carrier *proto);
/* Its jobs are given out again. */
void carrier_gone(struct queue *q, struct carrier *c);
void carrier_hello(struct queue *q, struct carrier *c, unsigned window);
/* It says it has that in hand, since before this queue began.  suspends until the message is known
 * (or recovery ends). */
void carrier_inflight(struct queue *q, struct carrier *c, const struct msg_job_inflight *m);
/* Results of one job.  suspends as carrier_inflight does. */
void carrier_result(struct queue *q, struct carrier *c, const struct msg_job_result *m);

/* Who would take a unit for it now; NULL: nobody has room. */
struct carrier *carrier_for(const struct queue *q, const struct dest *d);
/* Are all that we know of ready? */
bool carriers_ready(const struct queue *q);

struct flight *flight_new(struct queue *q, struct carrier *c, struct unit *u);
void flight_free(struct queue *q, struct flight *f);
void flight_note(struct flight *f, uint32_t idx, struct str addr);
struct str flight_addr(const struct flight *f, uint32_t idx);

/* outcome.c: what these outcomes make of the flight's unit; the flight ends with the last. */
void outcome_apply(struct queue *q, struct flight *f, const struct sub_outcome *o, size_t n);
/* A unit whose flight ended without an answer. */
void outcome_lost(struct queue *q, struct flight *f);

#endif
