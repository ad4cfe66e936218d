/* SPDX-License-Identifier: ISC */
/*
 * sign: signatures for mail that queue writes itself (notices, wrapped forwards), by vault's keys.
 *
 * Vault signs for queue what is from postmaster of the host or of the main domain, and nothing
 * else.
 */
#ifndef QUEUE_SIGN_H
#define QUEUE_SIGN_H

#include "conf/config.h"
#include "queue/vault.h"

struct own_mail {
	struct str header;		/* with its empty line */
	struct str body_hash;		/* relaxed, SHA-256 */
};

/* The fields, to stand above it; empty: no key, or nobody signs now.  suspends */
struct str queue_sign(struct queue_vault *v, const struct config *cfg, const struct own_mail *m,
    struct arena *a);

#endif
