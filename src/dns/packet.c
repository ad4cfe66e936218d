/* SPDX-License-Identifier: ISC */
/*
 * packet: a response packet of the domain name system as typed records.
 *
 * 1. Every read is checked against the packet's end; offsets only grow, but for compression
 *    pointers, which must point before the name they occur in, so that each name ends.
 * 2. What comes out holds copies in the caller's arena, no pointer into the packet.
 * 3. A record that breaks its own type's rules makes the packet malformed: half an answer is none.
 *
 * RFC 1035 4.1, 2308 (negative answers), 3596 (AAAA), 6698 (TLSA).  Reads answers only; libunbound
 * writes the questions.
 */
#include "dns/dns.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

struct pkt {
	const uint8_t *p;
	size_t n;
};

/* One record's place in the packet. */
struct rr_at {
	size_t owner;
	size_t rdata;
	uint32_t ttl;
	uint16_t type, class, rdlen;
};

/* An expanded name in wire form: length octets and labels, root label left out. */
struct wname {
	uint8_t b[256];
	size_t n;
};

static bool
get16(const struct pkt *k, size_t at, uint16_t *v)
{
	if (at > k->n || k->n - at < 2)
		return false;
	*v = (uint16_t)(k->p[at] << 8 | k->p[at + 1]);
	return true;
}

static bool
get32(const struct pkt *k, size_t at, uint32_t *v)
{
	uint16_t hi, lo;

	if (!get16(k, at, &hi) || !get16(k, at + 2, &lo))
		return false;
	*v = (uint32_t)hi << 16 | lo;
	return true;
}

/* Expands the name at *at (RFC 1035 4.1.4) and moves *at behind it.  w may be NULL. */
static bool
name_at(const struct pkt *k, size_t *at, struct wname *w)
{
	size_t here = *at, bound = *at, total = 0;
	bool jumped = false;

	for (;;) {
		if (here >= k->n)
			return false;
		uint8_t len = k->p[here];

		if (len >= 0xc0) {			/* a pointer: only ever backwards */
			uint16_t to;

			if (!get16(k, here, &to))
				return false;
			to &= 0x3fff;
			if (to >= bound)
				return false;
			if (!jumped)
				*at = here + 2;
			jumped = true;
			here = bound = to;
			continue;
		}
		if (len >= 0x40)
			return false;
		if (k->n - here < (size_t)len + 1)
			return false;
		total += (size_t)len + 1;
		if (total > 255)
			return false;
		if (len == 0)
			break;
		if (w)
			memcpy(w->b + total - len - 1, k->p + here, (size_t)len + 1);
		here += (size_t)len + 1;
	}
	if (!jumped)
		*at = here + 1;
	if (w)
		w->n = total - 1;
	return true;
}

static bool
wname_eq(const struct wname *a, const struct wname *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i =
	    0; i < a->n; i++)		/* length octets are < 64: no letters among them */
		if (ascii_lower((char)a->b[i]) != ascii_lower((char)b->b[i]))
			return false;
	return true;
}

