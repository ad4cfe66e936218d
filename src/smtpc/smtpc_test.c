/* SPDX-License-Identifier: ISC */
/*
 * smtpc_test: jobs through hops, workers and client against scripted servers in a simulated world.
 *
 * A case is a script (scripted.h) and the outcomes in words.
 */
#include "base/test.h"

#include <stdlib.h>

#include "dns/zone.h"
#include "mail/smtp.h"
#include "rt/sim.h"
#include "smtpc/hops.h"
#include "smtpc/scripted.h"

#define GREET "S 220 mx.example ESMTP\nC EHLO mail.me.test\n"
#define EHLO_ALL "S 250-mx.example\nS 250-PIPELINING\nS 250-SIZE 1000000\nS 250-8BITMIME\n" \
	"S 250-DSN\nS 250-ENHANCEDSTATUSCODES\nS 250 SMTPUTF8\n"
#define HI GREET EHLO_ALL
#define MAIL_RCPT_DATA "C MAIL FROM:<s@me.test> SIZE=\nC RCPT TO:<a@d.example>\nC DATA\n"
#define TAKE "S 250 2.1.0 ok\nS 250 2.1.5 ok\nS 354 go\nD\n"
#define BYE "C QUIT\nS 221 2.0.0 bye\n"
#define PLAIN_BODY "Subject: x\r\n\r\nhello\r\n.dot\r\n..\r\n"

struct run {
	struct hops hops;
	struct self self;
	struct config *cfg;
	struct dns_zone *zone;
	const char *content, *nexthop;
	size_t content_n;
	struct buf got;			/* outcomes in words */
	size_t left;
	struct co *driver;
	unsigned njobs;
	struct job job;
	struct server srv;
};

/* ---- the client's side ---- */

static enum sr
src_whole(void *ctx, struct arena *a, struct str *out)
{
	struct run *r = ctx;

	*out = str_dup(a, str_from(r->content, r->content_n));
	return SR_OK;
}

static enum sr
src_verify(void *ctx)
{
	(void)ctx;
	return SR_OK;
}

static enum sr
src_read(void *ctx, uint64_t off, char *to, size_t n)
{
	struct run *r = ctx;

	memcpy(to, r->content + off, n);
	return SR_OK;
}

static void
source_of(void *ctx, const struct content_ref *ref, struct arena *a, struct body_source *out)
{
	struct run *r = ctx;

	(void)ref;
	(void)a;
	*out = (struct body_source){ .whole = src_whole, .verify = src_verify, .read = src_read,
	    .ctx = r, .size = r->content_n };
}

static void
on_done(void *ctx, const struct attempt *at)
{
	static const char *const kinds[] = { "delivered", "relayed", "temp", "perm" };
	struct run *r = ctx;

	for (size_t i = 0; i < at->job.nrcpt; i++) {
		const struct outcome *o = &at->out[i];

		if (r->got.n)
			(void)buf_puts(&r->got, "; ");
		(void)buf_putf(&r->got, "%s", kinds[o->kind]);
		if (o->kind >= OUT_TEMP)
			(void)buf_putf(&r->got, " %s", out_class_name(o->class));
		(void)buf_putc(&r->got, ' ');
		(void)buf_put(&r->got, o->status);
	}
	if (--r->left == 0)
		co_wake(r->driver);
}

static uint64_t
no_random(void *ctx, uint64_t below)
{
	(void)ctx;
	(void)below;
	return 0;
}

static void
add_job(struct run *r, uint64_t id)
{
	struct msg_job m;
	struct arena a;
	struct job j = r->job;

	arena_init(&a, 1 << 20);
	j.msgid = id;
	j.jobno = (uint32_t)id;
	if (job_pack(&j, &a, &m) && hops_add(&r->hops, &m))
		r->left++;
	arena_done(&a);
}

