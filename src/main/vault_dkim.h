/* SPDX-License-Identifier: ISC */
/*
 * vault_dkim: DKIM keys as vault holds them: what it signs, and for whom.
 *
 * 1. A private key never leaves; workers get public halves and signatures.
 * 2. What is signed is a canonical header block: its From must be the one mailbox that the worker
 *    claims, in the domain of the key or below it, and its last line the unsigned DKIM-Signature of
 *    that domain and selector.
 * 3. The author is covered by a login token that vault minted (and the login's own binding), or by
 *    a grant that stands in the configuration and has no login (network, hostname, certificate,
 *    local socket, POP); queue writes as postmaster alone.  A lying worker gains nothing else: not
 *    without a token where all who write log in, not another canonicalization, no part of a body,
 *    and nothing that lasts.
 */
#ifndef MAIN_VAULT_DKIM_H
#define MAIN_VAULT_DKIM_H

#include "conf/config.h"
#include "ipc/ipc.h"
#include "sasl/token.h"

struct vault_dkim;

struct vault_dkim *vault_dkim_new(const struct config *cfg, struct str token_keys);
void vault_dkim_free(struct vault_dkim *v);
/* The text of a PEM file that the configuration names.  False: no key, or not of a kind we have. */
bool vault_dkim_add(struct vault_dkim *v, struct str path, struct str pem);
/* New tables from lookup; takes fd. */
void vault_dkim_tables(struct vault_dkim *v, int fd, uint64_t generation);
/* NULL, or why that is not signed for that role. */
const char *vault_dkim_forbids(const struct vault_dkim *v, enum role_kind who,
    const struct msg_dkim_sign *m, struct arena *a);
/* False: not its message. */
bool vault_dkim_msg(struct vault_dkim *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m);

#endif
