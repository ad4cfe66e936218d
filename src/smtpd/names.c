/* SPDX-License-Identifier: ISC */
/*
 * names: see names.h.
 */
#include "smtpd/names.h"

#include <string.h>

#include "base/num.h"
#include "mail/path.h"
#include "rt/clock.h"

enum { NAME_MS = 5'000, DOMAIN_MS = 10'000, PTRS_MAX = 5 };

static struct str
reverse_name(struct ip ip, struct arena *a)
{
	static const char hex[] = "0123456789abcdef";
	char text[80], *p = text;

	if (!ip.v6) {
		for (int i = 3; i >= 0; i--) {
			p += num_format_u64(ip.b[i], p);
			*p++ = '.';
		}
		return str_cat(a, str_from(text, (size_t)(p - text)), STR("in-addr.arpa"));
	}
	for (int i = 15; i >= 0; i--) {				/* RFC 3596 2.5 */
		*p++ = hex[ip.b[i] & 15];
		*p++ = '.';
		*p++ = hex[ip.b[i] >> 4];
		*p++ = '.';
	}
	return str_cat(a, str_from(text, (size_t)(p - text)), STR("ip6.arpa"));
}

static bool
trouble(enum dns res)
{
	return res == DNS_TEMP || res == DNS_BOGUS;
}

struct str
client_name(const struct dns_ops *dns, struct ip ip, struct arena *a, char *room, bool *later)
{
	int64_t deadline = now_ms() + NAME_MS;
	struct dns_answer ptr = {}, addr = {};
	enum dns res;

	*later = false;
	if (dns == NULL)
		return (struct str){};
	res = dns_ask(dns, reverse_name(ip, a), DNS_PTR, deadline, a, &ptr);
	*later = trouble(res);
	for (size_t i = 0; res == DNS_OK && i < ptr.nrr && i < PTRS_MAX; i++) {
		struct str name = ptr.rr[i].name;
		enum dns got;

		if (!domain_valid(name, false) || name.n > CLIENT_NAME_MAX)
			continue;
		got = dns_ask(dns, name, ip.v6 ? DNS_AAAA : DNS_A, deadline, a, &addr);
		*later |= trouble(got);
		for (size_t k = 0; got == DNS_OK && k < addr.nrr; k++) {
			if (!ip_eq(addr.rr[k].ip, ip))
				continue;
			for (size_t c = 0; c < name.n; c++)
				room[c] = ascii_lower(name.p[c]);
			*later = false;
			return str_from(room, name.n);
		}
	}
	return (struct str){};
}

enum dns_fact
sender_domain(const struct dns_ops *dns, struct str domain, struct arena *a)
{
	int64_t deadline = now_ms() + DOMAIN_MS;
	struct dns_answer answer = {};
	struct str ascii = domain;
	enum dns res;
	bool later = false;

	if (dns == NULL || domain.n == 0)
		return DNSF_NONE;
	if (!domain_to_ascii(domain, a, &ascii))
		ascii = domain;
	res = dns_ask(dns, ascii, DNS_MX, deadline, a, &answer);
	if (res == DNS_OK && answer.nrr == 1 && answer.rr[0].mx.host.n == 0)
		return DNSF_NULL_MX;				/* RFC 7505 3 */
	if (res == DNS_OK && answer.nrr > 0)
		return DNSF_OK;
	if (res == DNS_NXDOMAIN)
		return DNSF_NXDOMAIN;
	later = trouble(res);
	for (int v6 = 0; v6 < 2; v6++) {			/* implicit MX, RFC 5321 5.1 */
		res = dns_ask(dns, ascii, v6 ? DNS_AAAA : DNS_A, deadline, a, &answer);
		if (res == DNS_OK && answer.nrr > 0)
			return DNSF_OK;
		later |= trouble(res);
	}
	return later ? DNSF_TEMP : DNSF_NXDOMAIN;
}
