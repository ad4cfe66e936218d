/* SPDX-License-Identifier: ISC */
/*
 * checked: who wrote the message that is arriving, asked of it and of DNS.
 *
 * 1. The checks of trust/checks.h run along: SPF at MAIL, the header when it is complete, the body
 *    while it comes, the rest at the end of data; what they find becomes facts.  Only of clients
 *    whom nothing entitles (policy_judges); of the others only forged fields are taken out.
 * 2. What is looked at is the message as it came; what is stored has no result in our name but our
 *    own, and no field of ours that the client wrote.
 * Begins with MAIL, belongs to the transaction; checked_done is its end, harmless without.
 */
#ifndef SMTPD_CHECKED_H
#define SMTPD_CHECKED_H

#include "smtpd/session.h"

/* s->f.sender is being judged.  suspends */
void checked_mail(struct session *s);
/* The header section is complete. */
void checked_head(struct session *s);
void checked_body(struct session *s, struct str bytes);
/* The content is.  suspends */
void checked_end(struct session *s);
/* The message is taken by that verdict: what the record says of it. */
void checked_found(struct session *s, const struct verdict *v);
/* Our fields for it, to stand above Received; may be empty.  False: no memory. */
bool checked_fields(struct session *s, struct str *out);
/* What was found, as fields of the log line that is open. */
void checked_log(const struct session *s);
void checked_done(struct session *s);

#endif
