/* SPDX-License-Identifier: ISC */
/*
 * log_test: lines as they must look, escaping, caps, a stuck sink, and what the compiler refuses.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/test.h"
#include "rt/clock.h"
#include "rt/log.h"

static int sink[2];

static int
up(void **state)
{
	(void)state;
	clock_simulate(1000, INT64_C(1795303380123));
	log_format(LOG_LOGFMT);
	log_threshold(LOG_INFO);
	log_role("", -1);
	log_cap(512);
	if (pipe2(sink, O_NONBLOCK) == -1)
		return -1;
	log_sink(sink[1]);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	log_sink(-1);
	(void)close(sink[0]);
	(void)close(sink[1]);
	clock_real();
	return 0;
}

static struct str
drain(void)
{
	static char text[1 << 20];
	size_t n = 0;
	ssize_t r;

	log_flush();
	while ((r = read(sink[0], text + n, sizeof text - n)) > 0)
		n += (size_t)r;
	return str_from(text, n);
}

#define HEAD "ts=2026-11-21T23:23:00.123Z level=info"

static void
test_fields(void **state)
{
	struct ip ip;

	(void)state;
	t_true(ip_parse(STR("2001:db8::1"), &ip));
	log_role("smtpd", 3);
	log_begin(LOG_INFO, "queued");
	log_s("from", STR("a@b.example"));
	log_s("z", "text");
	log_cstr("none", NULL);
	log_u("size", UINT64_MAX);
	log_i("low", INT64_MIN);
	log_b("tls", true);
	log_ip("ip", ip);
	log_id("id", 1);
	log_end();
	log_begin(LOG_DEBUG, "unseen");
	log_u("n", 1);
	log_end();
	t_str(drain(), HEAD " role=smtpd worker=3 event=queued from=a@b.example z=text "
	    "size=18446744073709551615 low=-9223372036854775808 tls=true ip=2001:db8::1 "
	    "id=0000000000001\n");
}

static const struct {
	const char *in, *logfmt, *json;
} cases[] = {
	{ "plain",		"plain",		"\"plain\"" },
	{ "",			"\"\"",			"\"\"" },
	{ "two words",		"\"two words\"",	"\"two words\"" },
	{ "a=b",		"\"a=b\"",		"\"a=b\"" },
	{ "say \"hi\"",		"\"say \\\"hi\\\"\"",	"\"say \\\"hi\\\"\"" },
	{ "back\\slash",	"\"back\\\\slash\"",	"\"back\\\\slash\"" },
	{ "x\nlevel=error",	"\"x\\nlevel=error\"",	"\"x\\nlevel=error\"" },
	{ "x\r\ty",		"\"x\\r\\ty\"",		"\"x\\r\\ty\"" },
	{ "\x01\x7f\xff",	"\"\\x01\\x7f\\xff\"",	"\"\\\\x01\\\\x7f\\\\xff\"" },
	{ "\xc3\xa4",		"\"\\xc3\\xa4\"",	"\"\\\\xc3\\\\xa4\"" },
};

static void
test_escape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char want[256];

		T_CASE(cases[i].in);
		log_format(LOG_LOGFMT);
		log_begin(LOG_INFO, "e");
		log_s("v", cases[i].in);
		log_end();
		(void)snprintf(want, sizeof want, HEAD " event=e v=%s\n", cases[i].logfmt);
		t_str(drain(), want);
		log_format(LOG_JSON);
		log_begin(LOG_INFO, "e");
		log_s("v", cases[i].in);
		log_u("n", 7);
		log_end();
		(void)snprintf(want, sizeof want, "{\"ts\":\"2026-11-21T23:23:00.123Z\","
		    "\"level\":\"info\",\"event\":\"e\",\"v\":%s,\"n\":7}\n", cases[i].json);
		t_str(drain(), want);
	}
}

static void
test_cap(void **state)
{
	static char big[100'000];

	(void)state;
	memset(big, 'x', sizeof big);
	log_cap(4);
	log_begin(LOG_INFO, "e");
	log_str("v", str_from(big, sizeof big));
	log_str("w", str_from(big, 4));
	log_end();
	t_str(drain(), HEAD " event=e v=\"xxxx...\" w=xxxx\n");
	/* A line over its ceiling goes as a whole, and is counted. */
	log_cap(2000);
	log_begin(LOG_INFO, "e");
	for (int i = 0; i < 20; i++)
		log_str("v", str_from(big, 2000));
	log_end();
	t_int(log_dropped(), 1);
	log_begin(LOG_INFO, "after");
	log_end();
	t_str(drain(), "ts=2026-11-21T23:23:00.123Z level=warn event=log_dropped lines=1\n"
	    HEAD " event=after\n");
}

/* Nobody reads: we go on, lines are lost and counted; what gets through is whole. */
static void
test_stuck(void **state)
{
	uint64_t before = log_dropped(), lines = 0, told = 0, dropped;
	struct str all, line;

	(void)state;
	for (uint64_t i = 0; i < 20'000; i++) {
		log_begin(LOG_INFO, "e");
		log_u("i", i);
		log_end();
		if (i % 100 == 0)
			log_flush();
	}
	dropped = log_dropped() - before;
	t_true(dropped > 1000);
	for (int round = 0; round < 200; round++) {
		if (round == 100) {
			log_begin(LOG_INFO, "e");
			log_u("i", 20'000);
			log_end();
		}
		for (all = drain(); all.n > 0; ) {
			line = str_split(&all, '\n');
			if (str_find(line, STR("event=e i=")) > 0)
				lines++;
			else if (str_find(line, STR("log_dropped lines=")) > 0)
				t_true(num_parse_u64(str_skip(line,
				    (size_t)str_rchr(line, '=') + 1), &told));
		}
	}
	t_int(told, dropped);
	t_int(lines + dropped, 20'001);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fields, up, down),
		cmocka_unit_test_setup_teardown(test_escape, up, down),
		cmocka_unit_test_setup_teardown(test_cap, up, down),
		cmocka_unit_test_setup_teardown(test_stuck, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
