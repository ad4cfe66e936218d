/* SPDX-License-Identifier: ISC */
/*
 * vault: what queue asks of vault: senders of forwarded mail, there and back.
 *
 * A vault that is being restarted is waited for a short while, then the answer is "later".  One
 * owner: the queue role.
 */
#ifndef QUEUE_VAULT_H
#define QUEUE_VAULT_H

#include "ipc/ipc.h"
#include "route/maker.h"

struct queue_vault;

struct queue_vault *queue_vault_new(void);
/* A (new) channel to vault; takes fd. */
void queue_vault_peer(struct queue_vault *v, int fd, const char *name);
/* For other questions.  suspends until there is one; NULL: not until the deadline. */
struct ipc *queue_vault_channel(struct queue_vault *v, int64_t deadline);

enum qv { QV_YES, QV_NO, QV_LATER };

/* The sender that leads back to `sender`, at `domain` of ours; itself where there is nothing to
 * rewrite.  NO: *why, a word of trust/srs.h.  suspends */
struct srs_ask { struct str sender, domain; int64_t at_ms; };
enum qv queue_vault_mint(struct queue_vault *v, const struct srs_ask *ask, struct arena *a,
    struct str *out, struct str *why);
/* The sender with a tag of ours; ask->domain is not used.  suspends */
enum qv queue_vault_tag(struct queue_vault *v, const struct srs_ask *ask, struct arena *a,
    struct str *out);
/* at_ms: when the bounce was received.  suspends */
enum qv queue_vault_judge(struct queue_vault *v, struct str address, int64_t at_ms,
    struct arena *a, struct srs_verified *out);

#endif
