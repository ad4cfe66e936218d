/* SPDX-License-Identifier: ISC */
/*
 * received_test: trace fields and dates.
 */
#include "mail/received.h"

#include "base/test.h"
#include "mail/date.h"

static struct buf b;

static struct str
made(const struct received *r)
{
	buf_reset(&b);
	t_true(received_format(&b, r));
	return buf_str(&b);
}

static void
test_format(void **state)
{
	struct received r = {
		.helo = STR("client.example"), .has_ip = true, .ptr = STR("host.client.example"),
		.by = STR("mx.example"), .with = STR("ESMTPS"), .id = STR("abc"),
		.rcpt = STR("bob@b.example"), .tls_version = STR("TLSv1.3"),
		.tls_cipher = STR("TLS_AES_256_GCM_SHA384"), .tls_bits = 256,
		.tls_verify = STR("OK"), .unix_s = 1'057'049'557, .zone_min = 120,
	};
	struct received_in in;
	struct str text, rest;

	(void)state;
	T_CASE("whole");
	t_true(ip_parse(STR("192.0.2.1"), &r.ip));
	t_str(made(&r),
	      "Received: from client.example (host.client.example [192.0.2.1])\r\n"
	      "\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK)\r\n"
	      "\tby mx.example with ESMTPS id abc for <bob@b.example>;\r\n"
	      "\tTue, 1 Jul 2003 10:52:37 +0200\r\n");
	text = str_skip(buf_str(&b), 9);
	t_true(received_parse(text, &in));
	t_str(in.from, "client.example");
	t_str(in.by, "mx.example");
	t_str(in.with, "ESMTPS");
	t_str(in.rcpt, "<bob@b.example>");
	T_CASE("evil client");
	r = (struct received){ .helo = STR("x)\r\nX: (;<y"), .has_ip = true, .by = STR("m"),
			       .with = STR("SMTP"), .id = STR("i") };
	t_true(ip_parse(STR("2001:db8::1"), &r.ip));
	text = made(&r);
	t_true(str_find(text, STR("from x???X:????y ([IPv6:2001:db8::1]) by m")) > 0);
	T_CASE("local");
	r = (struct received){ .local_user = STR("root"), .by = STR("m"), .with = STR("local"),
			       .id = STR("i") };
	t_true(str_starts(made(&r), STR("Received: (from root) by m with local id i;\r\n\t")));
	T_CASE("long names");
	static char name[255];

	memset(name, 'a', sizeof name);
	r.local_user = (struct str){};
	r.helo = str_from(name, sizeof name);
	r.ptr = r.helo;
	r.has_ip = true;
	rest = made(&r);
	while (rest.n > 0)
		t_true(str_split(&rest, '\n').n <= 400);
}

static void
test_with(void **state)
{
	static const struct {
		struct received_by w;
		const char *word;
	} cases[] = {
		{ {}, "SMTP" },
		{ { .tls = true }, "SMTP" },
		{ { .extended = true }, "ESMTP" },
		{ { .extended = true, .tls = true }, "ESMTPS" },
		{ { .extended = true, .auth = true }, "ESMTPA" },
		{ { .extended = true, .tls = true, .auth = true }, "ESMTPSA" },
		{ { .extended = true, .tls = true, .auth = true, .utf8 = true }, "UTF8SMTPSA" },
		{ { .lmtp = true }, "LMTP" },
		{ { .lmtp = true, .utf8 = true, .tls = true }, "UTF8LMTPS" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].word);
		t_str(received_with(cases[i].w), cases[i].word);
	}
}

static void
test_dates(void **state)
{
	static const struct {
		const char *in;
		int64_t unix_s;			/* -1: refused */
		int zone;
	} cases[] = {
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880'127'706, -360 },	/* RFC 5322 A */
		{ "Tue, 1 Jul 2003 10:52:37 +0200", 1'057'049'557, 120 },
		{ "Thu, 13 Feb 1969 23:32:54 -0330", -27'723'426, -210 },
		{ "Thu,\r\n\t13\r\n  Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)",
		  -27'723'480, -210 },						/* A.5 */
		{ "21 Nov 97 09:55:06 GMT", 880'106'106, 0 },			/* A.6.2 */
		{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880'127'706, -360 },
		{ "1 Jan 100 00:00:00 Z", 946'684'800, 0 },
		{ "31 Dec 2016 23:59:60 +0000", 1'483'228'800, 0 },
		{ "29 Feb 2000 00:00 EST", 951'800'400, -300 },
		{ "29 Feb 1900 00:00 EST", -1, 0 },
		{ "Tue, 32 Jul 2003 10:52:37 +0200", -1, 0 },
		{ "Tue, 1 Jul 2003 24:52:37 +0200", -1, 0 },
		{ "Tue, 1 Jul 2003 10:52:37", -1, 0 },
		{ "Tue, 1 Jul 2003 10:52:37 +020", -1, 0 },
		{ "Tue, 1 Jul 2003 10:52:37 +0260", -1, 0 },
		{ "Tue, 1 Jul 2003 10:52:37 +0200 x", -1, 0 },
		{ "Tue, 1 Jul 2003 10:52:37 +0200 (x", -1, 0 },
		{ "", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct date d;
		struct perr err = {};
		bool ok = date_parse(str_of(cases[i].in), &d, &err);

		T_CASE(cases[i].in);
		t_true(ok == (cases[i].unix_s != -1));
		if (!ok)
			continue;
		t_int(date_unix(&d), cases[i].unix_s);
		t_int(d.zone, cases[i].zone);
	}
	T_CASE("round trip");
	for (int64_t s = -3'000'000'000; s < 6'000'000'000; s += 98'765'432) {
		struct date d;
		struct perr err = {};

		buf_reset(&b);
		t_true(date_format(&b, s, 330));
		t_true(date_parse(buf_str(&b), &d, &err) || d.year < 1900);
		if (d.year >= 1900)
			t_int(date_unix(&d), s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format), cmocka_unit_test(test_with),
		cmocka_unit_test(test_dates),
	};

	buf_init(&b, 1 << 16);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
