/* SPDX-License-Identifier: ISC */
/*
 * vault_int: what the two files of vault's side share.
 */
#ifndef SASL_VAULT_INT_H
#define SASL_VAULT_INT_H

#include "base/map.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/group.h"
#include "sasl/guard.h"
#include "sasl/token.h"
#include "sasl/vault_side.h"

enum { LOOKUP_MS = 30'000 };

struct auth_vault {
	const struct config *cfg;
	struct sasl_house house;
	struct oauth *oauth;
	struct guard *guard;
	struct token_keys keys;
	struct group *group;
	struct idmap live;		/* struct live by id */
	uint64_t serial, lookup;	/* lookup: channel, 0: none */
	void (*on_image)(void *ctx, int fd, uint64_t generation);	/* NULL: nobody */
	void *image_ctx;
	bool *proven;			/* by number of the domain */
	bool looked;			/* every domain has answered, or we waited long enough */
	bool told;			/* that one has not */
	bool broken;			/* a store takes anything: nobody is let in */
};

struct live {
	struct auth_vault *v;
	uint64_t id, channel, session;
	struct sasl_exchange *x;
	struct ip peer;
	int64_t touched_ms;
	enum guard_why why;
	bool busy, gone, krb;
};

/* NULL: there is none now. */
struct ipc *auth_lookup_channel(const struct auth_vault *v);
/* probe.c: the self-test, for as long as the role lives.  suspends */
void auth_probe_run(void *vault);

#endif
