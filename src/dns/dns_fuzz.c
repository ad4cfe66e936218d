/* SPDX-License-Identifier: ISC */
/*
 * dns_fuzz: any bytes as a response packet, as a packed answer, as a zone text.
 *
 * First octet: which of the three; then a type.  What is decoded must pack and unpack to the same.
 */
#include <assert.h>
#include <stdint.h>

#include "base/num.h"
#include "dns/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint16_t types[] = { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR, DNS_CNAME, DNS_TLSA,
    DNS_NS };

static void
again(const struct dns_answer *ans, struct arena *a)
{
	struct dns_answer back;
	struct buf b;

	buf_init(&b, 1 << 20);
	if (dns_pack(ans, &b)) {
		assert(dns_unpack(buf_str(&b), a, &back));
		assert(back.nrr == ans->nrr && back.res == ans->res && back.ttl == ans->ttl);
		for (size_t i = 0; i < ans->nrr; i++)
			assert(back.rr[i].type == ans->rr[i].type);
		(void)dns_is_hostname(back.cname_final);
	}
	buf_done(&b);
}

static void
zone_text(struct str text, uint16_t type, struct arena *a)
{
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(text, &err);
	struct dns_answer ans;

	if (!z)
		return;
	(void)dns_ask(dns_zone_ops(z), STR("a.example"), type, 0, a, &ans);
	(void)dns_ask(dns_zone_ops(z), STR("x.w.example"), type, 0, a, &ans);
	dns_zone_free(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dns_answer ans;
	struct arena a;

	if (n < 2)
		return 0;
	uint16_t type = types[p[1] % COUNT(types)];
	struct str rest = str_from(p + 2, n - 2);

	arena_init(&a, 8 << 20);
	if (p[0] % 3 == 0 && dns_packet_parse(rest, type, &a, &ans))
		again(&ans, &a);
	else if (p[0] % 3 == 1 && dns_unpack(rest, &a, &ans))
		again(&ans, &a);
	else if (p[0] % 3 == 2)
		zone_text(rest, type, &a);
	arena_done(&a);
	return 0;
}
