/* SPDX-License-Identifier: ISC */
/*
 * visit_test: what happens at the door, with the clock and the network simulated.
 *
 * Limits by address and in total, early talkers, PROXY and XCLIENT from listed peers and others,
 * slow and idle crowds, draining, a disk that fails or is full.
 */
#include "base/test.h"

#include <errno.h>
#include <stdlib.h>

#include "rt/clock.h"
#include "smtpd/testhouse.h"

struct scene {
	struct house *h;
	char why[300];
	unsigned n;
};

static void
want(struct scene *s, struct conn *c, const char *head)
{
	struct str line = {};

	conn_deadline(c, now_ms() + 700'000);
	do {
		if (conn_line(c, 1000, &line) != IO_OK)
			line = STR("(closed)");
	} while (line.n > 3 && line.p[3] == '-');
	if (!str_starts(line, str_of(head)) && s->why[0] == '\0')
		(void)snprintf(s->why, sizeof(s->why), "want %s, got " STR_F, head, STR_A(line));
}

static void
say(struct scene *s, struct conn *c, const char *text, const char *head)
{
	(void)conn_putz(c, text);
	(void)conn_flush(c);
	want(s, c, head);
}

static struct conn *
come(struct scene *s, const char *ip)
{
	struct house_client who = { .listener = L_MX };

	if (!ip_parse(str_of(ip), &who.ip))
		abort();
	return house_connect(s->h, &who);
}

static void
play(const char *name, const char *conf, void (*fn)(void *))
{
	struct scene s = { .h = house_new(7, conf) };

	T_CASE(name);
	house_run(s.h, fn, &s);
	t_str(str_of(s.why), "");
	t_int(s.n, 1);
	t_int(house_free(s.h), 0);
}

/* ---- limits ---- */

static void
per_address_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c[50], *more;

	for (unsigned i = 0; i < COUNT(c); i++) {
		c[i] = come(s, i % 2 ? "2001:db8::1" : "2001:db8::2:1");
		want(s, c[i], "220 ");
	}
	more = come(s, "2001:db8::3");
	want(s, more, "421 4.7.0 ");
	conn_close(more);
	more = come(s, "2001:db8:0:1::3");
	want(s, more, "220 ");
	conn_close(more);
	/* granted networks carry many clients */
	for (unsigned i = 0; i < 60; i++) {
		more = come(s, "203.0.113.9");
		want(s, more, "220 ");
		conn_close(more);
	}
	for (unsigned i = 0; i < COUNT(c); i++)
		conn_close(c[i]);
	(void)co_sleep(1000);
	more = come(s, "2001:db8::3");
	want(s, more, "220 ");
	conn_close(more);
	s->n = 1;
}

static void
rate_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c;

	for (unsigned i = 0; i < 300; i++) {
		c = come(s, "198.51.100.1");
		say(s, c, "", "220 ");
		say(s, c, "QUIT\r\n", "221 ");
		conn_close(c);
	}
	c = come(s, "198.51.100.1");
	want(s, c, "421 4.7.0 ");
	conn_close(c);
	(void)co_sleep(60'000);
	c = come(s, "198.51.100.1");
	want(s, c, "220 ");
	conn_close(c);
	s->n = 1;
}

static void
total_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c[20], *more;

	for (unsigned i = 0; i < COUNT(c); i++) {
		char ip[40];

		(void)snprintf(ip, sizeof(ip), "198.51.%u.1", i);
		c[i] = come(s, ip);
		want(s, c[i], "220 ");
		if (i < 17)
			say(s, c[i], "EHLO client.example\r\n", "250 ");
	}
	more = come(s, "198.51.200.1");
	want(s, more, "421 4.3.2 ");
	conn_close(more);
	/* Nearly full: patience is short, and places come free. */
	(void)co_sleep(61'000);
	more = come(s, "198.51.200.1");
	want(s, more, "220 ");
	conn_close(more);
	for (unsigned i = 0; i < COUNT(c); i++)
		conn_close(c[i]);
	s->n = 1;
}

static void
test_A48_X1_limits(void **state)
{
	(void)state;
	play("per address", NULL, per_address_run);
	play("rate", NULL, rate_run);
	play("total", "limits {\n sessions 20\n sessions-per-address 20\n}\n", total_run);
}