static size_t
octet_text(uint8_t c, char *out)
{
	if (c > ' ' && c < 0x7f && c != '.' && c != '\\' && c != '"' && c != ';') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

static bool
wname_text(const struct wname *w, struct arena *a, struct str *out)
{
	char text[DNS_NAME_TEXT_MAX + 4];
	size_t n = 0;

	for (size_t i = 0; i < w->n; ) {
		size_t len = w->b[i++];

		if (n)
			text[n++] = '.';
		for (; len; len--)
			n += octet_text(w->b[i++], text + n);
	}
	char *p = arena_alloc(a, n ? n : 1);
	if (!p)
		return false;
	memcpy(p, text, n);
	*out = (struct str){ p, n };
	return true;
}

/* The rest of a name in rdata must fill it exactly. */
static bool
rdata_name(const struct pkt *k, size_t at, size_t end, struct arena *a, struct str *out)
{
	struct wname w;

	return name_at(k, &at, &w) && at == end && wname_text(&w, a, out);
}

static bool
rdata_txt(const struct pkt *k, const struct rr_at *r, struct arena *a, struct str *out)
{
	size_t at = r->rdata, end = r->rdata + r->rdlen, n = 0;
	char *p = arena_alloc(a, (size_t)r->rdlen + 1);

	if (!p || r->rdlen == 0)
		return false;
	while (at < end) {
		size_t len = k->p[at++];

		if (end - at < len)
			return false;
		memcpy(p + n, k->p + at, len);
		n += len;
		at += len;
	}
	*out = (struct str){ p, n };
	return true;
}

static bool
rdata_tlsa(const struct pkt *k, const struct rr_at *r, struct arena *a, struct dns_tlsa *t)
{
	if (r->rdlen < 4)
		return false;
	size_t n = (size_t)r->rdlen - 3;
	char *p = arena_alloc(a, n);

	if (!p)
		return false;
	memcpy(p, k->p + r->rdata + 3, n);
	*t = (struct dns_tlsa){ k->p[r->rdata], k->p[r->rdata + 1], k->p[r->rdata + 2], { p, n } };
	return true;
}

static bool
rdata_take(const struct pkt *k, const struct rr_at *r, struct arena *a, struct dns_rr *out)
{
	size_t end = r->rdata + r->rdlen;

	*out = (struct dns_rr){ .type = r->type };
	switch (r->type) {
	case DNS_A:
		memcpy(out->ip.b, k->p + r->rdata, MIN((size_t)r->rdlen, (size_t)4));
		return r->rdlen == 4;
	case DNS_AAAA:
		out->ip.v6 = true;
		memcpy(out->ip.b, k->p + r->rdata, MIN((size_t)r->rdlen, (size_t)16));
		return r->rdlen == 16;
	case DNS_MX:
		return r->rdlen > 2 && get16(k, r->rdata, &out->mx.pref) &&
		    rdata_name(k, r->rdata + 2, end, a, &out->mx.host);
	case DNS_TXT:
	case DNS_SPF:
		return rdata_txt(k, r, a, &out->txt);
	case DNS_PTR:
	case DNS_CNAME:
	case DNS_NS:
		return rdata_name(k, r->rdata, end, a, &out->name);
	case DNS_TLSA:
		return rdata_tlsa(k, r, a, &out->tlsa);
	}
	return true;				/* of a type without a form here: it is there,
	    no more */
}

static bool
rr_at(const struct pkt *k, size_t *at, struct rr_at *r)
{
	*r = (struct rr_at){ .owner = *at };
	if (!name_at(k, at, NULL) || !get16(k, *at, &r->type) || !get16(k, *at + 2, &r->class) ||
	    !get32(k, *at + 4, &r->ttl) || !get16(k, *at + 8, &r->rdlen))
		return false;
	r->rdata = *at + 10;
	*at = r->rdata + r->rdlen;
	if (r->ttl > INT32_MAX)			/* RFC 2181 8 */
		r->ttl = 0;
	return *at <= k->n;
}

/* RFC 2308 5: the lesser of the SOA's ttl and its last field. */
static bool
negative_ttl(const struct pkt *k, size_t at, unsigned nauth, uint32_t *ttl)
{
	*ttl = 60;
	for (unsigned i = 0; i < nauth; i++) {
		struct rr_at r;
		uint32_t minimum;

		if (!rr_at(k, &at, &r))
			return false;
		if (r.type != DNS_SOA || r.class != 1)
			continue;
		size_t in = r.rdata;
		if (!name_at(k, &in, NULL) || !name_at(k, &in, NULL) || in + 20 != at ||
		    !get32(k, in + 16, &minimum))
			return false;
		*ttl = MIN(r.ttl, minimum);
		*ttl = MIN(*ttl, (uint32_t)DNS_NEG_TTL_MAX);
		return true;
	}
	return true;
}

/* Follows aliases from w through the answer section; *w becomes the last name. */
static bool
chase(const struct pkt *k, const struct rr_at *rr, size_t n, struct wname *w,
    struct dns_answer *out)
{
	unsigned hops = 0;

	for (size_t i = 0; i < n; i++) {
		struct wname owner;
		size_t at = rr[i].owner;

		if (rr[i].type != DNS_CNAME || rr[i].class != 1 || !name_at(k, &at, &owner) ||
		    !wname_eq(&owner, w))
			continue;
		if (++hops > DNS_CHAIN_MAX)
			return false;
		at = rr[i].rdata;
		if (!name_at(k, &at, w) || at != rr[i].rdata + rr[i].rdlen)
			return false;
		out->ttl = MIN(out->ttl, rr[i].ttl);
		i = (size_t)-1;				/* a chain need not be in order */
	}
	return true;
}

static bool
collect(const struct pkt *k, const struct rr_at *rr, size_t n, struct arena *a, uint16_t qtype,
    const struct wname *want, struct dns_answer *out)
{
	for (size_t i = 0; i < n; i++) {
		struct wname owner;
		size_t at = rr[i].owner;

		if (rr[i].type != qtype || rr[i].class != 1 || !name_at(k, &at, &owner) ||
		    !wname_eq(&owner, want))
			continue;
		if (!rdata_take(k, &rr[i], a, &out->rr[out->nrr]))
			return false;
		out->nrr++;
		out->ttl = MIN(out->ttl, rr[i].ttl);
	}
	return true;
}

static bool
parse(const struct pkt *k, uint16_t qtype, struct arena *a, struct dns_answer *out)
{
	uint16_t flags, nq, nan, nauth, qt;
	struct wname name;
	size_t at = 12;

	if (!get16(k, 2, &flags) || !get16(k, 4, &nq) || !get16(k, 6, &nan) || !get16(k, 8,
	    &nauth) ||
	    k->n < 12 || !(flags & 0x8000) || (flags & 0x0200) || nq != 1 || nan > DNS_RR_MAX)
		return false;
	if (!name_at(k, &at, &name) || !get16(k, at, &qt) || qt != qtype || k->n - at < 4)
		return false;
	at += 4;
	struct rr_at *rr = arena_alloc(a, sizeof *rr * (nan ? nan : 1u));
	out->rr = arena_alloc(a, sizeof *out->rr * (nan ? nan : 1u));
	if (!rr || !out->rr)
		return false;
	for (size_t i = 0; i < nan; i++)
		if (!rr_at(k, &at, &rr[i]))
			return false;

	out->ttl = DNS_TTL_MAX;
	struct wname first = name;
	if (qtype != DNS_CNAME && !chase(k, rr, nan, &name, out))
		return false;
	if (!wname_eq(&first, &name) && !wname_text(&name, a, &out->cname_final))
		return false;
	unsigned rcode = flags & 15;
	if (rcode != 0 && rcode != 3)
		return true;				/* SERVFAIL and its like: still DNS_TEMP */
	if (rcode == 0 && !collect(k, rr, nan, a, qtype, &name, out))
		return false;
	out->res = out->nrr ? DNS_OK : rcode == 3 ? DNS_NXDOMAIN : DNS_NODATA;
	uint32_t neg;
	if (!out->nrr) {
		if (!negative_ttl(k, at, nauth, &neg))
			return false;
		out->ttl = MIN(out->ttl, neg);
	}
	return true;
}

bool
dns_packet_parse(struct str pkt, uint16_t qtype, struct arena *a, struct dns_answer *out)
{
	struct pkt k = { (const uint8_t *)pkt.p, pkt.n };

	*out = (struct dns_answer){ .res = DNS_TEMP };
	if (parse(&k, qtype, a, out))
		return true;
	*out = (struct dns_answer){ .res = DNS_TEMP };
	return false;
}
