/* SPDX-License-Identifier: ISC */
/*
 * testhouse: a queue with everything around it in a simulated world: pool, a writer as smtpd has
 * one, deliverers that answer by rule, tables that are a function.
 *
 * Recipients' domains say what happens:
 *
 *	void.test	discarded			here.test	T_LOCAL
 *	list@...	three recipients elsewhere	never.test	refused by the tables
 *	later.test	tables are down until the house says so
 *	any other	T_SMTP; the rule decides: by default delivered after 20 ms
 *
 * For *_test.c only.  Asserts nothing: tests look at its counters on the main stack.
 */
#ifndef QUEUE_TESTHOUSE_H
#define QUEUE_TESTHOUSE_H

#include "queue/carrier.h"
#include "queue/parts.h"
#include "rt/sim.h"
#include "spool/pool.h"

enum { HOUSE_CARRIERS = 2 };

struct house;

struct house_answer {
	int64_t after_ms;		/* FOREVER: never */
	struct outcome o;
};

struct house {
	struct world *w;
	struct config *cfg;
	int dirfd;
	struct pool *pool;
	struct group *group;
	struct queue *q;
	struct spool_writer *sw;
	struct carrier *carrier[HOUSE_CARRIERS];
	struct link jobs;		/* in the deliverers' hands */
	bool tables_down, no_deliverers;
	/* What becomes of that recipient; NULL: the default. */
	struct house_answer (*rule)(struct house *h, const struct job *j,
	    const struct job_rcpt *r);
	/* Seen by the deliverers. */
	void (*on_job)(struct house *h, const struct job *j);
	unsigned njobs, nrcpts, delivered, refused;
	unsigned window;		/* of each deliverer; 0: 256 */
	uint64_t last_id;
	void *arg;
};

void house_open(struct house *h, uint64_t seed);
/* Stops the queue and all, in order; the disk stays. */
void house_close(struct house *h);
/* Starts everything again on the same disk.  power: what was not synced is lost. */
void house_reopen(struct house *h, bool power);
/* The end: frees the world. */
void house_done(struct house *h);

/* Lets time pass. */
void house_run(struct house *h, int64_t ms);

/* One message, committed; to: addresses separated by blanks.  Its id.  from "": null sender */
uint64_t house_mail(struct house *h, const char *from, const char *to);
/* n of them to the same addresses; one commit for many. */
void house_mails(struct house *h, const char *from, const char *to, unsigned n);

/* Something about the next messages: RFC 3461 bits, RET, the user who logged in. */
extern struct spool_env house_env;
extern uint8_t house_notify;
extern const char *house_text;

/* The deliverer dies: its jobs with it.  Comes back with empty hands. */
void house_kill_carrier(struct house *h, unsigned n);
/* Only the queue dies: deliverers keep their jobs and tell the next one. */
void house_restart_queue(struct house *h);

#endif