static void
driver_run(void *arg)
{
	struct run *r = arg;

	r->driver = co_self();
	if (!hops_init(&r->hops, &(struct hops_conf){ .cfg = r->cfg, .dns = dns_zone_ops(r->zone),
	    .self = &r->self, .source = source_of, .done = on_done, .random = no_random, .ctx =
	    r }))
		return;
	for (unsigned i = 0; i < r->njobs; i++)
		add_job(r, i + 1);
	while (r->left && co_park(FOREVER) == WAKE_OK)
		;
	(void)co_sleep(20'000);			/* past the idle time: QUIT is said */
	hops_drain(&r->hops, now_ms() + 1000);
	hops_done(&r->hops);
	if (r->srv.co)
		co_cancel(r->srv.co);
}

static const char zone_text[] =
	"d.example MX 10 mx.example\nmx.example A 192.0.2.1\n"
	"two.example MX 10 dead.example\ntwo.example MX 20 mx.example\ndead.example A 192.0.2.99\n"
	"hole.example MX 10 h.example\nh.example A 192.0.2.66\n";

static struct job_rcpt rcpts[] = {
	{ .idx = 0, .addr = STR_INIT("a@d.example") }, { .idx = 1, .addr =
	    STR_INIT("b@d.example") },
	{ .idx = 2, .addr = STR_INIT("c@d.example") },
};

static void
run_case(struct run *r, const char *script)
{
	struct dns_zone_error err;
	struct world *w = world_new(1);

	r->zone = dns_zone_new(str_of(zone_text), &err);
	r->cfg = config_minimal("mail.me.test", "me.test");
	t_true(w && r->zone && r->cfg);
	r->self = (struct self){ .hostname = STR("mail.me.test") };
	if (!r->content)
		r->content = PLAIN_BODY;
	if (!r->content_n)
		r->content_n = strlen(r->content);
	buf_init(&r->got, 1 << 20);
	buf_init(&r->srv.wire, 8 << 20);
	if (!r->job.sender.p)
		r->job.sender = STR("s@me.test");
	if (!r->job.rcpt)
		r->job.rcpt = rcpts;
	if (!r->job.nrcpt)
		r->job.nrcpt = 1;
	r->job.nexthop = str_of(r->nexthop ? r->nexthop : "d.example");
	r->job.parallel = MAX(r->job.parallel, 1u);
	r->njobs = MAX(r->njobs, 1u);
	r->srv.script = script;
	r->srv.l = world_listen(w, "192.0.2.1:25");
	world_black_hole(w, "192.0.2.66:25");
	t_true((r->srv.co = co_spawn("server", server_run, &r->srv)) != NULL);
	t_true(co_spawn("driver", driver_run, r) != NULL);
	(void)world_run(w);
	world_unlisten(r->srv.l);
	(void)world_free(w);
	dns_zone_free(r->zone);
	config_free(r->cfg);
}

static void
run_done(struct run *r)
{
	buf_done(&r->got);
	buf_done(&r->srv.wire);
}

struct talk {
	const char *name, *script, *want;
	unsigned nrcpt, njobs, parallel;
	const char *wire;		/* NULL: not looked at */
	enum transport transport;
	unsigned connections;		/* 0: not looked at */
};

static const struct talk talks[] = {
	{ "plain", HI MAIL_RCPT_DATA TAKE "S 250 2.0.0 queued\n" BYE, "relayed 2.0.0", 1, 1, 1,
	    "Subject: x||hello|..dot|...|.|", 0, 1 },
	{ "no enhanced codes", HI MAIL_RCPT_DATA "S 250 ok\nS 250 ok\nS 354 go\nD\nS 250 ok\n" BYE,
	    "relayed 2.0.0", 1, 1, 1, NULL, 0, 1 },
	{ "helo fallback, nothing pipelined", "S 220 old\nC EHLO\nS 502 what\nC HELO mail.me.test\n"
	    "S 250 old\nC MAIL FROM:<s@me.test>\nS 250 ok\nC RCPT TO:<a@d.example>\nS 250 ok\n"
	    "C DATA\nS 354 go\nD\nS 250 ok\n" BYE, "relayed 2.0.0", 1, 1, 1, NULL, 0, 1 },
	{ "mail refused for ever", HI MAIL_RCPT_DATA "S 550 5.7.1 no\nS 503 5.5.1 no\nS 503 no\n",
	    "perm message 5.7.1", 1, 1, 1, NULL, 0, 0 },
	{ "mail refused for now", HI MAIL_RCPT_DATA "S 451 4.7.1 later\nS 503 no\nS 503 no\n",
	    "temp message 4.7.1", 1, 1, 1, NULL, 0, 0 },
	{ "recipient refused, empty message asked", HI MAIL_RCPT_DATA
	    "S 250 ok\nS 550 5.1.1 unknown\nS 354 go\nD\nS 554 none\n" BYE, "perm rcpt 5.1.1",
	    1, 1, 1, ".|", 0, 0 },
	{ "enhanced code of another class", HI MAIL_RCPT_DATA
	    "S 250 ok\nS 550 4.2.1 odd\nS 554 no\n", "perm rcpt 5.0.0", 1, 1, 1, NULL, 0, 0 },
	{ "mailbox full", HI MAIL_RCPT_DATA "S 250 ok\nS 452 4.2.2 full\nS 554 no\n",
	    "temp quota 4.2.2", 1, 1, 1, NULL, 0, 0 },
	{ "two of three", HI "C MAIL\nC RCPT TO:<a@\nC RCPT TO:<b@\nC RCPT TO:<c@\nC DATA\n"
	    "S 250 ok\nS 250 ok\nS 550 5.1.1 no\nS 250 ok\nS 354 go\nD\nS 250 2.0.0 ok\n" BYE,
	    "relayed 2.0.0; perm rcpt 5.1.1; relayed 2.0.0", 3, 1, 1, NULL, 0, 0 },
	{ "too many recipients: the rest at once", HI
	    "C MAIL\nC RCPT TO:<a@\nC RCPT TO:<b@\nC RCPT TO:<c@\nC DATA\n"
	    "S 250 ok\nS 250 ok\nS 452 4.5.3 too many\nS 452 4.5.3 too many\n"
	    "S 354 go\nD\nS 250 ok\n"
	    "C MAIL\nC RCPT TO:<b@\nC RCPT TO:<c@\nC DATA\nS 250 ok\n"
	    "S 250 ok\nS 250 ok\nS 354 go\nD\n"
	    "S 250 ok\n" BYE, "relayed 2.0.0; relayed 2.0.0; relayed 2.0.0", 3, 1, 1, NULL, 0, 1 },
	{ "data refused, then RSET before the next", HI MAIL_RCPT_DATA
	    "S 250 ok\nS 250 ok\nS 451 4.3.0 disk\nC RSET\n" MAIL_RCPT_DATA "S 250 ok\n" TAKE
	    "S 250 ok\n" BYE, "temp message 4.3.0; relayed 2.0.0", 1, 2, 1, NULL, 0, 1 },
	{ "refused at the dot", HI MAIL_RCPT_DATA TAKE "S 554 5.7.1 spam\n" BYE,
	    "perm message 5.7.1", 1, 1, 1, NULL, 0, 0 },
	{ "421 at the dot", HI MAIL_RCPT_DATA TAKE "S 421 4.3.2 going\nX\n", "temp host 4.3.2", 1,
	    1, 1,
	    NULL, 0, 1 },
	{ "closed after the dot: may have it", HI MAIL_RCPT_DATA TAKE "X\n", "temp host 4.4.2",
	    1, 1, 1, NULL, 0, 1 },
	{ "silent after the dot", HI MAIL_RCPT_DATA TAKE "Z\n", "temp host 4.4.2", 1, 1, 1, NULL,
	    0, 1 },
	{ "521 greeting", "S 521 no mail here\nX\n", "perm host 5.3.2", 1, 1, 1, NULL, 0, 0 },
	{ "554 greeting", "S 554 blocked\nX\n", "temp host 4.3.2", 1, 1, 1, NULL, 0, 0 },
	{ "421 greeting", "S 421 busy\nX\n", "temp host 4.0.0", 1, 1, 1, NULL, 0, 0 },
	{ "closed at once", "X\n", "temp host 4.4.2", 1, 1, 1, NULL, 0, 0 },
	{ "silent greeting", "Z\n", "temp host 4.4.2", 1, 1, 1, NULL, 0, 0 },
	{ "greeting of another protocol", "S HTTP/1.1 400 Bad Request\nX\n", "temp host 4.5.0",
	    1, 1, 1, NULL, 0, 0 },
	{ "ehlo 421", GREET "S 421 4.7.0 no\nX\n", "temp host 4.7.0", 1, 1, 1, NULL, 0, 0 },
	{ "ehlo 451", GREET "S 451 4.7.0 no\nX\n", "temp host 4.7.0", 1, 1, 1, NULL, 0, 0 },
	{ "closed after ehlo", GREET "X\n", "temp host 4.4.2", 1, 1, 1, NULL, 0, 0 },
	{ "421 to MAIL", HI "C MAIL\nS 421 4.3.2 no\nX\n", "temp host 4.3.2", 1, 1, 1, NULL, 0, 0 },
	{ "421 to RCPT", HI "C MAIL\nS 250 ok\nC RCPT\nS 421 4.3.2 no\nX\n", "temp host 4.3.2",
	    1, 1, 1, NULL, 0, 0 },
	{ "421 to DATA", HI MAIL_RCPT_DATA "S 250 ok\nS 250 ok\nS 421 4.3.2 no\nX\n",
	    "temp host 4.3.2", 1, 1, 1, NULL, 0, 0 },
	{ "closed at MAIL", HI "C MAIL\nX\n", "temp host 4.4.2", 1, 1, 1, NULL, 0, 1 },
	{ "closed at DATA", HI MAIL_RCPT_DATA "S 250 ok\nS 250 ok\nX\n", "temp host 4.4.2", 1, 1, 1,
	    NULL, 0, 1 },
	{ "354 to MAIL", HI "C MAIL\nS 354 what\nX\n", "temp host 4.5.0", 1, 1, 1, NULL, 0, 0 },
	{ "250 to DATA", HI MAIL_RCPT_DATA "S 250 ok\nS 250 ok\nS 250 ok\nX\n", "temp host 4.5.0",
	    1, 1, 1, NULL, 0, 0 },
	{ "354 to the dot", HI MAIL_RCPT_DATA TAKE "S 354 more\nX\n", "temp host 4.5.0", 1, 1, 1,
	    NULL, 0, 0 },
	{ "endless multiline", "F 220-hello\n", "temp host 4.5.0", 1, 1, 1, NULL, 0, 0 },
	{ "endless multiline reply to EHLO", GREET "F 250-SIZE 1\n", "temp host 4.5.0", 1, 1, 1,
	    NULL,
	    0, 0 },
	{ "huge line", GREET "L 100000\nX\n", "temp host 4.5.0", 1, 1, 1, NULL, 0, 0 },
	{ "codes that change", "S 220-a\nS 250 b\nX\n", "temp host 4.5.0", 1, 1, 1, NULL, 0, 0 },
	{ "too big for it", GREET "S 250-mx.example\nS 250 SIZE 10\n" BYE, "perm message 5.3.4",
	    1, 1, 1, NULL, 0, 0 },
	{ "ourselves by name", "S 220 hi\nC EHLO\nS 250 mail.me.test\nX\n", "perm policy 5.4.6",
	    1, 1, 1, NULL, 0, 0 },
	{ "chunking",
	    GREET "S 250-mx.example\nS 250-PIPELINING\nS 250 CHUNKING\nC MAIL FROM:<s@me.test>\n"
	    "C RCPT TO:<a@d.example>\nS 250 ok\nS 250 ok\nC BDAT 31 LAST\nB 31\nS 250 ok\n" BYE,
	    "relayed 2.0.0", 1, 1, 1, PLAIN_BODY, 0, 1 },
	{ "chunking that is none: DATA then", GREET "S 250-mx.example\nS 250 CHUNKING\n"
	    "C MAIL\nS 250 ok\nC RCPT\nS 250 ok\nC BDAT 31 LAST\nB 31\nS 502 what\nN\n"
	    GREET "S 250-mx.example\nS 250 CHUNKING\nC MAIL\nS 250 ok\nC RCPT\nS 250 ok\nC DATA\n"
	    "S 354 go\nD\nS 250 ok\n" BYE, "relayed 2.0.0", 1, 1, 1, NULL, 0, 2 },
	{ "three over one connection, pipelined", HI MAIL_RCPT_DATA TAKE MAIL_RCPT_DATA
	    "S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\nD\n"
	    MAIL_RCPT_DATA "S 250 ok\nS 250 ok\nS 250 ok\n"
	    "S 354 go\nD\nS 250 ok\n" BYE, "relayed 2.0.0; relayed 2.0.0; relayed 2.0.0", 1, 3, 1,
	    NULL, 0, 1 },
	{ "second was on the wire when it closed", HI MAIL_RCPT_DATA TAKE "S 250 ok\nX\n"
	    HI MAIL_RCPT_DATA TAKE "S 250 2.0.0 ok\n" BYE, "relayed 2.0.0; relayed 2.0.0", 1, 2, 1,
	    NULL, 0, 2 },
	{ "lmtp, one reply each", "S 220 lmtp\nC LHLO mail.me.test\nS 250-x\nS 250 PIPELINING\n"
	    "C MAIL\nC RCPT TO:<a@\nC RCPT TO:<b@\nC RCPT TO:<c@\nC DATA\n"
	    "S 250 ok\nS 250 ok\nS 550 5.1.1 no\nS 250 ok\nS 354 go\nD\nS 250 2.0.0 ok\n"
	    "S 452 4.2.2 full\n" BYE, "delivered 2.0.0; perm rcpt 5.1.1; temp quota 4.2.2", 3, 1, 1,
	    NULL, T_LMTP, 1 },
	{ "lmtp, closed between the replies", "S 220 lmtp\nC LHLO\nS 250-x\nS 250 PIPELINING\n"
	    "C MAIL\nC RCPT\nC RCPT\nC DATA\nS 250 ok\nS 250 ok\nS 250 ok\nS 354 go\nD\n"
	    "S 250 2.0.0 ok\nX\n", "delivered 2.0.0; temp host 4.4.2", 2, 1, 1, NULL, T_LMTP, 1 },
	{ "lmtp without LHLO", "S 220 x\nC LHLO\nS 500 what\nX\n", "temp host 4.3.2", 1, 1, 1, NULL,
	    T_LMTP, 0 },
	{ "limits rcptmax", GREET "S 250-mx.example\nS 250-PIPELINING\nS 250 LIMITS RCPTMAX=2\n"
	    "C MAIL\nC RCPT TO:<a@\nC RCPT TO:<b@\nC DATA\nS 250 ok\n"
	    "S 250 ok\nS 250 ok\nS 354 go\nD\n"
	    "S 250 ok\nC MAIL\nC RCPT TO:<c@\nC DATA\nS 250 ok\nS 250 ok\nS 354 go\nD\nS 250 ok\n"
	    BYE,
	    "relayed 2.0.0; relayed 2.0.0; relayed 2.0.0", 3, 1, 1, NULL, 0, 1 },
	{ "limits rcptdomainmax", GREET "S 250-mx.example\nS 250-PIPELINING\n"
	    "S 250 LIMITS RCPTDOMAINMAX=1\nC MAIL\nC RCPT TO:<a@d.example>\n"
	    "C RCPT TO:<c@d.example>\nC DATA\nS 250 ok\nS 250 ok\nS 250 ok\nS 354 go\nD\nS 250 ok\n"
	    "C MAIL\nC RCPT TO:<b@e.example>\nC DATA\nS 250 ok\nS 250 ok\nS 354 go\nD\n"
	    "S 250 ok\n" BYE, "relayed 2.0.0; relayed 2.0.0; relayed 2.0.0", 3, 1, 1, NULL, 0, 1 },
	{ "limits mailmax",
	    GREET "S 250-mx.example\nS 250 LIMITS MAILMAX=1\nC MAIL\nS 250 ok\nC RCPT\nS 250 ok\n"
	    "C DATA\nS 354 go\nD\nS 250 ok\n" BYE "N\n" GREET "S 250 mx.example\nC MAIL\n"
	    "S 250 ok\nC RCPT\nS 250 ok\nC DATA\nS 354 go\nD\nS 250 ok\n" BYE,
	    "relayed 2.0.0; relayed 2.0.0", 1, 2, 1, NULL, 0, 2 },
};

static void
test_P17_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(talks); i++) {
		const struct talk *t = &talks[i];
		struct run r = { .njobs = t->njobs,
		    .job = { .nrcpt = t->nrcpt, .parallel = t->parallel, .transport =
		    t->transport } };

		T_CASE(t->name);
		rcpts[1].addr = str_find(str_of(t->name), STR("domain")) < 0 ? STR("b@d.example") :
		    STR("b@e.example");
		if (t->transport == T_LMTP)
			r.nexthop = "192.0.2.1:25";
		run_case(&r, t->script);
		t_str(str_of(r.srv.wrong), "");
		t_str(buf_str(&r.got), t->want);
		if (t->wire)
			t_str(buf_str(&r.srv.wire), t->wire);
		if (t->connections)
			t_int(r.srv.connections, t->connections);
		run_done(&r);
	}
}

