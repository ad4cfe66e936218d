/* SPDX-License-Identifier: ISC */
/*
 * authors: the addresses that a message itself names as its writers, as facts for policy.
 *
 * Asked only where somebody's right to write so is to be checked.  Slices live in the arena.
 */
#ifndef SMTPD_AUTHORS_H
#define SMTPD_AUTHORS_H

#include "base/arena.h"
#include "policy/facts.h"

/* From the header section as it was sent into f (author, nauthor, is_report).  False: no memory. */
bool authors_read(struct str header, struct arena *a, struct facts *f);

#endif
