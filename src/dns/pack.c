/* SPDX-License-Identifier: ISC */
/*
 * pack: answers between roles and at rest in the worker's cache, and the small words of dns.h.
 *
 * Layout, little endian: u8 result, u8 secure, u32 ttl, u16 n + final alias, u16 count, then each
 * record as u16 type, u16 n, its bytes: A 4, AAAA 16, MX u16 pref + host, TLSA 3 octets + data,
 * others their text.  Unpacking trusts nothing: the resolver reads packets from strangers.
 */
#include "dns/dns.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

static void
put16(struct buf *b, size_t v)
{
	char t[2] = { (char)(v & 255), (char)(v >> 8 & 255) };

	buf_put(b, (struct str){ t, 2 });
}

static void
put_rr(struct buf *b, const struct dns_rr *r)
{
	put16(b, r->type);
	switch (r->type) {
	case DNS_A:
	case DNS_AAAA:
		put16(b, r->ip.v6 ? 16 : 4);
		buf_put(b, (struct str){ (const char *)r->ip.b, r->ip.v6 ? 16 : 4 });
		return;
	case DNS_MX:
		put16(b, r->mx.host.n + 2);
		put16(b, r->mx.pref);
		buf_put(b, r->mx.host);
		return;
	case DNS_TLSA: {
		char t[3] = { (char)r->tlsa.usage, (char)r->tlsa.selector, (char)r->tlsa.match };

		put16(b, r->tlsa.data.n + 3);
		buf_put(b, (struct str){ t, 3 });
		buf_put(b, r->tlsa.data);
		return;
	}
	case DNS_TXT:
	case DNS_SPF:
		put16(b, r->txt.n);
		buf_put(b, r->txt);
		return;
	case DNS_PTR:
	case DNS_CNAME:
	case DNS_NS:
		put16(b, r->name.n);
		buf_put(b, r->name);
		return;
	}
	put16(b, 0);
}

bool
dns_pack(const struct dns_answer *ans, struct buf *b)
{
	size_t before = b->n;

	char head[6] = { (char)ans->res, ans->secure };
	put_le32((uint8_t *)head + 2, ans->ttl);
	buf_put(b, (struct str){ head, 6 });
	put16(b, ans->cname_final.n);
	buf_put(b, ans->cname_final);
	put16(b, ans->nrr);
	for (size_t i = 0; i < ans->nrr; i++)
		put_rr(b, &ans->rr[i]);
	return !b->failed && b->n - before <= DNS_PACKED_MAX;
}

struct unpacker {
	const char *p, *end;
	bool bad;
};

static struct str
take(struct unpacker *u, size_t n)
{
	if (u->bad || (size_t)(u->end - u->p) < n) {
		u->bad = true;
		return (struct str){};
	}
	u->p += n;
	return (struct str){ u->p - n, n };
}

static uint16_t
take16(struct unpacker *u)
{
	struct str s = take(u, 2);

	return s.n ? get_le16((const uint8_t *)s.p) : 0;
}

static bool
unpack_rr(uint16_t type, struct str d, struct dns_rr *r)
{
	*r = (struct dns_rr){ .type = type };
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (d.n != (type == DNS_A ? 4 : 16))
			return false;
		memcpy(r->ip.b, d.p, d.n);
		r->ip.v6 = type == DNS_AAAA;
		return true;
	case DNS_MX:
		if (d.n < 2)
			return false;
		r->mx = (struct dns_mx){ get_le16((const uint8_t *)d.p), str_sub(d, 2, d.n - 2) };
		return true;
	case DNS_TLSA:
		if (d.n < 3)
			return false;
		r->tlsa = (struct dns_tlsa){ (uint8_t)d.p[0], (uint8_t)d.p[1], (uint8_t)d.p[2],
		    str_sub(d, 3, d.n - 3) };
		return true;
	case DNS_TXT:
	case DNS_SPF:
		r->txt = d;
		return true;
	case DNS_PTR:
	case DNS_CNAME:
	case DNS_NS:
		r->name = d;
		return true;
	}
	return true;
}

