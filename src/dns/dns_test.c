/* SPDX-License-Identifier: ISC */
/*
 * dns_test: the packet decoder, the packed form, the cache and the zone text, by tables.
 */
#include "base/test.h"

#include "base/buf.h"
#include "dns/cache.h"
#include "dns/zone.h"

static struct arena arena;

/* A packet is written down as text: octets as they are, \xNN as C has them, its length by
 * sizeof. */
#define P(lit) STR(lit)
#define HEAD(an, ns, flags) "\x12\x34" flags "\x00\x01\x00" an "\x00" ns "\x00\x00"
#define QN "\x01" "a\x07" "example\x00"
#define Q(type) QN "\x00" type "\x00\x01"
#define RR(type, ttl, len) "\xc0\x0c\x00" type "\x00\x01\x00\x00\x00" ttl "\x00" len

static const struct {
	const char *name;
	struct str pkt;
	uint16_t type;
	bool ok;
	enum dns res;
	size_t nrr;
	uint32_t ttl;
	const char *show;		/* first record, or the last alias with "=" */
} packets[] = {
	{ "one address", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x01")
	    RR("\x01", "\x3c", "\x04") "\xc0\x00\x02\x01"), DNS_A, true, DNS_OK, 1, 60, "192.0.2.1"
	    },
	{ "address of a wrong length", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x01")
	    RR("\x01", "\x3c", "\x05") "\xc0\x00\x02\x01\x01"), DNS_A, false, DNS_TEMP, 0, 0, "" },
	{ "mx", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x0f")
	    RR("\x0f", "\x3c", "\x07") "\x00\x0a\x02mx\xc0\x0c"), DNS_MX, true, DNS_OK, 1, 60,
	    "10 mx.a.example" },
	{ "null mx", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x0f")
	    RR("\x0f", "\x3c", "\x03") "\x00\x00\x00"), DNS_MX, true, DNS_OK, 1, 60, "0 " },
	{ "mx with bytes behind the name", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x0f")
	    RR("\x0f", "\x3c", "\x04") "\x00\x00\x00\x00"), DNS_MX, false, DNS_TEMP, 0, 0, "" },
	{ "pointer to itself", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x0f")
	    RR("\x0f", "\x3c", "\x04") "\x00\x0a\xc0\x29"), DNS_MX, false, DNS_TEMP, 0, 0, "" },
	{ "pointer forwards", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x0f")
	    RR("\x0f", "\x3c", "\x05") "\x00\x0a\xc0\x2b\x00"), DNS_MX, false, DNS_TEMP, 0, 0, "" },
	{ "text of two strings", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x10")
	    RR("\x10", "\x3c", "\x07") "\x03" "abc\x02" "de"), DNS_TXT, true, DNS_OK, 1, 60,
	    "abcde" },
	{ "text over its end", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x10")
	    RR("\x10", "\x3c", "\x03") "\x03" "ab"), DNS_TXT, false, DNS_TEMP, 0, 0, "" },
	{ "alias, then address", STR_INIT(HEAD("\x02", "\x00", "\x81\x80") Q("\x01")
	    RR("\x05", "\x3c", "\x04") "\x01" "b\xc0\x0e"
	    "\xc0\x27\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\xc0\x00\x02\x07"), DNS_A, true,
	    DNS_OK,
	    1, 30, "192.0.2.7=b.example" },
	{ "alias to itself", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x01")
	    RR("\x05", "\x3c", "\x02") "\xc0\x0c"), DNS_A, false, DNS_TEMP, 0, 0, "" },
	{ "no such name, with soa", STR_INIT(HEAD("\x00", "\x01", "\x81\x83") Q("\x01")
	    RR("\x06", "\x3c", "\x16") "\x00\x00" "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01"
	    "\x00\x00\x00\x01\x00\x00\x00\x14"), DNS_A, true, DNS_NXDOMAIN, 0, 20, "" },
	{ "no data", STR_INIT(HEAD("\x00", "\x00", "\x81\x80") Q("\x01")), DNS_A, true, DNS_NODATA,
	    0,
	    60, "" },
	{ "servfail", STR_INIT(HEAD("\x00", "\x00", "\x81\x82") Q("\x01")), DNS_A, true, DNS_TEMP,
	    0,
	    DNS_TTL_MAX, "" },
	{ "truncated flag", STR_INIT(HEAD("\x00", "\x00", "\x83\x80") Q("\x01")), DNS_A, false,
	    DNS_TEMP, 0, 0, "" },
	{ "a question", STR_INIT(HEAD("\x00", "\x00", "\x01\x00") Q("\x01")), DNS_A, false,
	    DNS_TEMP, 0,
	    0, "" },
	{ "another type asked", STR_INIT(HEAD("\x00", "\x00", "\x81\x80") Q("\x01")), DNS_MX, false,
	    DNS_TEMP, 0, 0, "" },
	{ "record cut short", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x01")
	    RR("\x01", "\x3c", "\x04") "\xc0\x00\x02"), DNS_A, false, DNS_TEMP, 0, 0, "" },
	{ "empty", STR_INIT(""), DNS_A, false, DNS_TEMP, 0, 0, "" },
	{ "tlsa", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x34")
	    RR("\x34", "\x3c", "\x05") "\x03\x01\x01\xab\xcd"), DNS_TLSA, true, DNS_OK, 1, 60,
	    "3 1 1 2" },
	{ "name with odd octets", STR_INIT(HEAD("\x01", "\x00", "\x81\x80") Q("\x0c")
	    RR("\x0c", "\x3c", "\x05") "\x03" "a.\x07\x00"), DNS_PTR, true, DNS_OK, 1, 60,
	    "a\\046\\007" },
};

