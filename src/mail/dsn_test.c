/* SPDX-License-Identifier: ISC */
/*
 * dsn_test: notifications are read back with the parsers of this folder; what a remote server says
 * can change nothing but the text of its own field.
 */
#include "mail/dsn.h"

#include "base/test.h"
#include "mail/mime.h"
#include "mail/msg.h"

static struct arena arena;

static struct str
made(const struct dsn *d)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, 1 << 20);
	t_true(dsn_format(&b, d, &arena));
	return buf_str(&b);
}

static bool
has(struct str text, const char *what)
{
	if (str_find(text, str_of(what)) >= 0)
		return true;
	print_error("missing: %s\nin: " STR_F "\n", what, STR_A(text));
	return false;
}

static const struct dsn base = {
	.reporting_mta = STR_INIT("mx.example"), .from = STR_INIT("postmaster@example"),
	.to = STR_INIT("alice@a.example"), .message_id = STR_INIT("1@mx.example"),
	.boundary = STR_INIT("b0undary"), .now_s = 1'057'049'557, .arrival_s = 1'057'049'500,
	.original = STR_INIT("From: alice@a.example\r\nSubject: hi\r\n\r\nbody text\r\n"),
};

static void
test_failed(void **state)
{
	struct dsn_rcpt r = {
		.addr = STR("bob@b.example"), .orcpt = STR("rfc822;Bob+2Bx@b.example"),
		.action = DSN_FAILED, .status = STR("5.1.1"), .remote_mta = STR("mx.b.example"),
		.reply = STR("550 5.1.1 no\r\nX-Evil: 1\x1b[2J\r\n\r\n--b0undary--"),
		.last_attempt_s = 1'057'049'550,
	};
	struct dsn d = base;
	struct str text;
	struct mime_part *m;

	(void)state;
	T_CASE("failed");
	d.rcpt = &r;
	d.nrcpt = 1;
	d.envid = STR("QQ+2B1");
	text = made(&d);
	m = mime_parse(text, &arena);
	t_str(m->type.subtype, "report");
	t_str(mime_param(&m->type, STR("report-type")), "delivery-status");
	t_str(m->child->type.subtype, "plain");
	t_str(m->child->next->type.subtype, "delivery-status");
	t_str(m->child->next->next->type.subtype, "rfc822-headers");
	t_true(m->child->next->next->next == NULL);
	t_true(has(m->child->body, "There is no mailbox of that name."));
	t_true(has(m->child->next->body, "Reporting-MTA: dns; mx.example\r\n"
		   "Original-Envelope-Id: QQ+1\r\nArrival-Date: Tue, 1 Jul 2003 08:51:40 +0000\r\n"
		   "\r\nOriginal-Recipient: rfc822; Bob+x@b.example\r\n"
		   "Final-Recipient: rfc822; bob@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
		   "Remote-MTA: dns; mx.b.example\r\nDiagnostic-Code: smtp; 550 5.1.1 no"));
	t_int(str_find(text, STR("\nX-Evil")), -1);
	t_int(str_find(text, STR("\x1b")), -1);
	t_int(str_find(text, STR("body text")), -1);
	t_true(has(m->child->next->next->body, "Subject: hi"));
	d.full = true;
	t_true(has(made(&d), "body text\r\n\r\n--b0undary--\r\n"));
}

static void
test_delayed_utf8(void **state)
{
	struct dsn_rcpt r = {
		.addr = STR("b\xc3\xb6" "b@b.example"), .orcpt = STR("utf-8;b\\x{F6}b@b.example"),
		.action = DSN_DELAYED, .status = STR("nonsense"), .reply = STR("no answer"),
		.retry_until_s = 1'057'149'557,
	};
	struct dsn d = base;
	struct str text;

	(void)state;
	T_CASE("delayed");
	d.rcpt = &r;
	d.nrcpt = 1;
	text = made(&d);
	t_true(has(text, "Final-Recipient: utf-8; b\\x{F6}b@b.example\r\n"));
	t_true(has(text, "Status: 4.0.0\r\nDiagnostic-Code: x-postern; no answer\r\n"
		   "Will-Retry-Until: "));
	t_true(has(text, "we keep trying"));
	d.utf8 = true;
	text = made(&d);
	t_true(has(text, "Content-Type: message/global-delivery-status"));
	t_true(has(text, "Original-Recipient: utf-8; b\xc3\xb6" "b@b.example\r\n"
		   "Final-Recipient: utf-8; b\xc3\xb6" "b@b.example\r\n"));
	t_true(has(text, "Content-Type: message/global-headers"));
}

static void
test_long_lines(void **state)
{
	static char words[800];
	struct dsn_rcpt r = { .addr = STR("a@b.example"), .action = DSN_FAILED,
			      .status = STR("5.7.1"), .reply = str_from(words, sizeof words) };
	struct dsn d = base;
	struct str text;

	(void)state;
	T_CASE("folding");
	for (size_t i = 0; i < sizeof words; i++)
		words[i] = i % 10 ? 'x' : ' ';
	d.rcpt = &r;
	d.nrcpt = 1;
	text = made(&d);
	while (text.n > 0)
		t_true(str_split(&text, '\n').n <= 79);
	t_true(dsn_status_valid(STR("5.7.30")));
	t_false(dsn_status_valid(STR("5.7")));
	t_false(dsn_status_valid(STR("3.7.1")));
	t_false(dsn_status_valid(STR("5.7.1.1")));
	t_false(dsn_status_valid(STR("5..1.1")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed), cmocka_unit_test(test_delayed_utf8),
		cmocka_unit_test(test_long_lines),
	};

	arena_init(&arena, 1 << 24);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
