/* SPDX-License-Identifier: ISC */
/*
 * vault: what a worker asks vault about AUTH, over the channel that TLS keeps.
 *
 * Nothing is kept here; all functions suspend.
 */
#ifndef SMTPD_VAULT_H
#define SMTPD_VAULT_H

#include "sasl/sasl.h"
#include "smtpd/smtpd.h"
#include "tls/remote.h"

/* Asks by way of r, which outlives the worker's sessions. */
struct smtpd_auth vault_auth(struct tls_remote *r);
/* Does AUTH refuse what it must?  Until that is known, and if it does not, users have no door. */
enum auth_state vault_auth_state(struct tls_remote *r);

/* The channel for the question about SRS: TLS's, or one of our own where there is no TLS. */
struct vault_line {
	struct tls_remote *tls;
	uint64_t plain;			/* channel, 0: none */
};

/* A (new) channel to vault where tls is NULL; takes fd. */
void vault_line_peer(struct vault_line *l, int fd, const char *name);
/* suspends until there is one; NULL: not until the deadline. */
struct ipc *vault_line_channel(const struct vault_line *l, int64_t deadline);
/* l outlives the worker's sessions. */
struct smtpd_srs vault_srs(struct vault_line *l);

/* The public halves of DKIM keys, as vault told them. */
struct vault_keys;
/* l outlives it and the worker's sessions. */
struct vault_keys *vault_keys_new(struct vault_line *l);
void vault_keys_free(struct vault_keys *k);
/* Fetches them all; to be done once.  suspends until vault answers or the deadline */
void vault_keys_fetch(struct vault_keys *k, int64_t deadline);
struct smtpd_keys vault_keys_own(struct vault_keys *k);
struct smtpd_sign vault_keys_sign(struct vault_keys *k);

#endif