static void
test_parameters(void **state)
{
	struct job_rcpt rcpt = { .addr = STR("a@d.example"), .notify =
	    NOTIFY_SUCCESS | NOTIFY_DELAY,
	    .orcpt = STR("rfc822;o@d.example") };
	struct run r = { .content = "Subject: x\r\n\r\nb\xc3\xbc\r\n", .job = { .rcpt = &rcpt,
	    .smtputf8 = true, .ret = RET_HDRS, .envid = STR("id+2B1"), .body = SPOOL_8BITMIME } };

	(void)state;
	run_case(&r,
	    HI "C MAIL FROM:<s@me.test> SIZE=19 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+2B1\n"
	    "C RCPT TO:<a@d.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@d.example\nC DATA\n" TAKE
	    "S 250 ok\n" BYE);
	t_str(str_of(r.srv.wrong), "");
	t_str(buf_str(&r.got), "relayed 2.0.0");
	run_done(&r);
}

static const struct {
	const char *name, *content;
	bool smtputf8, requiretls;
	uint8_t body;
	const char *rcpt, *want;
} unsayable[] = {
	{ "utf8 header", "Subject: \xc3\xbc\r\n\r\nx\r\n", true, false, 0, "a@d.example",
	    "perm message 5.6.7" },
	{ "utf8 address", "Subject: x\r\n\r\nx\r\n", true, false, 0, "\xc3\xbc@d.example",
	    "perm message 5.6.7" },
	{ "requiretls", "Subject: x\r\n\r\nx\r\n", false, true, 0, "a@d.example",
	    "perm policy 5.7.30" },
	{ "binary", "Subject: x\r\n\r\nx\r\n", false, false, SPOOL_BINARYMIME, "a@d.example",
	    "perm message 5.6.3" },
	{ "line end in an address", "Subject: x\r\n\r\nx\r\n", false, false, 0,
	    "a@d.example>\r\nDATA", "perm policy 5.1.3" },
};

