/* SPDX-License-Identifier: ISC */
/*
 * filters: the milters and policy services that are asked about a session's mail, in order.
 *
 * 1. They are asked only after our own rules said yes, and what they answer can make that worse and
 *    never better: recipients and senders they name pass the rules that a client's do.
 * 2. A filter that cannot be asked, is too slow or talks nonsense gets its configured failure, and
 *    nothing it said of that message before counts.
 * 3. What they change of the header section they change in section.h's copy; the draft has the
 *    body alone.
 * 4. A filter's conversation begins with the session's first MAIL and ends with the session.
 *
 * Made at the first MAIL, belongs to the session.  Sessions that nobody watches own nothing.
 */
#ifndef SMTPD_FILTERS_H
#define SMTPD_FILTERS_H

#include "smtpd/session.h"

/* After the stage's own verdict.  ACT_ACCEPT: go on.  All suspend. */
struct verdict filters_mail(struct session *s);
struct verdict filters_rcpt(struct session *s, const struct rcpt_args *r);
struct verdict filters_data(struct session *s);
struct verdict filters_end(struct session *s);

/* Is this transaction's message watched?  Then its body goes through filters_body. */
bool filters_watch(const struct session *s);
/* Body as it will be stored, behind a complete section; calls content_write.  suspends */
void filters_body(struct session *s, struct str bytes);
/* After filters_end: is the message to be dropped, or to be kept back? */
struct marks filters_marks(const struct session *s);

/* The transaction's end, the session's end.  May suspend */
void filters_reset(struct session *s);
void filters_close(struct session *s);

#endif
