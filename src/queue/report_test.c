/* SPDX-License-Identifier: ISC */
/*
 * report_test: who is told what, and what the notice says.
 *
 * Notices are mail of our own and come to the deliverers like any other; the house keeps their
 * text.  The golden one is compared but for its token.
 */
#include "base/test.h"
#include "mail/smtp.h"
#include "policy/found.h"
#include "queue/testhouse.h"
#include "rt/clock.h"

/* The last message that was delivered to one.test or here.test, as the deliverer sees it. */
static struct {
	char text[20'000];
	struct str content;
	char rcpt[200];
	bool null_sender;
	unsigned n;
} seen;

static struct house_answer
refuse_bad(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	(void)h, (void)j;
	if (str_starts(r->addr, STR("bad")))
		return (struct house_answer){ 10, { .kind = OUT_PERM, .class = CLASS_RCPT,
			.status = STR("5.1.1"), .mta = STR("mx.one.test"),
			.reply = STR("550 5.1.1 <bad> no such user") } };
	if (str_starts(r->addr, STR("slow")))
		return (struct house_answer){ 10, { .kind = OUT_TEMP, .class = CLASS_RCPT,
			.status = STR("4.2.0"), .mta = STR("mx.one.test"),
			.reply = STR("450 4.2.0 not now") } };
	return (struct house_answer){ 10, { .kind = OUT_RELAYED, .status = STR("2.0.0"),
		.reply = STR("250 ok"), .dsn_passed = str_starts(r->addr, STR("dsn")) } };
}

static void
keep_notice(struct house *h, const struct job *j)
{
	size_t n = MIN((size_t)content_len(&j->ref), sizeof seen.text);

	if (!j->null_sender)
		return;
	seen.n++;
	seen.null_sender = j->null_sender;
	(void)snprintf(seen.rcpt, sizeof seen.rcpt, STR_F, STR_A(j->rcpt[0].addr));
	if (sr_content(h->q->reader, &j->ref, 0, (struct sr_bytes){ seen.text, n }) == SR_OK)
		seen.content = str_from(seen.text, n);
}

static void
open_house(struct house *h, uint64_t seed)
{
	*h = (struct house){ .rule = refuse_bad, .on_job = keep_notice };
	seen.n = 0;
	seen.content = (struct str){};
	house_notify = 0;
	house_env = (struct spool_env){};
	house_open(h, seed);
}

static const struct {
	const char *name, *from, *to;
	uint8_t notify;
	unsigned notices;
	const char *told, *says;
} cases[] = {
	{ "refused", "a@here.test", "bad@one.test", 0, 1, "a@here.test", "Action: failed" },
	{ "refused, FAILURE", "a@here.test", "bad@one.test", NOTIFY_FAILURE, 1, "a@here.test",
		"Status: 5.1.1" },
	{ "refused, NEVER", "a@here.test", "bad@one.test", NOTIFY_NEVER, 0, NULL, NULL },
	{ "refused, SUCCESS only", "a@here.test", "bad@one.test", NOTIFY_SUCCESS, 0, NULL, NULL },
	{ "fine, nothing asked", "a@here.test", "x@one.test", 0, 0, NULL, NULL },
	{ "fine, SUCCESS", "a@here.test", "x@one.test", NOTIFY_SUCCESS, 1, "a@here.test",
		"Action: relayed" },
	{ "fine, SUCCESS passed on", "a@here.test", "dsn@one.test", NOTIFY_SUCCESS, 0, NULL,
		NULL },
	{ "tables refuse", "a@here.test", "x@never.test", 0, 1, "a@here.test",
		"550 5.1.1 no such user" },
	{ "a bounce bounces", "", "bad@one.test", 0, 2, "postmaster@mx.test", "Action: failed" },
	{ "two of three", "a@here.test", "bad1@one.test x@one.test bad2@one.test", 0, 0, NULL,
		NULL },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static struct house h;

		T_CASE(cases[i].name);
		open_house(&h, 100 + i);
		house_notify = cases[i].notify;
		(void)house_mail(&h, cases[i].from, cases[i].to);
		house_notify = 0;
		house_run(&h, 15'000);
		t_int(h.q->ix.by_id.n, 0);
		if (cases[i].told) {
			t_int(seen.n, cases[i].notices);
			t_str(str_of(seen.rcpt), cases[i].told);
			t_true(str_find(seen.content, str_of(cases[i].says)) >= 0);
			t_true(seen.null_sender);
		} else if (i + 1 < COUNT(cases)) {
			t_int(seen.n, 0);
		} else {
			/* Each refused recipient is told of once. */
			t_true(seen.n >= 1 && seen.n <= 2);
			t_int(h.refused, 2);
		}
		house_done(&h);
	}
}

/* A double bounce that cannot be delivered ends there. */
static struct house_answer
refuse_all(struct house *h, const struct job *j, const struct job_rcpt *r)
{
	(void)h, (void)j, (void)r;
	return (struct house_answer){ 10, { .kind = OUT_PERM, .class = CLASS_RCPT,
		.status = STR("5.7.1"), .reply = STR("554 no") } };
}

static void
test_no_loop(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 200);
	h.rule = refuse_all;
	(void)house_mail(&h, "a@one.test", "b@two.test");
	house_run(&h, 30'000);
	t_int(seen.n, 2);			/* the bounce, the double bounce, no more */
	t_str(str_of(seen.rcpt), "postmaster@mx.test");
	t_int(h.q->ix.by_id.n, 0);
	t_int(h.q->stats.notices, 2);
	house_done(&h);
}

static unsigned to_postmaster;

static void
count_postmaster(struct house *h, const struct job *j)
{
	keep_notice(h, j);
	for (size_t i = 0; i < j->nrcpt; i++)
		to_postmaster += str_eq(j->rcpt[i].addr, STR("postmaster@mx.test")) &&
		    !j->null_sender;
}

/* R9: a sender that nobody vouches for is told nothing; the message goes to postmaster, once, and
 * what failed is kept for a month, over restarts. */
static void
test_R9_T_BNC_02_unproven(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 210);
	h.on_job = count_postmaster;
	to_postmaster = 0;
	house_env.flags = FOUND_JUDGED;
	house_notify = NOTIFY_FAILURE | NOTIFY_SUCCESS;
	(void)house_mail(&h, "victim@one.test", "bad1@one.test x@one.test");
	house_run(&h, 30'000);
	t_int(seen.n, 0);
	t_int(to_postmaster, 1);
	t_int(h.q->ix.by_id.n, 1);
	t_true(entry_find(&h.q->ix, h.last_id)->flags & ENTRY_UNDELIVERED);
	house_reopen(&h, true);
	house_run(&h, 30'000);
	t_int(seen.n, 0);
	t_int(to_postmaster, 1);
	t_int(h.q->ix.by_id.n, 1);
	t_int(entry_find(&h.q->ix, h.last_id)->unit->state, UNIT_HELD);
	house_run(&h, INT64_C(29) * 86'400'000);
	t_int(h.q->ix.by_id.n, 1);
	house_run(&h, INT64_C(2) * 86'400'000);
	t_int(h.q->ix.by_id.n, 0);
	t_int(seen.n, 0);
	house_done(&h);
}

/* ... and where SPF or a signature speaks for the sender it is told. */
static void
test_R9_proven(void **state)
{
	static const unsigned flags[] = { 0, FOUND_JUDGED | FOUND_SENDER_SPF,
		FOUND_JUDGED | FOUND_SENDER_DKIM };

	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++) {
		static struct house h;

		open_house(&h, 220 + i);
		house_env.flags = flags[i];
		(void)house_mail(&h, "a@one.test", "bad1@one.test");
		house_run(&h, 30'000);
		t_int(seen.n, 1);
		t_str(str_of(seen.rcpt), "a@one.test");
		t_int(h.q->ix.by_id.n, 0);
		house_done(&h);
	}
}

/* Postmaster's own mailbox refuses: it ends there. */
static void
test_R9_no_loop(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 230);
	h.rule = refuse_all;
	h.on_job = count_postmaster;
	to_postmaster = 0;
	house_env.flags = FOUND_JUDGED;
	(void)house_mail(&h, "a@one.test", "b@two.test");
	house_run(&h, 60'000);
	t_int(seen.n, 0);
	t_int(to_postmaster, 1);
	t_int(h.q->ix.by_id.n, 1);
	house_done(&h);
}

static void
test_expires(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 300);
	(void)house_mail(&h, "a@here.test", "slow@one.test");
	(void)house_mail(&h, "", "slow@two.test");
	house_run(&h, INT64_C(23) * 3600 * 1000);
	t_int(h.q->stats.expired, 0);
	house_run(&h, INT64_C(2) * 3600 * 1000);
	t_int(h.q->stats.expired, 1);		/* from <>: one day */
	t_str(str_of(seen.rcpt), "postmaster@mx.test");
	t_int(h.q->ix.by_id.n, 1);
	house_run(&h, INT64_C(94) * 3600 * 1000);
	t_int(h.q->stats.expired, 1);
	house_run(&h, INT64_C(3) * 3600 * 1000);
	t_int(h.q->stats.expired, 2);		/* five days */
	t_str(str_of(seen.rcpt), "a@here.test");
	t_true(str_find(seen.content, STR("Status: 4.4.7")) >= 0);
	t_true(str_find(seen.content, STR("450 4.2.0 not now")) >= 0);
	t_int(h.q->ix.by_id.n, 0);
	house_done(&h);
}

static void
test_delay(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 400);
	house_env.auth_id = STR("alice");
	(void)house_mail(&h, "a@here.test", "slow@one.test");
	house_env.auth_id = (struct str){};
	(void)house_mail(&h, "stranger@two.test", "slow@one.test");
	house_run(&h, INT64_C(3) * 3600 * 1000);
	t_int(seen.n, 0);
	house_run(&h, INT64_C(4) * 3600 * 1000);
	t_int(seen.n, 1);			/* once, and not to strangers */
	t_str(str_of(seen.rcpt), "a@here.test");
	t_true(str_find(seen.content, STR("Action: delayed")) >= 0);
	t_true(str_find(seen.content, STR("Will-Retry-Until: ")) >= 0);
	house_reopen(&h, true);
	house_run(&h, INT64_C(6) * 3600 * 1000);
	t_int(seen.n, 1);			/* a restart does not repeat it */
	house_done(&h);
}