static void
test_unsayable(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(unsayable); i++) {
		struct job_rcpt rcpt = { .addr = str_of(unsayable[i].rcpt) };
		struct run r = { .content = unsayable[i].content, .job = { .rcpt = &rcpt,
		    .smtputf8 = unsayable[i].smtputf8, .requiretls = unsayable[i].requiretls,
		    .body = unsayable[i].body } };

		T_CASE(unsayable[i].name);
		run_case(&r, "S 220 x\nC EHLO\nS 250-mx.example\nS 250 8BITMIME\n" BYE);
		t_str(str_of(r.srv.wrong), "");
		t_str(buf_str(&r.got), unsayable[i].want);
		run_done(&r);
	}
}

/* T-SMUG-OUT: content with a bare CR, LF or NUL never reaches a server as a message. */
static void
test_P2_foul_content(void **state)
{
	static const struct str foul[] = {
		STR_INIT("A: b\r\n\r\nx\n.\nMAIL FROM:<x@y>\r\n"),
		    STR_INIT("A: b\r\n\r\nx\r.\rmore\r\n"),
		STR_INIT("A: b\r\n\r\nx\r\n.\nmore\r\n"), STR_INIT("A: b\r\n\r\nx\0y\r\n"),
		STR_INIT("A: b\r\n\r\nx\r"), STR_INIT("A: b\n\nx\n"), STR_INIT("\r\r\n.\r\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(foul); i++) {
		struct run r = { .content = foul[i].p, .content_n = foul[i].n };

		run_case(&r, HI BYE);
		t_str(str_of(r.srv.wrong), "");
		t_str(buf_str(&r.got), "perm policy 5.6.0");
		t_int(r.srv.wire.n, 0);
		run_done(&r);
	}
}

/* Large content is read in pieces; a fault far inside breaks the connection before the final
 * dot. */
static void
test_large(void **state)
{
	size_t n = 3 << 20;
	char *big = malloc(n);
	struct run r = { .content = big, .content_n = n }, foul = r;

	(void)state;
	t_true(big != NULL);
	for (size_t i = 0; i + 64 <= n; i += 64) {
		memset(big + i, i % 4096 ? 'x' : '.', 62);
		memcpy(big + i + 62, "\r\n", 2);
	}
	run_case(&r, GREET "S 250-mx.example\nS 250 PIPELINING\nC MAIL\nC RCPT\nC DATA\nS 250 ok\n"
	    "S 250 ok\nS 354 go\nD\nS 250 ok\n" BYE);
	t_str(str_of(r.srv.wrong), "");
	t_str(buf_str(&r.got), "relayed 2.0.0");
	/* '|' for CRLF, one dot more on each line that begins with one, and the final ".|" */
	t_int(r.srv.wire.n, n - n / 64 + n / 4096 + 2);
	run_done(&r);

	big[2 << 20] = '\n';
	run_case(&foul,
	    GREET "S 250-mx.example\nS 250 PIPELINING\nC MAIL\nC RCPT\nC DATA\nS 250 ok\n"
	    "S 250 ok\nS 354 go\nD\nS 250 ok\n");
	t_str(str_of(foul.srv.wrong), "");
	t_str(buf_str(&foul.got), "perm policy 5.6.0");
	t_false(str_ends(buf_str(&foul.srv.wire), STR("|.|")));
	run_done(&foul);
	free(big);
}

/* The first exchanger refuses connections, the second takes the mail; nobody answers: temporary. */
static void
test_next_exchanger(void **state)
{
	struct run r = { .nexthop = "two.example" }, hole = { .nexthop = "hole.example", .njobs =
	    5 };

	(void)state;
	run_case(&r, HI MAIL_RCPT_DATA TAKE "S 250 ok\n" BYE);
	t_str(str_of(r.srv.wrong), "");
	t_str(buf_str(&r.got), "relayed 2.0.0");
	run_done(&r);

	hole.job.parallel = 2;
	run_case(&hole, "");
	t_str(buf_str(&hole.got), "temp connect 4.4.1; temp connect 4.4.1; temp connect 4.4.1; "
	    "temp connect 4.4.1; temp connect 4.4.1");
	run_done(&hole);
}

/* 250 jobs over connections of 100 messages each. */
static void
test_reuse(void **state)
{
	struct run r = { .njobs = 250 };
	struct buf script;

	(void)state;
	buf_init(&script, 1 << 20);
	for (unsigned i = 0; i < 250; i++) {
		if (i % 100 == 0)
			(void)buf_puts(&script, HI);
		(void)buf_puts(&script, MAIL_RCPT_DATA TAKE "S 250 ok\n");
		if (i % 100 == 99)
			(void)buf_puts(&script, BYE "N\n");
	}
	(void)buf_put(&script, STR(BYE "\0"));
	run_case(&r, script.p);
	t_str(str_of(r.srv.wrong), "");
	t_int(r.srv.connections, 3);
	t_int(r.hops.ndone, 250);
	buf_done(&script);
	run_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_P17_talks), cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_unsayable), cmocka_unit_test(test_P2_foul_content),
		cmocka_unit_test(test_large), cmocka_unit_test(test_next_exchanger),
		cmocka_unit_test(test_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
