/* SPDX-License-Identifier: ISC */
/*
 * guard: who has tried too often (brute force, sprays of one password over many users).
 *
 * 1. Buckets that leak: failures of an address, its /24 or /64, a user, and a password's keyed
 *    fingerprint over different users.  Nothing is kept of a password but that.
 * 2. Nobody can lock a user out: where a user has logged in from an address lately, that pair is
 *    let in whatever the buckets say.
 * 3. Memory is bounded; the bucket that was not touched for longest goes first.  Known pairs are
 *    made by good logins only and have room of their own.
 *
 * One owner; no clock of its own.  In vault, so that all workers share it.
 */
#ifndef SASL_GUARD_H
#define SASL_GUARD_H

#include "base/ip.h"
#include "conf/limits.h"

struct guard;

struct guard_try {
	struct ip ip;
	struct str user;		/* one spelling; empty: not known yet */
	struct str password;		/* empty: hidden by the mechanism */
	int64_t now_ms;
};

enum guard_why {
	GUARD_GO, GUARD_ADDRESS, GUARD_NETWORK, GUARD_USER, GUARD_SPRAY,
};

struct guard *guard_new(const struct limits *lim, size_t room);
void guard_free(struct guard *g);

/* May it be tried?  Without a user: is there any hope for that address? */
enum guard_why guard_ask(struct guard *g, const struct guard_try *t);
/* It was wrong: how long the answer should wait. */
int64_t guard_failed(struct guard *g, const struct guard_try *t);
void guard_good(struct guard *g, const struct guard_try *t);
size_t guard_count(const struct guard *g);

#endif
