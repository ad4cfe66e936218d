/* SPDX-License-Identifier: ISC */
/*
 * spf_fuzz: any bytes as the record of every name: whatever it says, the questions stay within the
 * budget, and an explanation is one line of printable ASCII.
 *
 * First octet: the client's family; the rest: records, one a line; name n gets line n.
 */
#include <stdlib.h>

#include "trust/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct str lines;
static unsigned asked;

static enum dns
ask(void *ctx, struct str name, uint16_t type, int64_t deadline, struct arena *a,
    struct dns_answer *out)
{
	struct str rest = lines, line = {};
	struct dns_rr *rr;

	(void)ctx;
	(void)deadline;
	asked++;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '\n')
			abort();
	for (unsigned i = 0; i < asked && rest.n > 0; i++)
		line = str_split(&rest, '\n');
	rr = arena_zalloc(a, sizeof *rr);
	if (!rr)
		return DNS_TEMP;
	*out = (struct dns_answer){ .res = DNS_OK, .rr = rr, .nrr = 1 };
	rr->type = type;
	if (type == DNS_TXT)
		rr->txt = line;
	else if (type == DNS_MX)
		rr->mx.host = STR("mx.example");
	else if (type == DNS_PTR)
		rr->name = STR("ptr.example");
	else
		(void)ip_parse(type == DNS_AAAA ? STR("2001:db8::1") : STR("192.0.2.1"), &rr->ip);
	return DNS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct dns_ops ops = { .ask = ask };
	struct trust_dns dns = { .ops = &ops, .queries_max = 60 };
	struct arena a;
	struct spf_query q = { .helo = STR("helo.example"), .local = STR("us er"),
		.domain = STR("from.example"), .want_explanation = true, .dns = &dns, .a = &a };
	struct spf_result r;

	if (n < 1)
		return 0;
	arena_init(&a, 32 << 20);
	(void)ip_parse(p[0] & 1 ? STR("2001:db8::99") : STR("192.0.2.99"), &q.ip);
	lines = str_from(p + 1, n - 1);
	asked = 0;
	spf_check(&q, &r);
	if (dns.queries > 60 || asked != dns.queries)
		abort();
	for (size_t i = 0; i < r.explanation.n; i++)
		if (r.explanation.p[i] < 0x20 || r.explanation.p[i] > 0x7e)
			abort();
	arena_done(&a);
	return 0;
}
