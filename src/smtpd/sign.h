/* SPDX-License-Identifier: ISC */
/*
 * sign: signatures for mail that somebody of ours hands in, made while it arrives.
 *
 * 1. Only a message whose one author is in (or below) a domain of ours with active keys, from a
 *    client whom a login or a grant entitles: decide_end has seen to it that the author is his to
 *    use, and vault looks at that again.
 * 2. The body is hashed while it passes; the private keys are vault's.
 * Also makes submitted mail whole (RFC 6409 8): Date and Message-ID where they lack, no Bcc.
 * Begins with the header section, belongs to the transaction; harmless where there is nothing to
 * sign.
 */
#ifndef SMTPD_SIGN_H
#define SMTPD_SIGN_H

#include "smtpd/session.h"

/* The header section is complete.  suspends where public halves were not fetched yet */
void sign_head(struct session *s);
void sign_body(struct session *s, struct str bytes);
/* A filter made another body. */
void sign_replaced(struct session *s);
/* Fields to stand above Received: may be empty; p NULL: vault cannot sign now.  suspends */
struct str sign_fields(struct session *s);
void sign_done(struct session *s);

/* What a submitted message lacks, into its header section. */
void sign_complete(struct session *s, struct str id);

#endif
