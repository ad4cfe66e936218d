/* SPDX-License-Identifier: ISC */
/*
 * password: new passwords and what a users file keeps of them.
 *
 * The verifier is SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677) in Dovecot's spelling: from it both
 * a SCRAM exchange and a plain password can be checked, and the password cannot be read back.
 */
#ifndef MAIN_PASSWORD_H
#define MAIN_PASSWORD_H

#include "base/buf.h"

enum { PASSWORD_TEXT = 20 };		/* with its NUL; about 77 bits */

/* Four groups of four characters that are not mistaken for each other.  False: no randomness. */
bool password_new(char out[PASSWORD_TEXT]);

/* Appends "{SCRAM-SHA-256}4096,salt,stored,server". */
bool password_verifier(struct str password, struct buf *out);

#endif