static void
show(struct buf *b, const struct dns_answer *ans)
{
	char text[IP_TEXT_MAX];

	buf_reset(b);
	for (size_t i = 0; i < ans->nrr; i++) {
		const struct dns_rr *r = &ans->rr[i];

		if (i)
			(void)buf_putc(b, ' ');
		if (r->type == DNS_A || r->type == DNS_AAAA)
			(void)buf_put(b, ip_format(r->ip, text));
		else if (r->type == DNS_MX)
			(void)buf_putf(b, "%u " STR_F, (unsigned)r->mx.pref, STR_A(r->mx.host));
		else if (r->type == DNS_TXT)
			(void)buf_put(b, r->txt);
		else if (r->type == DNS_TLSA)
			(void)buf_putf(b, "%u %u %u %zu", r->tlsa.usage, r->tlsa.selector,
			    r->tlsa.match,
			    r->tlsa.data.n);
		else
			(void)buf_put(b, r->name);
	}
	if (ans->cname_final.p)
		(void)buf_putf(b, "=" STR_F, STR_A(ans->cname_final));
}

static void
test_D1_packets(void **state)
{
	struct buf text, packed;

	(void)state;
	buf_init(&text, 1 << 16);
	buf_init(&packed, 1 << 16);
	for (size_t i = 0; i < COUNT(packets); i++) {
		struct dns_answer ans, back;

		T_CASE(packets[i].name);
		t_int(dns_packet_parse(packets[i].pkt, packets[i].type, &arena, &ans),
		    packets[i].ok);
		t_int(ans.res, packets[i].res);
		t_int(ans.nrr, packets[i].nrr);
		if (!packets[i].ok)
			continue;
		t_int(ans.ttl, packets[i].ttl);
		show(&text, &ans);
		t_str(buf_str(&text), packets[i].show);
		buf_reset(&packed);
		t_true(dns_pack(&ans, &packed));
		t_true(dns_unpack(buf_str(&packed), &arena, &back));
		show(&text, &back);
		if (!ans.cname_final.n)
			t_str(buf_str(&text), packets[i].show);
		for (size_t cut = 0; cut < packed.n; cut++)
			t_false(dns_unpack(str_sub(buf_str(&packed), 0, cut), &arena, &back));
	}
	/* Every truncation of every packet is refused or at least read inside its bounds. */
	for (size_t i = 0; i < COUNT(packets); i++)
		for (size_t n = 0; n < packets[i].pkt.n; n++) {
			struct dns_answer ans;

			(void)dns_packet_parse(str_sub(packets[i].pkt, 0, n), packets[i].type,
			    &arena, &ans);
		}
	buf_done(&text);
	buf_done(&packed);
	arena_reset(&arena);
}

static const char zone_text[] =
	"; a comment\n"
	"$TTL 300\n"
	"plain.example. 60 IN A 192.0.2.1\n"
	"plain.example.    IN A 192.0.2.2 ; two\n"
	"PLAIN.example IN TXT \"v=spf1 mx\" \" -all\"\n"
	"mx.example IN MX 10 a.mx.example.\n"
	"mx.example IN MX 0 .\n"
	"alias.example IN CNAME plain.example.\n"
	"alias2.example CNAME alias.example\n"
	"loop.example CNAME loop.example\n"
	"slow.example IN TIMEOUT *\n"
	"slow.example IN A 192.0.2.9\n"
	"half.example IN SERVFAIL TXT\n"
	"half.example IN A 192.0.2.3\n"
	"bad.example IN BOGUS *\n"
	"no.example IN NODATA *\n"
	"gone.wild.example IN NXDOMAIN *\n"
	"*.wild.example IN A 192.0.2.4\n"
	"deep.down.here.example IN A 192.0.2.5\n"
	"odd.example TXT \"a\\\"b\\092\\065\"\n"
	"$SECURE yes\n"
	"sec.example IN A 192.0.2.6\n"
	"_25._tcp.mx.example. IN TLSA 3 1 1 ab 12\n"
	"seca.example CNAME sec.example\n"
	"secb.example CNAME plain.example\n"
	"other.example TYPE65534 x\n";

