/* SPDX-License-Identifier: ISC */
/*
 * dnsbl: see dnsbl.h.
 */
#include "trust/dnsbl.h"

#include "base/num.h"
#include "trust/iprev.h"

enum { TEST_GOOD_MS = 3'600'000, TEST_BAD_MS = 600'000, REST_MS = 60'000, FAILURES_MAX = 5 };

struct str
dnsbl_name(struct ip ip, struct str zone, struct arena *a)
{
	struct str name = iprev_name(ip, a);		/* RFC 5782 2.1, 2.4: the same octets */
	size_t tail = ip.v6 ? STR("ip6.arpa").n : STR("in-addr.arpa").n;

	return name.n > tail ? str_cat(a, str_from(name.p, name.n - tail), zone) : name;
}

enum dnsbl
dnsbl_answer(enum dns res, const struct dns_answer *ans)
{
	bool listed = false;

	if (res == DNS_NXDOMAIN || res == DNS_NODATA)
		return DNSBL_CLEAR;
	if (res != DNS_OK)
		return DNSBL_UNKNOWN;
	for (size_t i = 0; i < ans->nrr; i++) {
		const uint8_t *b = ans->rr[i].ip.b;

		if (ans->rr[i].type != DNS_A)
			continue;
		if (b[0] != 127 || (b[1] == 255 && b[2] == 255))
			return DNSBL_UNKNOWN;
		listed = true;
	}
	return listed ? DNSBL_LISTED : DNSBL_CLEAR;
}

/* Five failures in a row, and the list is left alone for a while. */
static void
note(const struct dnsbl_ask *q, struct dnsbl_list *l, enum dnsbl r)
{
	if (r != DNSBL_UNKNOWN) {
		l->failures = 0;
	} else if (++l->failures >= FAILURES_MAX) {
		l->failures = 0;
		l->rest_until_ms = q->now_ms + REST_MS;
	}
}

static enum dnsbl
ask(const struct dnsbl_ask *q, struct dnsbl_list *l, struct ip ip, struct arena *a)
{
	struct dns_answer ans;
	struct str name = dnsbl_name(ip, l->zone, a);
	enum dnsbl r = DNSBL_UNKNOWN;

	if (q->now_ms < l->rest_until_ms || name.n == 0)
		return r;
	r = dnsbl_answer(trust_ask(q->dns, name, DNS_A, a, &ans), &ans);
	if (!q->dns->spent)			/* our own budget is no fault of the list */
		note(q, l, r);
	return r;
}

/* RFC 5782 5: 127.0.0.<last>, or ::FFFF:7F00:<last> as the octets of IPv6. */
static struct ip
test_point(bool v6, uint8_t last)
{
	struct ip ip = { .v6 = v6 };
	uint8_t *b = ip.b + (v6 ? 12 : 0);

	if (v6)
		ip.b[10] = ip.b[11] = 0xff;
	b[0] = 127;
	b[3] = last;
	return ip;
}

static bool
believed(const struct dnsbl_ask *q, struct dnsbl_list *l, struct arena *a)
{
	struct dnsbl_test *t = &l->test[q->ip.v6];
	enum dnsbl yes, no;

	if (t->trust != DNSBL_UNTESTED && q->now_ms < t->again_ms)
		return t->trust == DNSBL_GOOD;
	yes = ask(q, l, test_point(q->ip.v6, 2), a);
	no = yes == DNSBL_LISTED ? ask(q, l, test_point(q->ip.v6, 1), a) : yes;
	if (yes == DNSBL_UNKNOWN || no == DNSBL_UNKNOWN)
		return t->trust == DNSBL_GOOD;	/* no news; the breaker minds how often */
	t->trust = yes == DNSBL_LISTED && no == DNSBL_CLEAR ? DNSBL_GOOD : DNSBL_BAD;
	t->again_ms = q->now_ms + (t->trust == DNSBL_GOOD ? TEST_GOOD_MS : TEST_BAD_MS);
	return t->trust == DNSBL_GOOD;
}

/* RFC 5782 2.1: the reason is a TXT record; it goes into a reply, so only what may stand there. */
static struct str
reason_of(const struct dnsbl_ask *q, const struct dnsbl_list *l, struct arena *a)
{
	struct dns_answer ans;
	char room[DNSBL_TEXT_MAX];
	size_t n = 0;

	if (trust_ask(q->dns, dnsbl_name(q->ip, l->zone, a), DNS_TXT, a, &ans) != DNS_OK ||
	    ans.nrr == 0)
		return STR("");
	for (; n < sizeof room && n < ans.rr[0].txt.n; n++) {
		char c = ans.rr[0].txt.p[n];

		room[n] = c >= ' ' && c <= '~' ? c : '?';
	}
	return str_dup(a, str_from(room, n));
}

enum dnsbl
dnsbl_look(const struct dnsbl_ask *q, struct dnsbl_list *l, struct arena *a, struct str *reason)
{
	enum dnsbl r = believed(q, l, a) ? ask(q, l, q->ip, a) : DNSBL_UNKNOWN;

	if (reason)
		*reason = r == DNSBL_LISTED ? reason_of(q, l, a) : STR("");
	return r;
}

void
dnsbl_score(const struct dnsbl_ask *q, struct arena *a, struct dnsbl_hit *out)
{
	*out = (struct dnsbl_hit){ .zone = STR("") };
	if (ip_is_private(q->ip) || ip_is_loopback(q->ip))
		return;
	for (size_t i = 0; i < q->n; i++) {
		struct dnsbl_list *l = &q->list[i];
		bool first = out->zone.n == 0;

		if (dnsbl_look(q, l, a, first ? &out->text : NULL) != DNSBL_LISTED)
			continue;
		if (first)
			out->zone = l->zone;
		out->score += MIN(l->weight, 1000U);
		if (q->enough > 0 && out->score >= q->enough)
			return;
	}
}
