/* SPDX-License-Identifier: ISC */
/*
 * forwards: one line of the file of user-made forwards, which `postern forward` writes.
 *
 *	USER TARGET confirmed [only]
 *	USER TARGET waiting HASH EXPIRES [only]
 *
 * USER is a mailbox of the domain, TARGET a whole address and nothing else: no program, no file, no
 * list.  HASH is SHA-256 of the token that was mailed to TARGET, in hexadecimal; EXPIRES is Unix
 * time.  `only`: no copy stays here.  Slices point into the line.
 */
#ifndef TABLE_FORWARDS_H
#define TABLE_FORWARDS_H

#include "base/cur.h"

#include <stdint.h>

enum { FORWARDS_PER_USER = 10, FORWARD_HASH = 64 };

struct forward_line {
	struct str user, target;
	bool confirmed, only;
	struct str hash;		/* waiting */
	int64_t expires_s;		/* ... */
};

bool forward_line_parse(struct str line, struct forward_line *out, struct perr *err);
/* May this stand as a target: one address with a domain? */
bool forward_target_good(struct str target);

#endif