static const struct {
	const char *name;
	uint16_t type;
	enum dns res;
	const char *show;
	bool secure;
} zone_cases[] = {
	{ "plain.example", DNS_A, DNS_OK, "192.0.2.1 192.0.2.2", false },
	{ "Plain.Example.", DNS_TXT, DNS_OK, "v=spf1 mx -all", false },
	{ "plain.example", DNS_MX, DNS_NODATA, "", false },
	{ "mx.example", DNS_MX, DNS_OK, "10 a.mx.example 0 ", false },
	{ "alias.example", DNS_A, DNS_OK, "192.0.2.1 192.0.2.2=plain.example", false },
	{ "alias2.example", DNS_A, DNS_OK, "192.0.2.1 192.0.2.2=plain.example", false },
	{ "alias2.example", DNS_CNAME, DNS_OK, "alias.example", false },
	{ "loop.example", DNS_A, DNS_TEMP, "=loop.example", false },
	{ "slow.example", DNS_A, DNS_OK, "192.0.2.9", false },
	{ "slow.example", DNS_MX, DNS_TEMP, "", false },
	{ "half.example", DNS_TXT, DNS_TEMP, "", false },
	{ "half.example", DNS_A, DNS_OK, "192.0.2.3", false },
	{ "half.example", DNS_MX, DNS_NODATA, "", false },
	{ "bad.example", DNS_A, DNS_BOGUS, "", false },
	{ "no.example", DNS_A, DNS_NODATA, "", false },
	{ "nowhere.example", DNS_A, DNS_NXDOMAIN, "", false },
	{ "x.wild.example", DNS_A, DNS_OK, "192.0.2.4", false },
	{ "x.y.wild.example", DNS_A, DNS_OK, "192.0.2.4", false },
	{ "gone.wild.example", DNS_A, DNS_NXDOMAIN, "", false },
	{ "down.here.example", DNS_A, DNS_NODATA, "", false },
	{ "odd.example", DNS_TXT, DNS_OK, "a\"b\\A", false },
	{ "sec.example", DNS_A, DNS_OK, "192.0.2.6", true },
	{ "seca.example", DNS_A, DNS_OK, "192.0.2.6=sec.example", true },
	{ "secb.example", DNS_A, DNS_OK, "192.0.2.1 192.0.2.2=plain.example", false },
	{ "_25._tcp.mx.example", DNS_TLSA, DNS_OK, "3 1 1 2", true },
	{ "other.example", DNS_A, DNS_NODATA, "", true },
};

static void
test_zone(void **state)
{
	struct dns_zone_error err;
	struct dns_zone *z = dns_zone_new(str_of(zone_text), &err);
	struct buf text;

	(void)state;
	T_CASE(err.what);
	t_true(z != NULL);
	buf_init(&text, 1 << 16);
	for (size_t i = 0; i < COUNT(zone_cases); i++) {
		struct dns_answer ans;

		T_CASE(zone_cases[i].name);
		t_int(dns_ask(dns_zone_ops(z), str_of(zone_cases[i].name), zone_cases[i].type, 0,
		    &arena,
		    &ans), zone_cases[i].res);
		show(&text, &ans);
		t_str(buf_str(&text), zone_cases[i].show);
		t_int(ans.secure, zone_cases[i].secure);
	}
	t_int(dns_zone_queries(z), COUNT(zone_cases));
	dns_zone_reset_queries(z);
	t_int(dns_zone_queries(z), 0);
	buf_done(&text);
	dns_zone_free(z);
	arena_reset(&arena);
}

static void
test_zone_default(void **state)
{
	struct dns_zone_error err;
	struct dns_zone *z =
	    dns_zone_new(STR("$SECURE yes\n$DEFAULT SERVFAIL\na.example A 192.0.2.1"), &err);
	struct dns_answer ans;

	(void)state;
	t_true(z != NULL);
	t_int(dns_ask(dns_zone_ops(z), STR("b.example"), DNS_A, 0, &arena, &ans), DNS_TEMP);
	t_false(ans.secure);
	t_int(dns_ask(dns_zone_ops(z), STR("a.example"), DNS_A, 0, &arena, &ans), DNS_OK);
	dns_zone_free(z);
	arena_reset(&arena);
}

