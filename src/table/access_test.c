/* SPDX-License-Identifier: ISC */
/*
 * access_test: lines of the map and their mistakes, keys of every form, the orders of look-up.
 */
#include "base/buf.h"
#include "base/test.h"
#include "conf/errors.h"
#include "table/access.h"

static struct tables tables;

static struct access_map
load(const char *text)
{
	struct image_builder *b = image_builder_new();
	struct conf_errors errs = {};
	bool good = table_build(b, TABLE_ACCESS, STR("/a"), str_of(text), &errs);

	for (size_t i = 0; !good && i < errs.n; i++)
		print_error("%u: " STR_F "\n", errs.e[i].line, STR_A(errs.e[i].text));
	conf_errors_done(&errs);
	t_true(good);
	t_true(tables_take(&tables, image_finish(b), 1));
	return (struct access_map){ .t = &tables, .file = STR("/a") };
}

static struct ip
ip(const char *z)
{
	struct ip out = {};

	t_true(ip_parse(str_of(z), &out));
	return out;
}

static struct path
path(const char *z)
{
	struct path p = { .null = z[0] == '\0' };

	if (!p.null)
		t_true(addr_split(str_of(z), &p.local, &p.domain));
	return p;
}

static const char map[] =
	"Connect:192.0.2.7 OK\nConnect:192.0.2.8 REJECT\nConnect:192.0.2 RELAY\n"
	"Connect:198.51.100 REJECT\nConnect:198.51.100.9 SKIP\nConnect:198.51 OK\n"
	"Connect:IPv6:2001:db8:0:1 RELAY\nConnect:IPv6:2001:db8:0:2:0:0:0:5 REJECT\n"
	"IPv6:2001:db8:1::/48 DISCARD\n100.64.0.0/10 REJECT\nConnect:100.64.0.0/12 OK\n"
	"Connect:spam.example REJECT\nConnect:ok.spam.example OK\n203.0.113 REJECT\n"
	"Connect:friend.example RELAY\nConnect:[127.0.0.3] OK\nskip.friend.example SKIP\n"
	"From:spammer@bulk.example REJECT\nFrom:bulk.example ERROR:5.7.1:\"550 no bulk mail\"\n"
	"From:good.bulk.example OK\nFrom:free.stealth.mailer@ ERROR:550 not accepted\n"
	"To:victim.example RELAY\nTo:sales@victim.example ERROR:5.1.1:\"550 no such desk\"\n"
	"To:old@ REJECT\nuntagged.example RELAY\nbad.example REJECT\n"
	"Spam:hater@victim.example HATER\nTo:friend@victim.example SPAM:FRIEND\n";

static void
test_A52_connect_order(void **state)
{
	static const struct { const char *ip, *host; enum access_act act; } cases[] = {
		{ "192.0.2.7", "", ACC_OK }, { "192.0.2.8", "", ACC_REJECT },
		{ "192.0.2.99", "", ACC_RELAY }, { "198.51.7.7", "", ACC_OK },
		{ "198.51.100.8", "", ACC_REJECT }, { "198.51.100.9", "", ACC_NONE },
		{ "2001:db8:0:1::1", "", ACC_RELAY }, { "2001:db8:0:10::1", "", ACC_NONE },
		{ "2001:db8:0:2::5", "", ACC_REJECT }, { "2001:db8:1:2::5", "", ACC_DISCARD },
		{ "100.65.1.1", "", ACC_OK }, { "100.127.1.1", "", ACC_REJECT },
		{ "10.0.0.1", "spam.example", ACC_REJECT },
		{ "10.0.0.1", "a.spam.example", ACC_REJECT },
		{ "10.0.0.1", "ok.spam.example", ACC_OK },
		{ "10.0.0.1", "nospam.example", ACC_NONE },
		{ "203.0.113.5", "", ACC_REJECT }, { "10.0.0.1", "x.friend.example", ACC_RELAY },
		{ "10.0.0.1", "x.skip.friend.example", ACC_NONE },
		{ "203.0.113.5", "friend.example", ACC_RELAY }, { "127.0.0.3", "", ACC_OK },
		{ "10.0.0.1", "UNTAGGED.example", ACC_RELAY },
	};
	struct access_map m = load(map);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].ip);
		t_int(access_connect(&m, ip(cases[i].ip), str_of(cases[i].host)).act,
		    cases[i].act);
	}
	t_true(access_needs_name(&m));
	t_true(access_ready(&m));
	tables_done(&tables);
	t_false(access_ready(&m));
}

