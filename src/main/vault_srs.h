/* SPDX-License-Identifier: ISC */
/*
 * vault_srs: the secrets of rewritten and tagged senders, and what vault answers about them.
 *
 * One secret of each kind is derived from each key of the login tokens, so they are stored,
 * renewed and overlap as those do: the newest mints, all verify, and the oldest lives longer than
 * an address.
 * Only queue may mint; smtpd hears yes or no.
 */
#ifndef MAIN_VAULT_SRS_H
#define MAIN_VAULT_SRS_H

#include "ipc/ipc.h"
#include "sasl/token.h"

struct vault_srs {
	unsigned char secret[TOKEN_KEYS_MAX][TOKEN_KEY], tag[TOKEN_KEYS_MAX][TOKEN_KEY];
	unsigned number[TOKEN_KEYS_MAX];
	size_t n;
};

void vault_srs_open(struct vault_srs *v, struct str token_keys);
/* False: not its message. */
bool vault_srs_msg(const struct vault_srs *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m);

#endif
