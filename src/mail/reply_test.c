/* SPDX-License-Identifier: ISC */
/*
 * reply_test: replies out and in, EHLO keywords, and what hostile servers say.
 */
#include "mail/reply.h"

#include "base/test.h"
#include "mail/reply_read.h"
#include "mail/smtp.h"

static struct arena arena;

static void
test_format(void **state)
{
	static const struct {
		struct reply r;
		const char *wire;
	} cases[] = {
		{ { .code = 250, .text = STR_INIT("ok") }, "250 ok\r\n" },
		{ { .code = 250, .c = 2, .s = 1, .d = 0, .text = STR_INIT("sender ok") },
		  "250 2.1.0 sender ok\r\n" },
		{ { .code = 221, .c = 2, .text = STR_INIT("bye") }, "221 2.0.0 bye\r\n" },
		{ { .code = 250, .text = STR_INIT("mx.example\nSIZE 5\nDSN") },
		  "250-mx.example\r\n250-SIZE 5\r\n250 DSN\r\n" },
		{ { .code = 550, .c = 5, .s = 7, .d = 1, .text = STR_INIT("a\r250 ok\x1b\xff") },
		  "550 5.7.1 a?250 ok??\r\n" },
		{ { .code = 354, .text = STR_INIT("") }, "354 \r\n" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 10'000);
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(cases[i].wire);
		buf_reset(&b);
		t_true(reply_format(&b, &cases[i].r, false));
		t_str(buf_str(&b), cases[i].wire);
	}
	T_CASE("long text");
	static char text[2000];

	memset(text, 'x', sizeof text);
	text[300] = ' ';
	buf_reset(&b);
	t_true(reply_format(&b, &REPLY_TEXT(550, 5, 0, 0, str_from(text, sizeof text)), false));
	struct str rest = buf_str(&b);

	while (rest.n > 0) {
		struct str line = str_split(&rest, '\n');

		t_true(line.n + 1 <= REPLY_LINE_MAX);
		t_true(str_starts(line, rest.n > 0 ? STR("550-5.0.0 ") : STR("550 5.0.0 ")));
	}
	buf_done(&b);
	struct perr err = { .what = "bad", .code = PERR_CODE(555, 5, 4) };
	struct reply r = reply_of_perr(&err);

	t_int(r.code, 555);
	t_int(r.c * 100 + r.s * 10 + r.d, 554);
}

static enum reply_more
read_all(const char *lines, struct reply_in *r)
{
	struct str rest = str_of(lines);
	enum reply_more more = REPLY_MORE;

	*r = (struct reply_in){};
	while (rest.n > 0 && more == REPLY_MORE)
		more = reply_read_line(r, str_split(&rest, '\n'), &arena);
	return more;
}

static void
test_read(void **state)
{
	static const struct {
		const char *lines;
		enum reply_more end;
		unsigned code, status;
		const char *text;
	} cases[] = {
		{ "250 ok", REPLY_DONE, 250, 0, "ok" },
		{ "250", REPLY_DONE, 250, 0, "" },
		{ "250-a\n250 b", REPLY_DONE, 250, 0, "a b" },
		{ "550 5.7.2", REPLY_DONE, 550, 572, "" },
		{ "550 5.7.2 go", REPLY_DONE, 550, 572, "go" },
		{ "550-5.7.1 a\n550 5.7.1 b", REPLY_DONE, 550, 571, "a b" },
		{ "550 4.7.1 a", REPLY_DONE, 550, 0, "4.7.1 a" },
		{ "550 5.7 a", REPLY_DONE, 550, 0, "5.7 a" },
		{ "550 5.1234.1 a", REPLY_DONE, 550, 0, "5.1234.1 a" },
		{ "250-a\n251 b", REPLY_BROKEN, 0, 0, "" },
		{ "25 ok", REPLY_BROKEN, 0, 0, "" },
		{ "650 ok", REPLY_BROKEN, 0, 0, "" },
		{ "250ok", REPLY_BROKEN, 0, 0, "" },
		{ "HTTP/1.1 400", REPLY_BROKEN, 0, 0, "" },
		{ "554 a\x1b[2J\tb\xff \xe2\x80\xae!", REPLY_DONE, 554, 0, "a?[2J b? ?!" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct reply_in r;

		T_CASE(cases[i].lines);
		t_int(read_all(cases[i].lines, &r), cases[i].end);
		if (cases[i].end != REPLY_DONE)
			continue;
		t_int(r.code, cases[i].code);
		t_int(r.c * 100 + r.s * 10 + r.d, cases[i].status);
		t_str(reply_read_text(&r, &arena, 1000), cases[i].text);
	}
	T_CASE("endless reply");
	struct reply_in r = {};
	size_t n = 0;

	while (reply_read_line(&r, STR("250-x"), &arena) == REPLY_MORE)
		n++;
	t_int(n, REPLY_READ_LINES);
	arena_reset(&arena);
}

static void
test_ehlo(void **state)
{
	struct reply_in r;
	struct ehlo e;

	(void)state;
	T_CASE("ehlo");
	t_int(read_all("250-mx.example at your service\n250-size 1000\n250-PIPELINING\n"
		       "250-AUTH=LOGIN\n250-AUTH PLAIN LOGIN\n250-8bitmime\n"
		       "250-LIMITS RCPTMAX=50 MAILMAX=10 x\n250 SMTPUTF8", &r), REPLY_DONE);
	ehlo_parse(&r, &e);
	t_str(e.name, "mx.example");
	t_int(e.size, 1000);
	t_int(e.rcpt_max, 50);
	t_int(e.mail_max, 10);
	t_str(e.auth, "PLAIN LOGIN");
	t_int(e.ext, EXT_SIZE | EXT_PIPELINING | EXT_AUTH | EXT_8BITMIME | EXT_LIMITS |
	      EXT_SMTPUTF8);
	t_str(text_sanitise(STR("  a \r\n b\xc3\xb6 "), false, &arena, 100), "a b?");
	t_str(text_sanitise(STR("b\xc3\xb6\xc3\xb6"), true, &arena, 4), "b\xc3\xb6");
	arena_reset(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format), cmocka_unit_test(test_read),
		cmocka_unit_test(test_ehlo),
	};

	arena_init(&arena, 1 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
