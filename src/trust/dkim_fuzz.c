/* SPDX-License-Identifier: ISC */
/*
 * dkim_fuzz: any bytes as a message with DKIM signatures and ARC sets, and as the key that DNS has
 * for all of them.  Nothing of it may pass but by a signature of that key, the questions are
 * bounded, and the names asked for are names.
 *
 * The key's record is the first line; the message is the rest.
 */
#include <stdlib.h>

#include "trust/arc.h"
#include "trust/authres.h"
#include "trust/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct str record;

static enum dns
ask(void *ctx, struct str name, uint16_t type, int64_t deadline, struct arena *a,
    struct dns_answer *out)
{
	struct dns_rr *rr = arena_zalloc(a, sizeof *rr);

	(void)ctx;
	(void)deadline;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_isalnum(name.p[i]) && !strchr("-_.", name.p[i]))
			abort();
	if (name.n > 253 || type != DNS_TXT || !rr)
		abort();
	*rr = (struct dns_rr){ .type = DNS_TXT, .txt = record };
	*out = (struct dns_answer){ .res = DNS_OK, .rr = rr, .nrr = 1 };
	return DNS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct dns_ops ops = { .ask = ask };
	struct trust_dns dns = { .ops = &ops, .queries_max = 60 };
	struct dkim_rules rules = { .now_s = 1'770'000'000 };
	struct str text = str_from(p, n);
	struct body_hashes b = {};
	struct header h;
	struct arena a;
	struct dkim d = {};
	struct arc c;

	arena_init(&a, 64 << 20);
	record = str_split(&text, '\n');
	if (header_parse(text, &a, 1000, &h) && dkim_begin(&d, &h, &b, &a) &&
	    arc_begin(&c, &h, &b, &a)) {
		body_hash_feed(&b, str_skip(text, h.body_at));
		body_hash_end(&b);
		dkim_end(&d, &b, &rules, &dns, &a);
		arc_end(&c, &b, 0, &dns, &a);
		if (dns.queries > 60 || d.n > DKIM_SIGNATURES_MAX || c.n > ARC_INSTANCES_MAX)
			abort();
		for (size_t i = 0; i < h.n; i++)
			(void)authres_forged(&h.field[i], STR("mx.example"), &a);
	}
	body_hashes_done(&b);
	arena_done(&a);
	return 0;
}