/* The token of the boundary and of nothing else changes from run to run. */
static const char golden[] =
    "Content-Type: message/delivery-status\r\n"
    "\r\n"
    "Reporting-MTA: dns; mx.test\r\n";

static const char golden_rcpt[] =
    "Final-Recipient: rfc822; bad@one.test\r\n"
    "Action: failed\r\n"
    "Status: 5.1.1\r\n"
    "Remote-MTA: dns; mx.one.test\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <bad> no such user\r\n";

static void
test_golden(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 500);
	house_env.envid = STR("QQ314159");
	(void)house_mail(&h, "a@here.test", "bad@one.test");
	house_run(&h, 5000);
	t_true(str_find(seen.content, str_of(golden)) >= 0);
	t_true(str_find(seen.content, str_of(golden_rcpt)) >= 0);
	t_true(str_find(seen.content, STR("Original-Envelope-Id: QQ314159\r\n")) >= 0);
	t_true(str_find(seen.content, STR("\r\nTo: ")) >= 0);
	t_true(str_find(seen.content, STR("Auto-Submitted: auto-replied")) >= 0);
	/* The header of the original comes back, its body does not. */
	t_true(str_find(seen.content, STR("Subject: test")) >= 0);
	t_true(str_find(seen.content, STR("\r\nbody\r\n")) < 0);
	house_env.ret = 1;
	(void)house_mail(&h, "a@here.test", "bad@one.test");
	house_run(&h, 5000);
	t_true(str_find(seen.content, STR("\r\nbody\r\n")) >= 0);
	house_done(&h);
}

/* The disk is full: the refused message waits, and its notice is written when there is room. */
static void
test_disk_full(void **state)
{
	static struct house h;

	(void)state;
	open_house(&h, 600);
	sw_set_full(h.q->writer, true);
	(void)house_mail(&h, "a@here.test", "bad@one.test");
	house_run(&h, 60'000);
	t_int(seen.n, 0);
	t_int(h.q->ix.by_id.n, 1);
	t_int(h.refused, 1);
	sw_set_full(h.q->writer, false);
	house_run(&h, 20'000);
	t_int(seen.n, 1);
	t_int(h.q->ix.by_id.n, 0);
	house_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_no_loop),
		cmocka_unit_test(test_R9_T_BNC_02_unproven), cmocka_unit_test(test_R9_proven),
		cmocka_unit_test(test_R9_no_loop),
		cmocka_unit_test(test_expires), cmocka_unit_test(test_delay),
		cmocka_unit_test(test_golden), cmocka_unit_test(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