static void
test_A52_addresses(void **state)
{
	static const struct { const char *addr; bool from, local; enum access_act act; } cases[] = {
		{ "spammer@bulk.example", true, false, ACC_REJECT },
		{ "Spammer+x@Bulk.example", true, false, ACC_REJECT },
		{ "other@x.bulk.example", true, false, ACC_ERROR },
		{ "other@good.bulk.example", true, false, ACC_OK },
		{ "free.stealth.mailer@any.example", true, false, ACC_ERROR },
		{ "x@victim.example", true, false, ACC_NONE }, { "", true, false, ACC_NONE },
		{ "bob@victim.example", false, true, ACC_RELAY },
		{ "bob@sub.victim.example", false, false, ACC_RELAY },
		{ "sales@victim.example", false, true, ACC_ERROR },
		{ "old@victim.example", false, true, ACC_REJECT },
		{ "old@victim.example", false, false, ACC_RELAY },
		{ "x@untagged.example", false, false, ACC_RELAY },
		{ "x@bad.example", false, false, ACC_REJECT },
	};
	struct access_map m = load(map);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct path p = path(cases[i].addr);

		T_CASE(cases[i].addr);
		t_int((cases[i].from ? access_from(&m, &p) :
		    access_to(&m, &p, cases[i].local, true)).act, cases[i].act);
	}
	struct path bad = path("x@bad.example"), hater = path("hater@victim.example"),
	    friend = path("friend@victim.example"), sales = path("sales@victim.example");

	t_int(access_to(&m, &bad, false, false).act, ACC_NONE);
	t_int(access_spam(&m, &hater).act, ACC_HATER);
	t_int(access_spam(&m, &friend).act, ACC_FRIEND);
	t_str(access_to(&m, &sales, true, false).text, "550 5.1.1 no such desk");
	t_int(access_to(&m, &sales, true, false).line, 23);
	tables_done(&tables);
}

static void
test_A49_relay(void **state)
{
	struct access_map m = load(map);
	struct path sub = path("x@sub.victim.example"), top = path("x@victim.example");
	bool by_name;

	(void)state;
	t_int(access_relay_client(&m, ip("192.0.2.99"), STR(""), &by_name).act, ACC_RELAY);
	t_false(by_name);
	t_int(access_relay_client(&m, ip("192.0.2.7"), STR(""), &by_name).act, ACC_NONE);
	t_int(access_relay_client(&m, ip("10.0.0.1"), STR("a.friend.example"), &by_name).act,
	    ACC_RELAY);
	t_true(by_name);
	t_int(access_relay_client(&m, ip("10.0.0.1"), STR("evilfriend.example"), &by_name).act,
	    ACC_NONE);
	t_int(access_relay_to(&m, &sub).act, ACC_RELAY);
	m.exact_hosts = true;
	t_int(access_relay_to(&m, &sub).act, ACC_NONE);
	t_int(access_relay_to(&m, &top).act, ACC_RELAY);
	t_int(access_relay_client(&m, ip("10.0.0.1"), STR("a.friend.example"), &by_name).act,
	    ACC_NONE);
	tables_done(&tables);
}

#define ISSUER "/C=US/ST=California/O=endmail.org/OU=private/CN=Darth+20Mail+20+28Cert+29/" \
	"Email=darth+2Bcert@endmail.org"
#define SUBJECT "/C=US/ST=California/O=endmail.org/OU=private/CN=DeathStar/" \
	"Email=deathstar@endmail.org"

