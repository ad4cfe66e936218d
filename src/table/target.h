/* SPDX-License-Identifier: ISC */
/*
 * target: what may stand on the right of an alias, as one typed list.
 *
 *	alice   bob@example.org   \alice   "|program words"   /file   :include:/path   error:...
 *
 * Only tables of the administrator are read by this; an address of an SMTP session never is.
 * Packed form (in images): for each target its kind, a 32-bit length, its text.
 */
#ifndef TABLE_TARGET_H
#define TABLE_TARGET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/str.h"

enum target_kind {
	TARGET_ADDRESS,			/* user, or user@domain: looked up again */
	TARGET_EXACT,			/* \user: the user itself, no further alias */
	TARGET_PROGRAM,			/* text without the bar */
	TARGET_FILE,
	TARGET_INCLUDE,			/* path of a list of addresses */
	TARGET_ERROR,			/* "550 gone" */
};

struct target { enum target_kind kind; struct str text; };

/* Reads a whole list (blanks may be line ends) and appends its packed form to out.  Nothing is
 * appended when false: err says where and what. */
bool targets_parse(struct str list, struct buf *out, struct perr *err);

/* Takes the first target off a packed list; false at its end or where it is damaged. */
bool targets_next(struct str *packed, struct target *out);

/* "5.7.1:550 text", "nouser 550 text", "\"550 text\"" -> "550 5.7.1 text" and so on. */
void target_error_text(struct str s, struct buf *out);

#endif