static const struct {
	const char *text;
	unsigned line;
	const char *what;
} bad_zones[] = {
	{ "a.example A 192.0.2.1\nb.example TXT \"open\n", 2, "unterminated string" },
	{ "$FOO bar", 1, "unknown directive" },
	{ "$DEFAULT MAYBE", 1, "unknown $DEFAULT" },
	{ "a.example IN A", 1, "no rdata" },
	{ "a.example IN", 1, "no type" },
	{ "a.example A 1.2.3", 1, "bad rdata" },
	{ "a.example MX ten mx.example", 1, "bad rdata" },
	{ "a.example TLSA 3 1 1 abc", 1, "bad rdata" },
	{ "a.example TXT \"\\999\"", 1, "escape over 255" },
};

static void
test_zone_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_zones); i++) {
		struct dns_zone_error err;

		T_CASE(bad_zones[i].text);
		t_true(dns_zone_new(str_of(bad_zones[i].text), &err) == NULL);
		t_int(err.line, bad_zones[i].line);
		t_str(str_of(err.what), bad_zones[i].what);
	}
}

static void
put(struct dns_cache *c, const char *name, uint32_t ttl, enum dns res, int64_t now)
{
	struct dns_rr rr = { .type = DNS_TXT, .txt = str_of(name) };
	struct dns_question q = { .name = str_of(name), .type = DNS_TXT,
	    .answer = { .res = res, .ttl = ttl, .rr = &rr, .nrr = res == DNS_OK } };
	struct buf b;

	buf_init(&b, 4096);
	t_true(dns_pack(&q.answer, &b));
	dns_cache_put(c, &q, buf_str(&b), now);
	buf_done(&b);
}

static void
test_cache(void **state)
{
	struct dns_cache c;
	struct dns_answer ans;

	(void)state;
	dns_cache_init(&c, 3, 1 << 20);
	put(&c, "a", 10, DNS_OK, 0);
	put(&c, "temp", 10, DNS_TEMP, 0);
	put(&c, "zero", 0, DNS_OK, 0);
	put(&c, "none", 5, DNS_NXDOMAIN, 0);
	t_int(c.entries, 2);
	t_true(dns_cache_get(&c, STR("A."), DNS_TXT, 4000, &arena, &ans));
	t_int(ans.ttl, 6);
	t_streq(ans.rr[0].txt, STR("a"));
	t_false(dns_cache_get(&c, STR("a"), DNS_A, 4000, &arena, &ans));
	t_true(dns_cache_get(&c, STR("none"), DNS_TXT, 4000, &arena, &ans));
	t_int(ans.res, DNS_NXDOMAIN);
	t_false(dns_cache_get(&c, STR("none"), DNS_TXT, 5000, &arena, &ans));
	t_int(c.entries, 1);
	put(&c, "b", 1000, DNS_OK, 0);
	put(&c, "c", 10, DNS_OK, 0);
	t_true(dns_cache_get(&c, STR("a"), DNS_TXT, 1, &arena, &ans));
	put(&c, "d", 10, DNS_OK, 0);		/* b was used least recently */
	t_int(c.entries, 3);
	t_false(dns_cache_get(&c, STR("b"), DNS_TXT, 1, &arena, &ans));
	t_true(dns_cache_get(&c, STR("a"), DNS_TXT, 1, &arena, &ans));
	dns_cache_done(&c);
	t_int(c.bytes, 0);
	arena_reset(&arena);
}

static const struct {
	const char *name;
	bool ok;
} hostnames[] = {
	{ "mx.example.org", true }, { "a", true }, { "a_b.example", true }, { "1.example", true },
	{ "", false }, { ".", false }, { "a..b", false }, { "-a.example", false }, { "a-.example",
	    false },
	{ "a.example-", false }, { "192.0.2.1", false }, { "a.1", false }, { "a b.example", false },
	{ "a\\046.example", false }, { "a.example.", false },
	{ "0123456789012345678901234567890123456789012345678901234567890123.example", false },
};

static void
test_hostname(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostnames); i++) {
		T_CASE(hostnames[i].name);
		t_int(dns_is_hostname(str_of(hostnames[i].name)), hostnames[i].ok);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_D1_packets), cmocka_unit_test(test_zone),
		cmocka_unit_test(test_zone_default), cmocka_unit_test(test_zone_bad),
		cmocka_unit_test(test_cache), cmocka_unit_test(test_hostname),
	};

	arena_init(&arena, 16 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
