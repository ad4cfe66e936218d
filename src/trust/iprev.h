/* SPDX-License-Identifier: ISC */
/*
 * iprev: does the client's address have a name that leads back to it?  RFC 8601 3.
 */
#ifndef TRUST_IPREV_H
#define TRUST_IPREV_H

#include "base/ip.h"
#include "trust/ask.h"
#include "trust/result.h"

struct iprev {
	enum auth_result result;	/* pass, fail, temperror, permerror */
	struct str name;		/* the verified one; empty: none */
};

/* "1.2.0.192.in-addr.arpa", in the arena; empty: no memory. */
struct str iprev_name(struct ip ip, struct arena *a);
/* At most ten names are followed.  suspends */
void iprev_check(struct ip ip, struct trust_dns *dns, struct arena *a, struct iprev *out);

#endif
