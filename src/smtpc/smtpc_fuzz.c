/* SPDX-License-Identifier: ISC */
/*
 * smtpc_fuzz: the bytes are a server (SMTP or LMTP, by the first octet); a NUL lets it listen.
 *
 * What must always hold: each of two jobs gets one outcome for each recipient, no text of them has
 * a control octet, nothing on the wire has a bare CR or LF, no coroutine is left.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/num.h"
#include "dns/zone.h"
#include "rt/sim.h"
#include "smtpc/hops.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { JOBS = 2, RCPTS = 2 };

struct fuzz {
	struct str script;
	struct world_listener *l;
	struct hops hops;
	struct self self;
	struct co *driver, *server;
	size_t left;
	char last;			/* octet on the wire */
};

static void
wire(struct fuzz *f, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		assert((s.p[i] == '\n') == (f->last == '\r'));
		f->last = s.p[i];
	}
}

static void
hear(struct fuzz *f, struct conn *c)
{
	struct str s;

	conn_deadline(c, deadline_in(1000));
	while (conn_block(c, &s) == IO_OK) {
		wire(f, s);
		conn_consume(c, s.n);
		conn_deadline(c, deadline_in(10));
	}
}

static void
server_run(void *arg)
{
	struct fuzz *f = arg;
	enum io why;

	for (unsigned i = 0; i < 8; i++) {
		struct conn *c = world_accept(f->l, FOREVER, &why);

		if (!c)
			break;
		f->last = 0;
		while (f->script.n) {
			struct str part = str_split(&f->script, 0);

			if (str_eq(part, STR("\x01")))
				break;			/* hang up here */
			(void)conn_put(c, part);
			if (conn_flush(c) != IO_OK)
				break;
			hear(f, c);
		}
		hear(f, c);
		conn_close(c);
	}
	f->server = NULL;
}

static enum sr
src_whole(void *ctx, struct arena *a, struct str *out)
{
	(void)ctx;
	*out = str_dup(a, STR("Subject: x\r\n\r\nhello\r\n.\r\n"));
	return SR_OK;
}

static void
source_of(void *ctx, const struct content_ref *ref, struct arena *a, struct body_source *out)
{
	(void)ctx;
	(void)ref;
	(void)a;
	*out = (struct body_source){ .whole = src_whole, .size = 24 };
}

static void
check_text(struct str s)
{
	assert(s.n <= 1200);
	for (size_t i = 0; i < s.n; i++)
		assert(!ascii_iscntrl(s.p[i]));
}

static void
on_done(void *ctx, const struct attempt *at)
{
	struct fuzz *f = ctx;

	assert(at->job.nrcpt == RCPTS && f->left > 0);
	for (uint32_t i = 0; i < RCPTS; i++) {
		assert(at->out[i].idx == i && at->out[i].status.n >= 5);
		check_text(at->out[i].status);
		check_text(at->out[i].reply);
		check_text(at->out[i].mta);
	}
	if (--f->left == 0)
		co_wake(f->driver);
}

static uint64_t
no_random(void *ctx, uint64_t below)
{
	(void)ctx;
	(void)below;
	return 0;
}

static struct config *cfg;
static struct dns_zone *zone;
static bool lmtp;

static void
driver_run(void *arg)
{
	struct fuzz *f = arg;
	struct job_rcpt rcpt[RCPTS] = { { .idx = 0, .addr = STR("a@d.example") },
	    { .idx = 1, .addr = STR("b@d.example") } };
	struct job j = { .nexthop = STR("192.0.2.1:25"), .sender = STR("s@me.test"), .parallel = 1,
	    .transport = lmtp ? T_LMTP : T_SMTP, .rcpt = rcpt, .nrcpt = RCPTS };

	f->driver = co_self();
	if (!hops_init(&f->hops, &(struct hops_conf){ .cfg = cfg, .dns = dns_zone_ops(zone),
	    .self = &f->self, .source = source_of, .done = on_done, .random = no_random, .ctx =
	    f }))
		return;
	for (unsigned i = 0; i < JOBS; i++) {
		struct msg_job m;
		struct arena a;

		arena_init(&a, 1 << 20);
		j.msgid = j.jobno = i + 1;
		f->left++;
		assert(job_pack(&j, &a, &m) && hops_add(&f->hops, &m));
		arena_done(&a);
	}
	while (f->left)
		assert(co_park(FOREVER) == WAKE_OK);
	hops_drain(&f->hops, now_ms() + 60'000);
	hops_done(&f->hops);
	if (f->server)
		co_cancel(f->server);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz f = { .self = { .hostname = STR("mail.me.test") } };
	struct dns_zone_error err;

	if (n < 1)
		return 0;
	if (!cfg)
		cfg = config_minimal("mail.me.test", "me.test");
	if (!zone)
		zone = dns_zone_new(STR("d.example A 192.0.2.1"), &err);
	lmtp = p[0] & 1;
	f.script = str_from(p + 1, n - 1);

	struct world *w = world_new(1);
	f.l = world_listen(w, "192.0.2.1:25");
	f.server = co_spawn("server", server_run, &f);
	(void)co_spawn("driver", driver_run, &f);
	(void)world_run(w);
	assert(f.left == 0 && co_count() == 0);
	world_unlisten(f.l);
	assert(world_free(w) == 0);
	return 0;
}