/* 2,000 slow clients, and a message gets through in no time. */
static void
crowd_run(void *arg)
{
	struct scene *s = arg;
	struct conn **c = calloc(1999, sizeof(struct conn *)), *good;
	int64_t began;

	for (unsigned i = 0; i < 1999; i++) {
		char ip[40];

		(void)snprintf(ip, sizeof(ip), "198.18.%u.%u", i / 40, i % 40);
		c[i] = come(s, ip);
		(void)conn_putz(c[i], "E");
		(void)conn_flush(c[i]);
	}
	began = now_ms();
	good = come(s, "198.51.100.7");
	want(s, good, "220 ");
	say(s, good, "EHLO client.example\r\n", "250 ");
	say(s, good, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, good, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	say(s, good, "DATA\r\n", "354 ");
	say(s, good, "Subject: x\r\n\r\n.\r\n", "250 ");
	if (now_ms() - began > 2000)
		(void)snprintf(s->why, sizeof(s->why), "took %d ms", (int)(now_ms() - began));
	(void)co_sleep(62'000);
	if (s->h->srv->live[L_MX] != 0 && s->why[0] == '\0')
		(void)snprintf(s->why, sizeof(s->why), "%d still there",
		    (int)s->h->srv->live[L_MX]);
	conn_close(good);
	for (unsigned i = 0; i < 1999; i++)
		conn_close(c[i]);
	free(c);
	s->n = 1;
}

static void
test_X1_T_DOS_01_crowd(void **state)
{
	(void)state;
	play("crowd", NULL, crowd_run);
}

/* ---- early talkers ---- */

static void
early_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c = come(s, "198.51.100.7");

	(void)conn_putz(c, "EHLO client.example\r\n");
	(void)conn_flush(c);
	want(s, c, "554 5.5.1 ");
	want(s, c, "(closed)");
	conn_close(c);
	s->n = 1;
}

static void
test_P12_early_talker(void **state)
{
	(void)state;
	play("early", NULL, early_run);
}

/* ---- PROXY, XCLIENT ---- */

static const char proxied[] =
	"listen mx 127.0.0.1:2526 {\n"
	"    proxy from 192.0.2.0/24\n"
	"    xclient from 203.0.113.77\n"
	"}\n";

static void
proxy_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c = come(s, "192.0.2.10");

	/* in the name of a granted network: it may relay */
	(void)co_sleep(10);
	say(s, c, "PROXY TCP4 203.0.113.5 127.0.0.1 4711 25\r\n", "220 ");
	say(s, c, "EHLO client.example\r\n", "250 ");
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<x@elsewhere.example>\r\n", "250 ");
	conn_close(c);
	/* the listed peer must send it, whole and right */
	c = come(s, "192.0.2.10");
	say(s, c, "EHLO client.example\r\n", "(closed)");
	conn_close(c);
	c = come(s, "192.0.2.10");
	want(s, c, "(closed)");
	conn_close(c);
	/* others may not: to them it is an early line that no command is */
	c = come(s, "198.51.100.7");
	want(s, c, "220 ");
	say(s, c, "PROXY TCP4 203.0.113.5 127.0.0.1 4711 25\r\n", "5");
	conn_close(c);
	s->n = 1;
}

static void
xclient_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c = come(s, "203.0.113.77");

	want(s, c, "220 ");
	say(s, c, "EHLO filter.example\r\n", "250 XCLIENT NAME ADDR PORT PROTO HELO");
	say(s, c, "XCLIENT LOGIN=alice\r\n", "501 ");
	say(s, c, "XCLIENT ADDR=198.51.100.9 NAME=[UNAVAILABLE]\r\n", "220 ");
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "503 ");
	say(s, c, "EHLO client.example\r\n", "250 ");
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<x@elsewhere.example>\r\n", "550 5.7.1 ");
	say(s, c, "RSET\r\n", "250 ");
	/* it is that client now, who is not listed */
	say(s, c, "XCLIENT ADDR=203.0.113.5\r\n", "502 ");
	conn_close(c);
	c = come(s, "198.51.100.9");
	want(s, c, "220 ");
	say(s, c, "EHLO client.example\r\n", "250 ");
	say(s, c, "XCLIENT ADDR=203.0.113.5\r\n", "502 ");
	conn_close(c);
	/* who has no address has not the one of the filter, which may relay */
	c = come(s, "203.0.113.77");
	want(s, c, "220 ");
	say(s, c, "XCLIENT ADDR=[UNAVAILABLE]\r\n", "220 ");
	say(s, c, "EHLO client.example\r\n", "250 ");
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<x@elsewhere.example>\r\n", "550 5.7.1 ");
	say(s, c, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	say(s, c, "DATA\r\n", "354 ");
	say(s, c, "Subject: x\r\n\r\n.\r\n", "250 2.0.0 ");
	say(s, c, "XCLIENT ADDR=203.0.113.5\r\n", "502 ");
	conn_close(c);
	s->n = 1;
}

