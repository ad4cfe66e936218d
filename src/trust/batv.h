/* SPDX-License-Identifier: ISC */
/*
 * batv: Bounce Address Tag Validation: our own senders marked, so that a bounce of mail we never
 * sent is known.
 *
 *	prvs=KDDDSSSSSS=user@domain
 *
 * K: last digit of the key's number; DDD: the day it ends, modulo 1000; SSSSSS: 24 bits of an
 * HMAC-SHA-256 over these and the address in lower case.  The form is the one of the draft of that
 * name, which list managers and greylists know.  Pure; compared in constant time.
 */
#ifndef TRUST_BATV_H
#define TRUST_BATV_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { BATV_DAYS = 7, BATV_SECRETS_MAX = 8 };

enum batv { BATV_OK, BATV_UNCHANGED, BATV_ERROR };

struct batv_conf {
	struct str secret[BATV_SECRETS_MAX];	/* the first tags, all verify */
	unsigned number[BATV_SECRETS_MAX];
	size_t nsecret;
	int64_t now_s;
};

/* *why: a constant word with BATV_ERROR: address, tag, time, secret, length, memory.  *out lives in
 * a; the address itself where nothing is to be done: tag leaves the null sender and what is tagged
 * alone, untag what is not. */
enum batv batv_tag(const struct batv_conf *c, struct str address, struct arena *a,
    struct str *out, const char **why);
enum batv batv_untag(const struct batv_conf *c, struct str address, struct arena *a,
    struct str *out, const char **why);
/* Tagged, by anybody. */
bool batv_looks_like(struct str local);
/* Without its tag, whatever that says; the arena's. */
struct str batv_strip(struct str address, struct arena *a);

#endif
