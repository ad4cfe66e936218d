/* SPDX-License-Identifier: ISC */
/*
 * vault_side: AUTH as vault serves it to smtpd: exchanges, the guard, the self-test, tokens.
 *
 * 1. An exchange belongs to the channel that began it, and ends with it or after minutes of
 * silence.
 * 2. Until a domain's store has been seen to refuse a wrong password, nobody of it is let in; one
 *    that took it closes AUTH for good, with an alarm (requirement: any password was accepted).
 * 3. Success is said together with a token, or not at all.
 *
 * One owner: the vault role.
 */
#ifndef SASL_VAULT_SIDE_H
#define SASL_VAULT_SIDE_H

#include "ipc/ipc.h"
#include "sasl/sasl.h"

struct auth_vault;

/* token_keys: text of their file; jwks: empty where there is no OAuth. */
struct auth_vault *auth_vault_new(const struct config *cfg, struct str token_keys,
    struct str jwks);
/* suspends */
void auth_vault_free(struct auth_vault *v);
/* Who takes the tables that lookup sends; on_image takes fd. */
void auth_vault_images(struct auth_vault *v, void (*on_image)(void *ctx, int fd,
    uint64_t generation), void *ctx);
/* A channel to lookup; takes the descriptor. */
void auth_vault_lookup(struct auth_vault *v, int fd, const char *name);
/* False: not its message. */
bool auth_vault_msg(struct auth_vault *v, struct ipc *ch, enum msg_type type, uint64_t call,
    const union msg *m);
/* A channel of a worker ended. */
void auth_vault_gone(struct auth_vault *v, struct ipc *ch);

#endif
