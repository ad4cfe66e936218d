/* SPDX-License-Identifier: ISC */
/*
 * qualify: addresses without a domain in MAIL and RCPT arguments.
 *
 * For the local socket they are given one; from the network they are only recognised, so that
 * policy can refuse them with their own words.  Pure.
 */
#ifndef SMTPD_QUALIFY_H
#define SMTPD_QUALIFY_H

#include "mail/smtp.h"

/* "FROM:<bob> X" with a domain behind bob; the same text when there was one, or no address. */
struct str qualify(struct arena *a, struct str args, struct str domain);

/* Is it FROM:<local> with a well-formed local part and no domain?  Then *out has it. */
bool unqualified(struct str args, const struct smtp_rules *rules, struct path *out);

#endif
