/* SPDX-License-Identifier: ISC */
/*
 * smtp_test: command lines, parameters, xtext; a case a line.
 */
#include "mail/smtp.h"

#include "base/test.h"

static struct arena arena;

static void
test_verbs(void **state)
{
	static const struct {
		const char *line;
		enum smtp_verb verb;
		const char *args;
	} cases[] = {
		{ "EHLO a.example", SMTP_EHLO, "a.example" },
		{ "ehlo  a.example  ", SMTP_EHLO, "a.example" },
		{ "mAiL FROM:<>", SMTP_MAIL, "FROM:<>" },
		{ "RCPT", SMTP_RCPT, "" },
		{ "DATA ", SMTP_DATA, "" },
		{ "BDAT 10 LAST", SMTP_BDAT, "10 LAST" },
		{ "STARTTLS", SMTP_STARTTLS, "" },
		{ "XCLIENT ADDR=1.2.3.4", SMTP_XCLIENT, "ADDR=1.2.3.4" },
		{ "SEND FROM:<a@b>", SMTP_OBSOLETE, "FROM:<a@b>" },
		{ "TURN", SMTP_OBSOLETE, "" },
		{ "GET / HTTP/1.1", SMTP_FOREIGN, "/ HTTP/1.1" },
		{ "CONNECT x:25 HTTP/1.0", SMTP_FOREIGN, "x:25 HTTP/1.0" },
		{ "MAILFROM:<a@b>", SMTP_UNKNOWN, ":<a@b>" },
		{ "MAIL:<a@b>", SMTP_UNKNOWN, ":<a@b>" },
		{ "STARTTLSX", SMTP_UNKNOWN, "" },
		{ " NOOP", SMTP_UNKNOWN, "NOOP" },
		{ "", SMTP_UNKNOWN, "" },
		{ "\x16\x03\x01", SMTP_UNKNOWN, "\x16\x03\x01" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct smtp_cmd cmd = smtp_cmd_parse(str_of(cases[i].line));

		T_CASE(cases[i].line);
		t_int(cmd.verb, cases[i].verb);
		t_str(cmd.args, cases[i].args);
	}
	t_str(smtp_verb_name(SMTP_BDAT), "BDAT");
}

enum { ALL = 0xffff & ~EXT_BINARYMIME };

static void
test_mail(void **state)
{
	static const struct {
		const char *args;
		unsigned ext, code;			/* code 0: right */
	} cases[] = {
		{ "FROM:<a@b.example>", 0, 0 },
		{ "from: <a@b.example>", 0, 0 },
		{ "FROM:<a@b.example> SIZE=500000", ALL, 0 },		/* RFC 1870 */
		{ "FROM:<a@b.example> SIZE=500000", 0, 5550504 },
		{ "FROM:<a@b.example> SIZE=99999999999999999999", ALL, 0 },
		{ "FROM:<a@b.example> SIZE=999999999999999999999", ALL, 5010504 },
		{ "FROM:<a@b.example> SIZE=", ALL, 5010504 },
		{ "FROM:<a@b.example> SIZE=-1", ALL, 5010504 },
		{ "FROM:<a@b.example> SIZE", ALL, 5010504 },
		{ "FROM:<a@b.example> SIZE=1 SIZE=2", ALL, 5010504 },
		{ "FROM:<a@b.example> body=8bitmime  size=1 ", ALL, 0 },
		{ "FROM:<a@b.example> BODY=BINARYMIME", ALL, 5010504 },
		{ "FROM:<a@b.example> BODY=BINARYMIME", ALL | EXT_BINARYMIME, 0 },
		{ "FROM:<a@b.example> RET=HDRS ENVID=QQ314159", ALL, 0 },	/* RFC 3461 10 */
		{ "FROM:<a@b.example> RET=ALL", ALL, 5010504 },
		{ "FROM:<a@b.example> ENVID=a+0", ALL, 5010504 },
		{ "FROM:<a@b.example> ENVID=a+0A", ALL, 5010504 },
		{ "FROM:<e=mc2@example.com> AUTH=e+3Dmc2@example.com", ALL, 0 },
		{ "FROM:<a@b.example> AUTH=<>", ALL, 0 },
		{ "FROM:<a@b.example> AUTH=x", ALL, 5010504 },
		{ "FROM:<a@b.example> REQUIRETLS", ALL, 0 },
		{ "FROM:<a@b.example> REQUIRETLS=1", ALL, 5010504 },
		{ "FROM:<a@b.example> SMTPUTF8=1", ALL, 5010504 },
		{ "FROM:<\xc3\xb6@b.example> SMTPUTF8", ALL, 0 },
		{ "FROM:<\xc3\xb6@b.example>", ALL, 5530607 },
		{ "FROM:<\xc3\xb6@b.example> SMTPUTF8", 0, 5530607 },
		{ "FROM:<a@b.example> NOTIFY=NEVER", ALL, 5550504 },
		{ "FROM:<a@b.example> FOO=BAR", ALL, 5550504 },
		{ "FROM:<a@b.example> -x", ALL, 5010504 },
		{ "FROM:<a@b.example> a=b=c", ALL, 5550504 },
		{ "FROM:<a@b.example>junk", ALL, 5010504 },
		{ "FROM:<a@b.example>\tSIZE=1", ALL, 5010504 },
		{ "FROM:<a@b.example> SIZE=1\x01", ALL, 5010504 },
		{ "FROM <a@b.example>", ALL, 5010504 },
		{ "FROM:", ALL, 5010107 },
		{ "TO:<a@b.example>", ALL, 5010504 },
		{ "", ALL, 5010504 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct smtp_rules r = { .arena = &arena, .ext = cases[i].ext };
		struct mail_args m;
		struct perr err = {};
		bool ok = smtp_mail_parse(str_of(cases[i].args), &r, &m, &err);

		T_CASE(cases[i].args);
		t_true(ok == (cases[i].code == 0));
		if (!ok)
			t_int(err.code, cases[i].code);
	}
	arena_reset(&arena);
}

static void
test_rcpt(void **state)
{
	static const struct {
		const char *args;
		bool ok;
		unsigned notify;
		const char *orcpt;
	} cases[] = {
		{ "TO:<a@b.example>", true, 0, "" },
		{ "TO:<Postmaster>", true, 0, "" },
		{ "TO:<>", false, 0, "" },
		{ "TO:<a@b.example> NOTIFY=NEVER", true, NOTIFY_NEVER, "" },
		{ "TO:<a@b.example> notify=success,Failure,DELAY", true, 14, "" },
		{ "TO:<a@b.example> NOTIFY=NEVER,DELAY", false, 0, "" },
		{ "TO:<a@b.example> NOTIFY=DELAY,DELAY", false, 0, "" },
		{ "TO:<a@b.example> NOTIFY=", false, 0, "" },
		{ "TO:<a@b.example> NOTIFY=DELAY,", false, 0, "" },
		{ "TO:<a@b.example> ORCPT=rfc822;Bob@a.example", true, 0, "rfc822;Bob@a.example" },
		{ "TO:<a@b.example> ORCPT=rfc822;Bob+2Bx@a.example", true, 0,
		  "rfc822;Bob+2Bx@a.example" },
		{ "TO:<a@b.example> ORCPT=bob@a.example", false, 0, "" },
		{ "TO:<a@b.example> ORCPT=;x", false, 0, "" },
		{ "TO:<a@b.example> ORCPT=rfc822;x+1", false, 0, "" },
		{ "TO:<a@b.example> ORCPT=rfc822;x+0A", false, 0, "" },
		{ "TO:<a@b.example> ORCPT=utf-8;b\\x{F6}b@a.example", true, 0,
		  "utf-8;b\\x{F6}b@a.example" },
		{ "TO:<a@b.example> ORCPT=utf-8;b\\x{D800}b@a.example", false, 0, "" },
		{ "TO:<a@b.example> ORCPT=utf-8;b\\x{202E}b@a.example", false, 0, "" },
		{ "TO:<a@b.example> SIZE=3", false, 0, "" },
		{ "TO:<\xc3\xb6@b.example>", false, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct smtp_rules r = { .arena = &arena, .ext = ALL };
		struct rcpt_args m;
		struct perr err = {};
		bool ok = smtp_rcpt_parse(str_of(cases[i].args), &r, &m, &err);

		T_CASE(cases[i].args);
		t_true(ok == cases[i].ok);
		if (ok) {
			t_int(m.notify, cases[i].notify);
			t_str(m.orcpt, cases[i].orcpt);
		}
	}
	arena_reset(&arena);
}

static void
test_small(void **state)
{
	struct hello_args h;
	struct perr err = {};
	uint64_t size;
	bool last;
	struct str mech, initial;

	(void)state;
	T_CASE("hello");
	t_true(smtp_hello_parse(STR("a.example"), &h, &err) && !h.sloppy && !h.literal);
	t_true(smtp_hello_parse(STR("[192.0.2.1]"), &h, &err) && h.literal);
	t_true(smtp_hello_parse(STR("my_pc"), &h, &err) && h.sloppy);
	t_false(smtp_hello_parse(STR("a b"), &h, &err));
	t_false(smtp_hello_parse(STR(""), &h, &err));
	t_false(smtp_hello_parse(STR("a\x1b[2J"), &h, &err));
	T_CASE("bdat");
	t_true(smtp_bdat_parse(STR("86 LAST"), &size, &last, &err) && size == 86 && last);
	t_true(smtp_bdat_parse(STR("0"), &size, &last, &err) && size == 0 && !last);
	t_false(smtp_bdat_parse(STR("1x"), &size, &last, &err));
	t_false(smtp_bdat_parse(STR(""), &size, &last, &err));
	t_false(smtp_bdat_parse(STR("1 FIRST"), &size, &last, &err));
	t_false(smtp_bdat_parse(STR("99999999999999999999"), &size, &last, &err));
	T_CASE("auth");
	t_true(smtp_auth_parse(STR("PLAIN AGFs"), &mech, &initial, &err));
	t_str(initial, "AGFs");
	t_true(smtp_auth_parse(STR("EXTERNAL ="), &mech, &initial, &err));
	t_true(initial.p != NULL && initial.n == 0);
	t_true(smtp_auth_parse(STR("LOGIN"), &mech, &initial, &err) && initial.p == NULL);
	t_false(smtp_auth_parse(STR("PLAIN a b"), &mech, &initial, &err));
	t_false(smtp_auth_parse(STR(""), &mech, &initial, &err));
}

static void
test_xtext(void **state)
{
	struct buf b;
	struct str out;

	(void)state;
	buf_init(&b, 1000);
	T_CASE("xtext");
	t_true(xtext_encode(&b, STR("a+b=c d\xff")));
	t_str(buf_str(&b), "a+2Bb+3Dc+20d+FF");
	t_true(xtext_decode(buf_str(&b), &arena, &out));
	t_str(out, "a+b=c d\xff");
	t_false(xtext_decode(STR("a+2"), &arena, &out));
	t_false(xtext_decode(STR("a=b"), &arena, &out));
	buf_reset(&b);
	t_true(utf8_xtext_encode(&b, STR("b\xc3\xb6" "b@a")));
	t_str(buf_str(&b), "b\\x{F6}b@a");
	t_true(utf8_xtext_decode(buf_str(&b), &arena, &out));
	t_str(out, "b\xc3\xb6" "b@a");
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verbs), cmocka_unit_test(test_mail),
		cmocka_unit_test(test_rcpt), cmocka_unit_test(test_small),
		cmocka_unit_test(test_xtext),
	};

	arena_init(&arena, 1 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
