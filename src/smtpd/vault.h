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

#endif