static void
test_A65_certificates(void **state)
{
	struct access_map m = load("CertIssuer:" ISSUER "\tSUBJECT\nCertSubject:" SUBJECT
	    "\tRELAY\nCertIssuer:/O=whole\tRELAY\n");

	(void)state;
	t_int(access_cert(&m, STR(ISSUER), STR(SUBJECT)).act, ACC_RELAY);
	t_int(access_cert(&m, STR(ISSUER), STR("/C=US/CN=Other")).act, ACC_NONE);
	t_int(access_cert(&m, STR("/C=US"), STR(SUBJECT)).act, ACC_NONE);
	t_int(access_cert(&m, STR("/O=whole"), STR("/CN=any")).act, ACC_RELAY);
	t_int(access_cert(&m, STR(""), STR("")).act, ACC_NONE);
	/* A value that only looks like two parts is another name: its slash comes encoded. */
	t_int(access_cert(&m, STR(ISSUER), STR("/C=US/ST=California/O=endmail.org/OU=private+2FCN="
	    "DeathStar/Email=deathstar@endmail.org")).act, ACC_NONE);
	tables_done(&tables);
}

static void
test_A66_levels(void **state)
{
	static const struct {
		const char *text;
		bool good, verify, perm;
		unsigned bits;
	} cases[] = {
		{ "VERIFY", true, true, false, 0 }, { "VERIFY:112", true, true, false, 112 },
		{ "ENCR:112", true, false, false, 112 },
		{ "PERM+VERIFY:112", true, true, true, 112 },
		{ "TEMP+ENCR:56", true, false, false, 56 }, { "ENCR", false, 0, 0, 0 },
		{ "ENCR:112+CN:smtp.endmail.org", true, false, false, 112 },
		{ "VERIFY+CN++CITag:MyCA", true, true, false, 0 }, { "VERIFY:x", false, 0, 0, 0 },
	};
	struct access_map m = load("TLS_Srv:secure.example.com ENCR:112\n"
	    "TLS_Clt:laptop.example.com VERIFY:112\nTLS_Clt:192.0.2 PERM+VERIFY\nTLS_Clt: ENCR:40\n"
	    "TLS_Rcpt:darth@endmail.org ENCR:112+CN:smtp.endmail.org\nMyCA:/O=safe/CN=x OK\n"
	    "SRV_Features:laptop.example.com V\n");
	struct path darth = path("darth@endmail.org");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct access_level l;

		T_CASE(cases[i].text);
		t_int(access_level_parse(str_of(cases[i].text), &l), cases[i].good);
		if (cases[i].good) {
			t_int(l.verify, cases[i].verify);
			t_int(l.permanent, cases[i].perm);
			t_int(l.bits, cases[i].bits);
		}
	}
	t_str(access_host(&m, ACC_TLS_CLT, ip("10.0.0.1"), STR("a.laptop.example.com")).text,
	    "VERIFY:112");
	t_str(access_host(&m, ACC_TLS_CLT, ip("192.0.2.1"), STR("")).text, "PERM+VERIFY");
	t_str(access_host(&m, ACC_TLS_CLT, ip("10.0.0.1"), STR("")).text, "ENCR:40");
	t_str(access_host(&m, ACC_TLS_SRV, ip("10.0.0.1"), STR("secure.example.com")).text,
	    "ENCR:112");
	t_str(access_rcpt(&m, &darth).text, "ENCR:112+CN:smtp.endmail.org");
	t_int(access_own(&m, STR("MyCA"), STR("/O=safe/CN=x")).act, ACC_OK);
	t_int(access_own(&m, STR("MyCA"), STR("/O=safe/CN=y")).act, ACC_NONE);
	t_str(access_host(&m, ACC_SRV_FEATURES, ip("10.0.0.1"), STR("laptop.example.com")).text,
	    "V");
	tables_done(&tables);
}

