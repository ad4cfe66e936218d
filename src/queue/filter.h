/* SPDX-License-Identifier: ISC */
/*
 * filter: which messages and recipients an administrator's question is about.
 *
 * All conditions must hold.  Those on recipients (recipient, domain, reason) choose recipients; a
 * message is chosen when one of its recipients is.  Addresses match without regard to case; a
 * leading '@' or a bare domain matches the domain.
 */
#ifndef QUEUE_FILTER_H
#define QUEUE_FILTER_H

#include "queue/queue.h"

struct filter {
	struct str sender, recipient, domain, reason;
	int64_t older_ms, younger_ms;	/* 0: not asked */
	uint64_t *id;			/* sorted */
	size_t nid;
	bool by_id;
	bool undelivered;		/* only what failed without a notice */
};

/* Conditions that need no record: id, age. */
bool filter_cheap(const struct queue *q, const struct filter *f, const struct entry *e);
/* Does the record have to be read to answer the rest? */
bool filter_needs_record(const struct filter *f);
bool filter_message(const struct filter *f, const struct spool_msg *m);
bool filter_rcpt(const struct queue *q, const struct filter *f, const struct unit *u,
    struct str addr);
/* Are single recipients chosen, not whole messages? */
bool filter_by_rcpt(const struct filter *f);

#endif
