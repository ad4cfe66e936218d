/* SPDX-License-Identifier: ISC */
/*
 * nursery: lookup's children, where checks run that block, load modules or take much memory: PAM,
 * LDAP, SQL, the Dovecot socket, Argon2, Kerberos.
 *
 * 1. Made before lookup's sandbox, each in a narrower cage of its own: none can start a program.
 * 2. A child does one thing at a time and has a time limit; one that dies or hangs is replaced,
 *    and its question is answered "unavailable".
 * 3. What a child says is data: an enum and bounded texts.
 *
 * All questions suspend; one owner, the lookup role.
 */
#ifndef SASL_NURSERY_H
#define SASL_NURSERY_H

#include "ipc/ipc.h"
#include "sasl/sasl.h"

struct nursery;

/* Before the sandbox, on the loop's stack.  Without AUTH anywhere there are no children. */
struct nursery *nursery_new(const struct config *cfg);
void nursery_free(struct nursery *n);

enum cred nursery_hash(struct nursery *n, struct str scheme, struct str hash, struct str password);
enum cred nursery_check(struct nursery *n, const struct domain *d, struct str local,
    struct str password, const struct ip *peer);
/* What is stored of the password: "{SCHEME}hash". */
enum cred nursery_find(struct nursery *n, const struct domain *d, struct str local,
    struct arena *a, struct str *stored);
/* One step of GSSAPI; an exchange stays with its child. */
void nursery_krb(struct nursery *n, uint64_t exchange, bool first, struct str in,
    struct arena *a, struct msg_krb_answer *out);
void nursery_krb_end(struct nursery *n, uint64_t exchange);

#endif
