/* SPDX-License-Identifier: ISC */
/*
 * ask: see ask.h.
 */
#include "trust/ask.h"

enum dns
trust_ask(struct trust_dns *d, struct str name, uint16_t type, struct arena *a,
    struct dns_answer *out)
{
	*out = (struct dns_answer){ .res = DNS_TEMP };
	if (d->ops == NULL)
		return DNS_TEMP;
	if (d->queries >= d->queries_max) {
		d->spent = true;
		return DNS_TEMP;
	}
	d->queries++;
	if (dns_ask(d->ops, name, type, d->deadline, a, out) == DNS_BOGUS)
		out->res = DNS_TEMP;
	return out->res;
}