bool
dns_unpack(struct str packed, struct arena *a, struct dns_answer *out)
{
	*out = (struct dns_answer){ .res = DNS_TEMP };
	if (packed.n > DNS_PACKED_MAX || packed.n < 10)
		return false;
	struct str copy = str_dup(a, packed);		/* one copy; the slices point into it */
	if (!copy.p)
		return false;
	struct unpacker u = { copy.p, copy.p + copy.n, false };
	struct dns_answer ans = { .res = DNS_TEMP };

	struct str head = take(&u, 6);
	if ((uint8_t)head.p[0] > DNS_BOGUS || (uint8_t)head.p[1] > 1)
		return false;
	ans.res = (enum dns)head.p[0];
	ans.secure = head.p[1];
	ans.ttl = get_le32((const uint8_t *)head.p + 2);
	ans.cname_final = take(&u, take16(&u));
	if (ans.cname_final.n == 0)
		ans.cname_final = (struct str){};
	ans.nrr = take16(&u);
	if (u.bad || ans.nrr > DNS_RR_MAX || (ans.nrr > 0) != (ans.res == DNS_OK))
		return false;
	ans.rr = arena_alloc(a, sizeof *ans.rr * (ans.nrr ? ans.nrr : 1));
	if (!ans.rr)
		return false;
	for (size_t i = 0; i < ans.nrr; i++) {
		uint16_t type = take16(&u);
		struct str d = take(&u, take16(&u));

		if (u.bad || !unpack_rr(type, d, &ans.rr[i]))
			return false;
	}
	if (u.p != u.end)
		return false;
	*out = ans;
	return true;
}

void
dns_ask_many(const struct dns_ops *ops, struct dns_question *q, size_t n, int64_t deadline,
    struct arena *a)
{
	if (ops->ask_many) {
		ops->ask_many(ops->ctx, q, n, deadline, a);
		return;
	}
	for (size_t i = 0; i < n; i++)
		(void)ops->ask(ops->ctx, q[i].name, q[i].type, deadline, a, &q[i].answer);
}

static const struct {
	struct str name;
	uint16_t type;
} types[] = {
	{ { "A", 1 }, DNS_A }, { { "NS", 2 }, DNS_NS }, { { "CNAME", 5 }, DNS_CNAME },
	{ { "SOA", 3 }, DNS_SOA }, { { "PTR", 3 }, DNS_PTR }, { { "MX", 2 }, DNS_MX },
	{ { "TXT", 3 }, DNS_TXT }, { { "AAAA", 4 }, DNS_AAAA }, { { "SRV", 3 }, DNS_SRV },
	{ { "TLSA", 4 }, DNS_TLSA }, { { "SPF", 3 }, DNS_SPF }, { { "HINFO", 5 }, 13 },
	{ { "NAPTR", 5 }, 35 }, { { "DNAME", 5 }, 39 }, { { "DS", 2 }, 43 }, { { "SSHFP", 5 }, 44 },
	{ { "RRSIG", 5 }, 46 }, { { "NSEC", 4 }, 47 }, { { "DNSKEY", 6 }, 48 },
	{ { "OPENPGPKEY", 10 }, 61 }, { { "SVCB", 4 }, 64 }, { { "HTTPS", 5 }, 65 },
	{ { "CAA", 3 }, 257 }, { { "ANY", 3 }, 255 },
};

bool
dns_type_parse(struct str word, uint16_t *type)
{
	uint64_t v;

	for (size_t i = 0; i < COUNT(types); i++)
		if (str_ieq(word, types[i].name)) {
			*type = types[i].type;
			return true;
		}
	if (!str_istarts(word, STR("TYPE")) || !num_parse_u64(str_sub(word, 4, word.n - 4), &v) ||
	    v == 0 || v > UINT16_MAX)
		return false;
	*type = (uint16_t)v;
	return true;
}

struct str
dns_type_name(uint16_t type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return STR("other");
}

const char *
dns_res_name(enum dns res)
{
	switch (res) {
	case DNS_OK:		return "ok";
	case DNS_NODATA:	return "nodata";
	case DNS_NXDOMAIN:	return "nxdomain";
	case DNS_TEMP:		return "temp";
	case DNS_BOGUS:		return "bogus";
	}
	return "?";
}

bool
dns_is_hostname(struct str name)
{
	size_t label = 0;
	bool digits = true;

	if (name.n == 0 || name.n > 253)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '.') {
			if (label == 0 || name.p[i - 1] == '-')
				return false;
			label = 0;
			digits = true;
			continue;
		}
		if (!ascii_isalnum(c) && c != '_' && (c != '-' || label == 0))
			return false;
		digits = digits && ascii_isdigit(c);
		if (++label > 63)
			return false;
	}
	return label > 0 && !digits && name.p[name.n - 1] != '-';
}
