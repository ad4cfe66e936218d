/* SPDX-License-Identifier: ISC */
/*
 * content: the transaction and its message, from MAIL to the commit.
 *
 * One transaction a session at most; tx_reset is its one end.  What is stored is what is delivered:
 * canonical lines behind our trace fields.  Included by session.h.
 */
#ifndef SMTPD_CONTENT_H
#define SMTPD_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "mail/reply.h"
#include "mail/smtp.h"
#include "spool/record.h"

struct marks;
struct session;

/* tx.c: m's slices are copied.  False: no memory. */
bool tx_begin(struct session *s, const struct mail_args *m);
bool tx_add(struct session *s, const struct rcpt_args *r, uint32_t flags);
/* Remembers what a verdict marked. */
void tx_mark(struct marks *to, const struct marks *from);
/* The one end of a transaction; harmless without one.  May suspend in sd_drop. */
void tx_reset(struct session *s);
/* Address of a bare <user>: the main domain is meant. */
struct str tx_main_domain(const struct session *s);

/* content.c */
/* Begin the draft.  False: tx->store says why.  suspends just after the start */
bool content_begin(struct session *s);
/* Take octets of the message as it will be stored.  suspends */
void content_put(struct session *s, struct str bytes);
/* Drop what was stored, go on counting. */
void content_spoil(struct session *s, unsigned fault);
/* Octets into the draft, after filters; not counted again.  suspends */
void content_write(struct session *s, struct str bytes);
/* The last two octets of what came so far. */
void content_tail(char tail[2], struct str bytes);
/* The draft is another one now, behind so much of a header section. */
void content_replaced(struct session *s, size_t head);
/* Judge and commit; the reply of the message's end (LMTP: of each recipient, when it is the last
 * chunk).  Ends the transaction.  suspends */
struct reply content_end(struct session *s, bool last);
struct reply content_store_reply(enum spool store);

/* accepted.c: one JSON line to the test profile's file */
void accepted_note(struct session *s, struct str prepend);

#endif
