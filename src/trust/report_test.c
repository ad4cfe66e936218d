/* SPDX-License-Identifier: ISC */
/*
 * report_test: aggregate reports: wrappings, refusals, and what is written is read.
 */
#include "base/test.h"

#include "base/base64.h"
#include "trust/report.h"

#define HEAD "<feedback xmlns='urn:ietf:params:xml:ns:dmarc-2.0'><report_metadata>" \
	"<org_name>R</org_name><email>%s</email><report_id>i</report_id><date_range>" \
	"<begin>1</begin><end>2</end></date_range></report_metadata><policy_published>" \
	"<domain>a.example</domain><p>reject</p></policy_published>"
#define ROW "<record><row><source_ip>192.0.2.1</source_ip><count>%s</count>" \
	"<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>" \
	"<reason><type>local_policy</type><comment>c</comment></reason>" \
	"</policy_evaluated></row><identifiers><header_from>a.example</header_from>" \
	"</identifiers><auth_results><dkim><domain>a.example</domain><selector>s</selector>" \
	"<result>pass</result></dkim><spf><domain>b.example</domain><result>fail</result></spf>" \
	"</auth_results></record>"

static struct arena a;
static const char *why;
static size_t line;

static struct str
sample(const char *email, const char *count)
{
	struct str head = str_fmt(&a, HEAD, email), row = str_fmt(&a, ROW, count);

	return str_cat(&a, head, row, row, STR("</feedback>"));
}

static bool
whole(struct str in, struct report *r)
{
	struct buf xml;
	bool good;

	buf_init(&xml, REPORT_UNPACKED_MAX + 65'536);
	good = report_unpack(in, &xml, &a, &why) && report_read(buf_str(&xml), &a, r, &why, &line);
	buf_done(&xml);
	return good;
}

static void
check(struct str in, bool mended)
{
	struct report r;

	if (!whole(in, &r))
		fail_msg("refused: %s (line %zu)", why, line);
	assert_int_equal(r.nrow, 2);
	assert_int_equal(r.messages, 14);
	assert_int_equal(r.mended, mended);
	assert_true(str_eq(r.domain, STR("a.example")));
	assert_true(str_eq(r.row->reason->type, STR("local_policy")));
	assert_true(r.row->auth->dkim && !r.row->auth->next->dkim);
	assert_true(str_eq(r.row->next->auth->next->domain, STR("b.example")));
}

static void
test_wrappings(void **state)
{
	struct str text = sample("x@y.example", "7");
	struct buf gz, b64;

	(void)state;
	check(text, false);
	check(str_cat(&a, STR("\xef\xbb\xbf\r\n"), text), false);
	check(sample("<x@y.example>&", "7"), true);
	check(str_sub(text, 0, text.n - sizeof "</feedback>" + 1), true);
	buf_init(&gz, 1 << 20);
	buf_init(&b64, 1 << 20);
	assert_true(report_gzip(text, &gz));
	check(buf_str(&gz), false);
	assert_true(base64_encode(&b64, buf_str(&gz)));
	check(str_cat(&a, STR("From: x@y\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
	    "boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/gzip\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n"), buf_str(&b64), STR("\r\n--b--\r\n")),
	    false);
	for (size_t n = 0; n + 1 < gz.n; n++) {
		struct report r;

		assert_false(whole(str_sub(buf_str(&gz), 0, n), &r));
	}
	buf_done(&gz);
	buf_done(&b64);
}

static void
refused(struct str in, const char *want)
{
	struct report r;

	assert_false(whole(in, &r));
	if (str_find(str_of(why), str_of(want)) < 0)
		fail_msg("%s, not %s", why, want);
}

static void
test_X4_T_BOMB(void **state)
{
	static char zeros[2 << 20];
	struct str text = sample("x@y.example", "7");
	struct buf gz, again;

	(void)state;
	memset(zeros, ' ', sizeof zeros);
	zeros[0] = '<';
	buf_init(&gz, 4 << 20);
	buf_init(&again, 4 << 20);
	assert_true(report_gzip(str_from(zeros, sizeof zeros), &gz));
	refused(buf_str(&gz), "more than a report may be");
	assert_true(report_gzip(buf_str(&gz), &again));	/* one wrapping, not two */
	refused(buf_str(&again), "not well-formed");
	refused(str_cat(&a, STR("<!DOCTYPE feedback [<!ENTITY a 'aaaa'>]>"), text),
	    "document type");
	refused(str_cat(&a, STR("<!DOCTYPE feedback SYSTEM 'file:///etc/passwd'>"), text),
	    "document type");
	refused(STR("PK\3\4 feedback"), "zip");
	buf_done(&gz);
	buf_done(&again);
}

static void
test_refused(void **state)
{
	(void)state;
	refused(STR(""), "neither");
	refused(STR("Subject: x\r\n\r\nno report\r\n"), "neither");
	refused(STR("<other>feedback</other>"), "<feedback>");
	refused(STR("<feedback></feedback>"), "no domain");
	refused(STR("<feedback><report_metadata>"), "not well-formed");
	refused(sample("x", "-1"), "no number");
	refused(sample("x", "18446744073709551615"), "no number");	/* the sum */
}

static void
test_written_is_read(void **state)
{
	struct report_auth spf = { .domain = STR("b.example"), .result = STR("fail") };
	struct report_auth dkim = { .dkim = true, .domain = STR("a.example"), .next = &spf,
		.selector = STR("s"), .result = STR("pass") };
	struct report_reason reason = { .type = STR("local_policy"),
		.comment = STR("<]]>&\x01\xff") };
	struct report_row two = { .count = 7, .auth = &dkim, .reason = &reason,
		.source_ip = STR("2001:db8::1"), .header_from = STR("a.example") };
	struct report_row one = two;
	struct report r = { .org = STR("O & <P>"), .email = STR("p@o.example"), .id = STR("1"),
		.domain = STR("a.example"), .p = STR("none"), .row = &one }, back;
	struct buf xml;

	(void)state;
	one.next = &two;
	buf_init(&xml, 1 << 20);
	assert_true(report_write(&r, &xml));
	check(buf_str(&xml), false);
	assert_true(whole(buf_str(&xml), &back));
	assert_true(str_eq(back.org, r.org));
	assert_true(str_eq(back.row->reason->comment, STR("<]]>&?\xef\xbf\xbd")));
	assert_false(back.row->auth->next->selector.n > 0);
	buf_done(&xml);
	buf_init(&xml, 100);
	assert_false(report_write(&r, &xml));
	buf_done(&xml);
}

static int
begin(void **state)
{
	(void)state;
	arena_init(&a, 64 << 20);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_done(&a);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrappings), cmocka_unit_test(test_X4_T_BOMB),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_written_is_read),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
