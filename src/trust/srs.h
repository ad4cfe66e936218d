/* SPDX-License-Identifier: ISC */
/*
 * srs: the Sender Rewriting Scheme: envelope senders of forwarded mail, and the way back.
 *
 * Two layouts are read: the known SRS0=HHHH=TT=host=user (HMAC-SHA1, 4 base64 characters), which
 * the diagnosis verb writes too, and the strong one that the server mints (HMAC-SHA-256, 16
 * base32 characters = 80 bits, safe against case changes).  Compared in constant time.  Pure.
 */
#ifndef TRUST_SRS_H
#define TRUST_SRS_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { SRS_DAYS = 21, SRS_SECRETS_MAX = 8 };

enum srs { SRS_OK, SRS_UNCHANGED, SRS_ERROR };

struct srs_conf {
	struct str domain;		/* ours: what stands behind @ */
	struct str secret[SRS_SECRETS_MAX];	/* the first mints, all verify */
	size_t nsecret;
	bool classic;			/* write and read the known layout; else only the strong */
	int64_t now_s;
};

/* *why: one constant word with SRS_ERROR: address, format, hash, time, domain, length, secret,
 * memory.  *out lives in a; the address itself when unchanged: forward leaves the null sender and
 * our own domain alone, reverse what bears no tag. */
enum srs srs_forward(const struct srs_conf *c, struct str address, struct arena *a,
    struct str *out, const char **why);
enum srs srs_reverse(const struct srs_conf *c, struct str address, struct arena *a,
    struct str *out, const char **why);
/* SRS0 or SRS1 in any case and a separator: an address that srs_reverse must judge. */
bool srs_looks_like(struct str local);

#endif
