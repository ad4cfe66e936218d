/* SPDX-License-Identifier: ISC */
/*
 * vault_dkim: DKIM keys as vault holds them: what it signs, and for whom.
 *
 * 1. A private key never leaves; workers get public halves and signatures.
 * 2. What is signed is a canonical header block: its From must be the one mailbox that the worker
 *    claims, in the domain of the key or below it, and its last line the unsigned DKIM-Signature of
 *    that domain and selector.
 * 3. The author is covered by a login token that vault minted (and the login's own binding), by
 *    the binding of the user whose socket a worker shows, or by a grant that stands in the
 *    configuration and has no login (network, hostname, certificate, POP); queue writes as
 *    postmaster alone.  A lying worker gains nothing else: not another canonicalization, no part of
 *    a body, and nothing that lasts.
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
/* Who asks: the role, and for its local clients whose socket it showed. */
struct vault_asker {
	enum role_kind role;
	bool local;
	uint32_t uid;
	struct str uid_name;
};
/* NULL, or why that is not signed for them. */
const char *vault_dkim_forbids(const struct vault_dkim *v, const struct vault_asker *who,
    const struct msg_dkim_sign *m, struct arena *a);
/* What a user of this host is called.  suspends */
void vault_dkim_names(struct vault_dkim *v,
    struct str (*name)(void *ctx, uint32_t uid, struct arena *a), void *ctx);
/* dkim_local came on that channel, with the caller's fd. */
void vault_dkim_local(struct vault_dkim *v, struct ipc *ch, int fd);
/* False: not its message.  suspends */
bool vault_dkim_msg(struct vault_dkim *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m);

#endif