static void
test_A53_values(void **state)
{
	static const struct { const char *line, *text; } cases[] = {
		{ "From:a.b ERROR:5.7.1:550 text", "550 5.7.1 text" },
		{ "From:a.b ERROR:5.7.1:\"550 text\"", "550 5.7.1 text" },
		{ "From:a.b ERROR:\"550 Spammers shan't see sunlight here\"",
		    "550 5.7.1 Spammers shan't see sunlight here" },
		{ "From:a.b ERROR:450 later", "450 4.7.1 later" },
		{ "From:a.b ERROR:4.2.2:450 mailbox full", "450 4.2.2 mailbox full" },
		{ "From:a.b ERROR:5.2.2:450 mixed", "450 4.2.2 mixed" },
		{ "From:a.b 550 plain words", "550 5.7.1 plain words" },
		{ "From:a.b \"550 5.1.1 quoted\"", "550 5.1.1 quoted" },
		{ "From:a.b ERROR:no code", "550 5.7.1 no code" },
		{ "From:a.b ERROR:4.7.1:", "450 4.7.1 Access denied" },
		{ "From:a.b QUARANTINE:looked at by hand", "looked at by hand" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct access_map m = load(cases[i].line);

		T_CASE(cases[i].line);
		t_str(access_domain(&m, ACC_FROM, STR("a.b")).text, cases[i].text);
		tables_done(&tables);
	}
}

static const struct { const char *line, *why; } bad[] = {
	{ "From:ours.example RELAY", "From: RELAY cannot be" },
	{ "From:a@b.example RELAY", "From: RELAY cannot be" },
	{ "old@ RELAY", "for a user in every domain" }, { "com RELAY", "top-level domain" },
	{ "193 RELAY", "nobody's own" }, { "0.0.0.0/0 RELAY", "nobody's own" },
	{ "IPv6:2001 RELAY", "nobody's own" }, { "Connect:a@b.example RELAY", "takes hosts" },
	{ "To:192.0.2 RELAY", "takes domains" }, { "Spam:a.b RELAY", "means nothing" },
	{ "a.b REJCT", "is no value" }, { "a.b", "nothing behind the key" },
	{ "Connect: REJECT", "nothing behind the tag" }, { "192.0.2.256 OK", "is no network" },
	{ "192.0.2.0/33 OK", "is no network" }, { "192.0.2.1/24 OK", "is no network" },
	{ "IPv6:2001:db8::g OK", "is no network" }, { "a..b OK", "is no host" },
	{ "@b.example REJECT", "is no address" }, { "TLS_Clt:a.b ENCR", "is no value" },
	{ "CertIssuer:/CN=x+2 RELAY", "is no name of a certificate" },
};

static void
test_A51_refused_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct image_builder *b = image_builder_new();
		struct conf_errors errs = {};

		T_CASE(bad[i].line);
		t_false(table_build(b, TABLE_ACCESS, STR("/a"), str_of(bad[i].line), &errs));
		t_int(errs.n, 1);
		t_true(str_find(errs.e[0].text, str_of(bad[i].why)) >= 0);
		t_int(errs.e[0].line, 1);
		conf_errors_done(&errs);
		image_builder_free(b);
	}
}

static void
count_relay(void *arg, const struct access_relay *r)
{
	uint64_t *seen = arg;

	t_true(r->line >= 1 && r->line <= 6);
	*seen |= UINT64_C(1) << r->line;
	if (r->line == 2)
		t_true(r->net.bits == 16 && r->net.ip.b[0] == 193 && r->net.ip.b[1] == 140);
	if (r->line == 1)
		t_str(r->name, "sendmail.org");
}

static void
test_relay_lines_listed(void **state)
{
	struct access_map m = load("Sendmail.org RELAY\n193.140 RELAY\na.b REJECT\n"
	    "localhost RELAY\n127.0.0.1 RELAY\nTo:c.d RELAY\n");
	uint64_t seen = 0;
	bool by_name;

	(void)state;
	access_relays(&m, count_relay, &seen);
	t_int(seen, 1 << 1 | 1 << 2 | 1 << 6);
	/* loopback lines, which most old files have, are read and grant nothing */
	t_int(access_relay_client(&m, ip("127.0.0.1"), STR("localhost"), &by_name).act, ACC_NONE);
	tables_done(&tables);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A52_connect_order), cmocka_unit_test(test_A52_addresses),
		cmocka_unit_test(test_A49_relay), cmocka_unit_test(test_A65_certificates),
		cmocka_unit_test(test_A66_levels), cmocka_unit_test(test_A53_values),
		cmocka_unit_test(test_A51_refused_lines),
		cmocka_unit_test(test_relay_lines_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