static void
test_C3_proxy_and_xclient(void **state)
{
	(void)state;
	play("proxy", proxied, proxy_run);
	play("xclient", proxied, xclient_run);
}

/* ---- draining ---- */

static void
drain_run(void *arg)
{
	struct scene *s = arg;
	struct conn *idle = come(s, "198.51.100.7"), *busy = come(s, "198.51.100.8");

	want(s, idle, "220 ");
	want(s, busy, "220 ");
	say(s, busy, "EHLO client.example\r\n", "250 ");
	say(s, busy, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, busy, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	smtpd_drain(s->h->srv);
	want(s, idle, "421 4.3.2 ");
	want(s, idle, "(closed)");
	say(s, busy, "DATA\r\n", "354 ");
	say(s, busy, "Subject: x\r\n\r\n.\r\n", "250 2.0.0 ");
	want(s, busy, "421 4.3.2 ");
	want(s, busy, "(closed)");
	conn_close(idle);
	conn_close(busy);
	if (house_messages(s->h, NULL, NULL) != 1)
		(void)snprintf(s->why, sizeof(s->why), "not kept");
	s->n = 1;
}

static void
test_drain(void **state)
{
	(void)state;
	play("drain", NULL, drain_run);
}

/* ---- a listed network's line ends ---- */

static void
mend_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c = come(s, "192.0.2.10");
	struct str last = {};
	struct arena a;

	arena_init(&a, 1 << 20);
	want(s, c, "220 ");
	say(s, c, "EHLO client.example\r\n", "250 ");
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	say(s, c, "DATA\r\n", "354 ");
	/* mended, but LF . LF still ends nothing */
	say(s, c, "Subject: x\n\none\n.\nMAIL FROM:<b@c.example>\r\ntwo\n\r\n.\r\n", "250 2.0.0 ");
	if (house_messages(s->h, &a, &last) != 1 || !str_ends(last,
	    STR("Subject: x\r\n\r\none\r\n.\r\nMAIL FROM:<b@c.example>\r\ntwo\r\n\r\n")))
		(void)snprintf(s->why, sizeof(s->why), STR_F, STR_A(last));
	/* bare CR and NUL are refused from everybody */
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	say(s, c, "DATA\r\n", "354 ");
	say(s, c, "Subject: x\r\n\r\none\rtwo\n.\r\n\r\n.\r\n", "550 5.6.0 ");
	conn_close(c);
	arena_done(&a);
	s->n = 1;
}

static void
test_A10_listed_network_is_mended(void **state)
{
	(void)state;
	play("mend", "normalise from 192.0.2.0/24\n", mend_run);
}

/* ---- disks ---- */

static void
disk_run(void *arg)
{
	struct scene *s = arg;
	struct conn *c = come(s, "198.51.100.7");

	want(s, c, "220 ");
	say(s, c, "EHLO client.example\r\n", "250 ");
	sw_set_full(inhouse_writer(s->h->spool), true);
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "452 4.3.1 ");
	sw_set_full(inhouse_writer(s->h->spool), false);
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	say(s, c, "DATA\r\n", "354 ");
	simdisk_fault(world_disk(s->h->w), DISK_SYNC, 1, 1, EIO);
	say(s, c, "Subject: x\r\n\r\n.\r\n", "45");
	/* and recovers without a restart */
	(void)co_sleep(1000);
	say(s, c, "MAIL FROM:<a@client.example>\r\n", "250 ");
	say(s, c, "RCPT TO:<bob@victim.example>\r\n", "250 ");
	say(s, c, "DATA\r\n", "354 ");
	say(s, c, "Subject: y\r\n\r\n.\r\n", "250 2.0.0 ");
	conn_close(c);
	s->n = 1;
}

static void
test_X6_disk(void **state)
{
	(void)state;
	play("disk", NULL, disk_run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_A48_X1_limits),
		cmocka_unit_test(test_X1_T_DOS_01_crowd),
		cmocka_unit_test(test_P12_early_talker),
		cmocka_unit_test(test_C3_proxy_and_xclient),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_A10_listed_network_is_mended),
		cmocka_unit_test(test_X6_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
