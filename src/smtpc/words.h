/* SPDX-License-Identifier: ISC */
/*
 * words: what is said in MAIL and RCPT to one server, and whether a message can be said to it at
 * all: its size, its character set, its body type, its demands on TLS.
 *
 * Nothing that came from outside goes into a command without a check for octets that would end it.
 */
#ifndef SMTPC_WORDS_H
#define SMTPC_WORDS_H

#include "smtpc/body.h"
#include "smtpc/client.h"

/* False: *why, for all recipients.  Texts live in a. */
bool words_fit(const struct job *j, const struct body *b, const struct client *k, struct arena *a,
    struct trouble *why);
bool words_rcpt_fits(const struct job_rcpt *r, const struct client *k, struct trouble *why);

void words_mail(struct buf *out, const struct job *j, const struct body *b, const struct client *k);
void words_rcpt(struct buf *out, const struct job_rcpt *r, const struct client *k);

#endif
