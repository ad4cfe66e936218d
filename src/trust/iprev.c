/* SPDX-License-Identifier: ISC */
/*
 * iprev: see iprev.h.
 */
#include "trust/iprev.h"

enum { NAMES_MAX = 10 };

struct str
iprev_name(struct ip ip, struct arena *a)
{
	static const char hex[] = "0123456789abcdef";
	char room[64];

	if (!ip.v6)
		return str_fmt(a, "%u.%u.%u.%u.in-addr.arpa", ip.b[3], ip.b[2], ip.b[1], ip.b[0]);
	for (size_t i = 0; i < 16; i++) {
		uint8_t b = ip.b[15 - i];

		room[4 * i] = hex[b & 15];
		room[4 * i + 1] = '.';
		room[4 * i + 2] = hex[b >> 4];
		room[4 * i + 3] = '.';
	}
	return str_cat(a, str_from(room, 64), STR("ip6.arpa"));
}

void
iprev_check(struct ip ip, struct trust_dns *dns, struct arena *a, struct iprev *out)
{
	struct str name = iprev_name(ip, a);
	struct dns_answer ptr, back;
	bool temp = false;

	*out = (struct iprev){ .result = AUTH_TEMPERROR };
	switch (name.n > 0 ? trust_ask(dns, name, DNS_PTR, a, &ptr) : DNS_TEMP) {
	case DNS_OK:
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		out->result = AUTH_PERMERROR;		/* RFC 8601 2.7.3 */
		return;
	case DNS_TEMP:
	case DNS_BOGUS:
		return;
	}
	for (size_t i = 0; i < ptr.nrr && i < NAMES_MAX; i++) {
		enum dns r = dns_is_hostname(ptr.rr[i].name) ? trust_ask(dns, ptr.rr[i].name,
		    ip.v6 ? DNS_AAAA : DNS_A, a, &back) : DNS_NODATA;

		temp |= r == DNS_TEMP;
		for (size_t k = 0; r == DNS_OK && k < back.nrr; k++) {
			if (ip_eq(back.rr[k].ip, ip)) {
				out->result = AUTH_PASS;
				out->name = ptr.rr[i].name;
				return;
			}
		}
	}
	out->result = temp ? AUTH_TEMPERROR : AUTH_FAIL;
}
