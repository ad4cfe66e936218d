/* SPDX-License-Identifier: ISC */
/*
 * testhouse: a whole worker in the simulated world, for tests and fuzzers.
 *
 * mx.victim.example serves victim.example (alice, bob, victim, postmaster, +detail); clients come
 * from addresses the caller names; mail goes into a spool on the world's disk, from where it is
 * read back, so that what is counted is what was promised.
 */
#ifndef SMTPD_TESTHOUSE_H
#define SMTPD_TESTHOUSE_H

#include "rt/sim.h"
#include "smtpd/inhouse.h"
#include "smtpd/smtpd.h"

struct house {
	struct world *w;
	struct config *cfg;
	struct inhouse *spool;
	struct smtpd *srv;
	int dirfd;
	uint64_t asked;			/* recipients asked about */
	bool closing;
};

/* more: further lines of configuration, or NULL. */
struct house *house_new(uint64_t seed, const char *more);
/* Answers how many coroutines had to be cancelled: 0 when all was orderly. */
size_t house_free(struct house *h);

struct house_client {
	enum listener_kind listener;
	struct ip ip;			/* not for local */
	uint32_t uid;			/* local */
};

/* A session begins; the client's end of it.  From within a coroutine. */
struct conn *house_connect(struct house *h, const struct house_client *who);

/* Runs fn(arg) as a coroutine and the world until nothing moves; then the server is closed. */
void house_run(struct house *h, void (*fn)(void *arg), void *arg);

/* Messages in the spool; the newest whole content into *last (may be NULL), from a.  From within a
 * coroutine; reads what was committed. */
size_t house_messages(struct house *h, struct arena *a, struct str *last);

#endif
