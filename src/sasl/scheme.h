/* SPDX-License-Identifier: ISC */
/*
 * scheme: is it that password?  The schemes of Dovecot's passwd-files, and what they can serve.
 *
 * A stored password is "{SCHEME}hash"; without a scheme it is crypt(3)'s.  Unknown and broken
 * entries are CRED_IMPOSSIBLE, never right.  Blocking and costly by intention: workers and children
 * of lookup call it, no loop does.
 */
#ifndef SASL_SCHEME_H
#define SASL_SCHEME_H

#include "sasl/sasl.h"

/* user: for schemes that hash it too (DIGEST-MD5). */
enum cred scheme_check(struct str scheme, struct str hash, struct str user, struct str password);
/* Splits "{SCHEME}hash"; without braces the scheme is CRYPT. */
void scheme_split(struct str stored, struct str *scheme, struct str *hash);
/* May it take much memory?  Then only a child of lookup does it. */
bool scheme_is_heavy(struct str scheme);
/* What is needed for that mechanism, from a stored entry.  CRED_IMPOSSIBLE: it cannot be had.
 * *derive: v->password must become keys first (scram_derive), which costs milliseconds. */
enum cred scheme_verifier(struct str scheme, struct str hash, enum auth_mech need,
    struct arena *a, struct verifier *v, bool *derive);
/* Mechanisms that an entry of this scheme can serve, as a set of MECH_BIT. */
unsigned scheme_serves(struct str scheme);

#endif
