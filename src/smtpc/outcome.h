/* SPDX-License-Identifier: ISC */
/*
 * outcome: what became of a recipient, from a server's reply or from our own trouble.
 *
 * The words of a server go through mail/'s sanitising before they become part of an outcome, which
 * ends in logs and bounces.  Texts live in the arena given.
 */
#ifndef SMTPC_OUTCOME_H
#define SMTPC_OUTCOME_H

#include "mail/reply_read.h"
#include "queue/transport.h"

enum { OUTCOME_TEXT_MAX = 500 };

/* Why something did not work, before it is known which recipients it concerns. */
struct trouble {
	enum out_kind kind;		/* OUT_TEMP or OUT_PERM */
	enum out_class class;
	struct str status;		/* "4.4.2" */
	struct str text;
	struct str mta;			/* empty: ours */
};

#define TROUBLE_TEMP(class_, status_, text_) ((struct trouble){ .kind = OUT_TEMP,		\
	.class = (class_), .status = STR(status_), .text = STR(text_) })
#define TROUBLE_PERM(class_, status_, text_) ((struct trouble){ .kind = OUT_PERM,		\
	.class = (class_), .status = STR(status_), .text = STR(text_) })

/* "550 5.1.1 no such user": printable, at most OUTCOME_TEXT_MAX octets. */
struct str outcome_words(const struct reply_in *r, struct arena *a);

/* The reply's enhanced code if it has one that fits its class, else x.0.0 of the reply's class. */
struct str outcome_status(const struct reply_in *r, struct arena *a);

/* A refusal (4xx or 5xx) as trouble; class CLASS_RCPT becomes CLASS_QUOTA for a full mailbox. */
struct trouble outcome_refused(const struct reply_in *r, enum out_class class, struct str mta,
    struct arena *a);

/* Everything but idx, from trouble. */
struct outcome outcome_of(uint32_t idx, const struct trouble *t);

#endif
