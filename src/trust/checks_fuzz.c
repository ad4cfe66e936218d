/* SPDX-License-Identifier: ISC */
/*
 * checks_fuzz: any bytes as a message and as every TXT record: all checks together stay within
 * their budget, and the field they write is one field that names nobody it did not check.
 *
 * The TXT record is the first line; the message is the rest.
 */
#include <stdlib.h>

#include "trust/checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct str record;

static enum dns
ask(void *ctx, struct str name, uint16_t type, int64_t deadline, struct arena *a,
    struct dns_answer *out)
{
	struct dns_rr *rr = arena_zalloc(a, sizeof *rr);

	(void)ctx;
	(void)deadline;
	if (!rr || name.n > 2048)
		return DNS_TEMP;
	rr->type = type;
	*out = (struct dns_answer){ .res = DNS_OK, .rr = rr, .nrr = 1 };
	if (type == DNS_TXT)
		rr->txt = record;
	else if (type == DNS_A || type == DNS_AAAA)
		(void)ip_parse(STR("192.0.2.1"), &rr->ip);
	else if (type == DNS_MX)
		rr->mx.host = STR("mx.example");
	else
		rr->name = STR("mx.example");
	return DNS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct dns_ops ops = { .ask = ask };
	struct trust_dns dns = { .ops = &ops, .queries_max = 60 };
	struct str text = str_from(p, n), field;
	struct arena a;
	struct checks_query q = { .has_ip = true, .helo = STR("helo.example"),
		.mail_local = STR("a b"), .mail_domain = STR("from.example"),
		.authserv_id = STR("mx.example"), .now_s = 1'770'000'000, .dns = &dns, .a = &a };
	struct checks c;
	struct header h;
	struct buf out;

	arena_init(&a, 64 << 20);
	(void)ip_parse(STR("192.0.2.9"), &q.ip);
	record = str_split(&text, '\n');
	buf_init(&out, 1 << 20);
	if (checks_begin(&c, &q, text)) {
		checks_body(&c, str_skip(text, c.header.body_at));
		checks_end(&c, &q);
		if (dns.queries > 60 || (c.from_faults != 0 && c.dmarc.result == AUTH_PASS))
			abort();
		(void)buf_puts(&out, "Authentication-Results: ");
		if (checks_authres(&c, &q, &out) && buf_puts(&out, "\r\n")) {
			field = buf_str(&out);
			if (!header_parse(field, &a, 0, &h) || h.n != 1 || h.junk ||
			    !authres_claims(&h.field[0], q.authserv_id, &a))
				abort();
		}
	}
	checks_done(&c);
	buf_done(&out);
	arena_done(&a);
	return 0;
}
