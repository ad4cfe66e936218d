/* SPDX-License-Identifier: ISC */
/*
 * Tests of sendmail's front: the command lines that programs really use, and what becomes of their
 * input.
 */
#include "main/sendmail_compose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* style: long function allowed: a table of command lines */
static void
test_command_lines(void **state)
{
	static const struct {
		const char *argv[9];
		const char *name, *from;
		enum sendmail_mode mode;
		bool t, i;
		size_t nrcpt;
		const char *error;
	} cases[] = {
		/* cron */
		{ { "sendmail", "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root" },
		    "sendmail", NULL, SM_DELIVER, false, true, 1, NULL },
		/* PHP's mail() */
		{ { "sendmail", "-t", "-i" }, "sendmail", NULL, SM_DELIVER, true, true, 0, NULL },
		/* git send-email */
		{ { "sendmail", "-i", "a@b.example", "c@d.example" },
		    "sendmail", NULL, SM_DELIVER, false, true, 2, NULL },
		/* mutt */
		{ { "sendmail", "-oem", "-oi", "-f", "me@here.example", "--", "a@b" }, "sendmail",
		    "me@here.example", SM_DELIVER, false, true, 1, NULL },
		{ { "sendmail", "-fme@x", "-ti" }, "sendmail", "me@x", SM_DELIVER, true, true, 0,
		    NULL },
		{ { "sendmail", "-bs" }, "sendmail", NULL, SM_SMTP, false, false, 0, NULL },
		{ { "sendmail", "-bp" }, "sendmail", NULL, SM_QUEUE_LIST, false, false, 0, NULL },
		{ { "sendmail", "-q" }, "sendmail", NULL, SM_QUEUE_RUN, false, false, 0, NULL },
		{ { "mailq" }, "mailq", NULL, SM_QUEUE_LIST, false, false, 0, NULL },
		{ { "newaliases" }, "newaliases", NULL, SM_ALIASES, false, false, 0, NULL },
		{ { "sendmail", "-O", "IgnoreDots=True", "x@y" },
		    "sendmail", NULL, SM_DELIVER, false, true, 1, NULL },
		{ { "sendmail", "-Z" }, "sendmail", NULL, SM_DELIVER, false, false, 0,
		    "is no flag of this program" },
		{ { "sendmail", "-f" }, "sendmail", "", SM_DELIVER, false, false, 0,
		    "needs a value" },
		/* a command in a value; a time-out, not a sender */
		{ { "sendmail", "-fa@b>\r\nRCPT TO:<c@d", "x@y" }, "sendmail", NULL, SM_DELIVER,
		    false, false, 0, "holds a control character" },
		{ { "sendmail", "-V", "a\nDATA", "x@y" }, "sendmail", NULL, SM_DELIVER,
		    false, false, 0, "holds a control character" },
		{ { "sendmail", "-or5m", "-fa@b", "x@y" }, "sendmail", "a@b", SM_DELIVER, false,
		    false, 1, NULL },
	};

	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct sendmail_args a;
		int argc = 0;

		while (cases[k].argv[argc] != NULL)
			argc++;
		sendmail_args_parse(argc, (char *const *)(uintptr_t)cases[k].argv, cases[k].name,
		    &a);
		assert_int_equal(a.mode, cases[k].mode);
		assert_int_equal(a.take_recipients, cases[k].t);
		assert_int_equal(a.dot_is_text, cases[k].i);
		if (cases[k].error != NULL) {
			assert_string_equal(a.error, cases[k].error);
			continue;
		}
		assert_null(a.error);
		assert_int_equal(a.nrcpt, cases[k].nrcpt);
		if (cases[k].from != NULL)
			assert_string_equal(a.from, cases[k].from);
	}
}

/* style: long function allowed: a table of messages */
static void
test_compose(void **state)
{
	static const struct {
		bool t, i;
		const char *in, *out, *rcpt, *error;
	} cases[] = {
		{ true, true, "To: a@b.example, Bob <b@c.example>\nBcc: d@e.example\n\nx\n.\ny\n",
		    "To: a@b.example, Bob <b@c.example>\r\n"
		    "From: \"Al \\\"X\\\"\" <al@host.example>\r\n"
		    "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
		    "Message-ID: <0.0000000000000007@host.example>\r\n\r\nx\r\n.\r\ny\r\n",
		    "a@b.example b@c.example d@e.example ", NULL },
		{ true, false, "From: x@y\nDate: d\nMessage-Id: <m>\nTo: a@b\n\none\n.\ntwo\n",
		    "From: x@y\r\nDate: d\r\nMessage-Id: <m>\r\nTo: a@b\r\n\r\none\r\n",
		    "a@b ", NULL },
		{ true, true, "Resent-To: r@s\nTo: a@b\nFrom: f@g\nDate: d\nMessage-ID: <m>\n\n",
		    NULL, "r@s ", NULL },
		{ true, true, "To: root, Al <al.x>\nFrom: f@g\nDate: d\nMessage-ID: <m>\n\n",
		    NULL, "root al.x ", NULL },
		{ true, true, "From: root (Cron Daemon)\nSender: <al>\nTo: a@b\nDate: d\n"
		    "Message-ID: <m>\n\n",
		    "From: root@host.example (Cron Daemon)\r\nSender: <al@host.example>\r\n"
		    "To: a@b\r\nDate: d\r\nMessage-ID: <m>\r\n\r\n", "a@b ", NULL },
		{ true, true, "To: two words\n\n", NULL, NULL, "a recipient is no address" },
		{ true, true, "Subject: nobody\n\nx\n", NULL, NULL, "no recipient" },
		{ true, true, "To: a@b\n\nx\ry\n", NULL, NULL,
		    "the message holds NUL or lone CR octets, or is too large" },
	};
	struct caller who = {
		.login = STR("al"), .full_name = STR("Al \"X\""), .hostname = STR("host.example"),
		.chance = 7,
	};

	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct sendmail_args args = {
			.take_recipients = cases[k].t, .dot_is_text = cases[k].i,
		};
		struct arena a;
		struct composed c;
		const char *error = NULL;
		char rcpt[256] = "";
		size_t n = 0;

		arena_init(&a, 1 << 20);
		bool good = sendmail_compose(&args, &who, str_of(cases[k].in), &a, &c, &error);

		assert_int_equal(good, cases[k].error == NULL);
		for (size_t i = 0; i < c.nrcpt && good; i++) {
			memcpy(rcpt + n, c.rcpt[i].p, c.rcpt[i].n);
			n += c.rcpt[i].n;
			rcpt[n++] = ' ';
		}
		if (good)
			assert_string_equal(rcpt, cases[k].rcpt);
		else
			assert_string_equal(error, cases[k].error);
		if (cases[k].out != NULL) {
			assert_int_equal(c.message.n, strlen(cases[k].out));
			assert_memory_equal(c.message.p, cases[k].out, c.message.n);
		}
		arena_done(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_compose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
