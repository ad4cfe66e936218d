/* SPDX-License-Identifier: ISC */
/*
 * testhouse: see testhouse.h.
 *
 * All work happens on coroutines of the world; a test calls in from its main stack, and each call
 * runs the world until its own coroutine has ended.
 */
#include "queue/testhouse.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/log.h"

struct spool_env house_env;
uint8_t house_notify;
const char *house_text = "Subject: test\r\n\r\nbody\r\n";

struct fake_job {
	struct link link;
	struct timer timer;
	struct house *h;
	unsigned carrier;
	uint64_t msgid;
	uint32_t jobno;
	size_t n;
	struct sub_outcome out[64];
};

/* ---- the pool's side ---- */

static void
pool_closed(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct house *h = ctx;

	if (h->q)
		queue_on_closed(h->q, kind, n, gen);
}

static void
pool_recycled(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct house *h = ctx;

	if (h->q)
		queue_on_recycled(h->q, kind, n, gen);
}

static void
pool_clock(void *ctx, int64_t limit_ms)
{
	struct house *h = ctx;

	if (h->sw)
		sw_clock(h->sw, 1, 0, limit_ms);
	if (h->q)
		sw_clock(h->q->writer, 2, 0, limit_ms);
}

static void
pool_space(void *ctx, bool full)
{
	struct house *h = ctx;

	if (h->q)
		sw_set_full(h->q->writer, full);
}

static bool
pool_held(void *ctx, int fd)
{
	(void)ctx, (void)fd;
	return false;
}

static void
pool_lock(void *ctx, int fd)
{
	(void)ctx, (void)fd;
}

static uint32_t
pool_random(void *ctx)
{
	return (uint32_t)world_random(((struct house *)ctx)->w, UINT32_MAX);
}

static void
pool_strange(void *ctx, enum spool_kind kind, const char *name)
{
	(void)ctx, (void)kind, (void)name;
}

enum { HOLDER_SMTPD = 1, HOLDER_QUEUE = 2 };

static enum spool
smtpd_segment(void *ctx, struct spool_file *out)
{
	return pool_take(((struct house *)ctx)->pool, SPOOL_SEGMENT, HOLDER_SMTPD, out);
}

static enum spool
smtpd_big(void *ctx, struct spool_file *out)
{
	return pool_take(((struct house *)ctx)->pool, SPOOL_BIG, HOLDER_SMTPD, out);
}

static void
smtpd_drop_big(void *ctx, uint64_t n, uint64_t gen, bool broken)
{
	pool_drop(((struct house *)ctx)->pool, SPOOL_BIG, n, gen, broken);
}

static void
smtpd_committed(void *ctx, const struct sw_notice *notice)
{
	struct house *h = ctx;

	if (h->q)
		queue_on_notice(h->q, notice);
	if (notice->closed)
		pool_release(h->pool, SPOOL_SEGMENT, notice->segno, notice->gen);
}

/* ---- the queue's doors ---- */

static enum spool
get_file(void *ctx, enum spool_kind kind, struct spool_file *out)
{
	return pool_take(((struct house *)ctx)->pool, kind, HOLDER_QUEUE, out);
}

static void
drop_file(void *ctx, enum spool_kind kind, const struct spool_file *f, bool broken)
{
	pool_drop(((struct house *)ctx)->pool, kind, f->n, f->gen, broken);
}

static void
release(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	pool_release(((struct house *)ctx)->pool, kind, n, gen);
}

static void
finished(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	(void)pool_finished(((struct house *)ctx)->pool, kind, n, gen);
}

static void
big_live(void *ctx, uint64_t n, uint64_t gen)
{
	pool_big_live(((struct house *)ctx)->pool, n, gen);
}

static void
big_live_end(void *ctx)
{
	pool_big_live_end(((struct house *)ctx)->pool);
}

static enum becomes
expand(void *ctx, const struct spool_msg *msg, struct str addr, struct arena *a,
    struct becoming *out)
{
	struct house *h = ctx;
	struct str local = addr, domain = {};
	ssize_t at = str_rchr(addr, '@');

	(void)msg;
	*out = (struct becoming){ .t = arena_zalloc(a, 3 * sizeof *out->t), .n = 1 };
	/* a list so long that one message may have only a few of them */
	if (!out->t || (str_starts(addr, STR("long")) && !arena_alloc(a, 10 << 20)))
		return BECOMES_LATER;
	local = str_sub(addr, 0, (size_t)at);
	domain = str_skip(addr, (size_t)at + 1);
	out->t[0] = (struct queue_target){ .transport = T_SMTP, .addr = addr, .nexthop = domain };
	if (str_eq(domain, STR("void.test")))
		out->t[0].transport = T_DISCARD;
	if (str_eq(domain, STR("here.test")))
		out->t[0] = (struct queue_target){ .transport = T_LOCAL, .addr = addr };
	if (str_eq(domain, STR("never.test"))) {
		out->status = STR("5.1.1");
		out->text = STR("550 5.1.1 no such user");
		return BECOMES_NEVER;
	}
	if (str_eq(domain, STR("later.test")) && h->tables_down)
		return BECOMES_LATER;
	if (str_eq(local, STR("unmade")))		/* a bug: nobody made this */
		out->t[0] = (struct queue_target){ .transport = T_SMTP, .addr = STR("x@evil.test"),
			.nexthop = STR("evil.test") };
	if (str_eq(local, STR("list"))) {
		out->n = 3;
		for (unsigned i = 0; i < 3; i++) {
			out->t[i].transport = T_SMTP;
			out->t[i].made_by = 1;
			out->t[i].addr = str_fmt(a, "m%u@%s", i, i < 2 ? "one.test" : "two.test");
			out->t[i].nexthop = i < 2 ? STR("one.test") : STR("two.test");
		}
	}
	return BECOMES_OK;
}

/* ---- deliverers ---- */

static void
answer_now(void *arg)
{
	struct fake_job *f = arg;
	struct house *h = f->h;
	struct msg_job_result m = {
		.msgid = f->msgid, .jobno = f->jobno, .outcome = f->out, .noutcome = f->n,
	};

	list_remove(&f->link);
	for (size_t i = 0; i < f->n; i++) {
		h->delivered += f->out[i].kind <= OUT_RELAYED;
		h->refused += f->out[i].kind == OUT_PERM;
	}
	if (h->q && h->carrier[f->carrier])
		carrier_result(h->q, h->carrier[f->carrier], &m);
	free(f);
}

static bool
take_job(void *arg, const struct job *j)
{
	struct house *h = ((void **)arg)[0];
	unsigned no = (unsigned)(uintptr_t)((void **)arg)[1];
	struct fake_job *f = calloc(1, sizeof *f);
	int64_t after = 20;

	if (!f)
		abort();
	*f = (struct fake_job){ .h = h, .carrier = no, .msgid = j->msgid, .jobno = j->jobno };
	h->njobs++;
	h->nrcpts += (unsigned)j->nrcpt;
	if (h->on_job)
		h->on_job(h, j);
	for (size_t i = 0; i < j->nrcpt && i < COUNT(f->out); i++) {
		struct house_answer a = { .after_ms = 20, .o = { .kind = OUT_RELAYED } };

		if (h->rule)
			a = h->rule(h, j, &j->rcpt[i]);
		after = a.after_ms;
		f->out[f->n++] = (struct sub_outcome){ .idx = j->rcpt[i].idx,
			.kind = (uint8_t)a.o.kind, .cls = (uint8_t)a.o.class,
			.dsn_passed = a.o.dsn_passed, .status = a.o.status,
			.reply = a.o.reply, .mta = a.o.mta };
	}
	list_push(&h->jobs, &f->link);
	if (after != FOREVER)
		timer_set(&f->timer, now_ms() + after, answer_now, f);
	return true;
}

static void *carrier_arg[HOUSE_CARRIERS][2];

static void
add_carrier(struct house *h, unsigned i)
{
	static const char *const names[HOUSE_CARRIERS] = { "smtpc 0", "local" };
	const struct carrier proto = {
		.name = names[i], .send = take_job, .arg = carrier_arg[i],
		.takes = { [T_SMTP] = i == 0, [T_LMTP] = i == 0, [T_LOCAL] = i == 1 },
	};

	carrier_arg[i][0] = h;
	carrier_arg[i][1] = (void *)(uintptr_t)i;
	h->carrier[i] = carrier_new(h->q, &proto);
	LIST_EACH(l, &h->jobs) {
		struct fake_job *f = CONTAINER_OF(l, struct fake_job, link);

		if (f->carrier == i)
			carrier_inflight(h->q, h->carrier[i], &(struct msg_job_inflight){
				.msgid = f->msgid, .jobno = f->jobno,
				.first_idx = f->out[0].idx, .nrcpt = (uint32_t)f->n });
	}
	carrier_hello(h->q, h->carrier[i], h->window ? h->window : 256);
}

/* ---- opening and closing, on a coroutine ---- */

static void
tell_file(void *ctx, const struct spool_head *head, bool held)
{
	struct house *h = ctx;

	queue_on_file(h->q, head->kind, head, held);
}

static void
open_queue(void *arg)
{
	struct house *h = arg;
	const struct queue_conf conf = {
		.cfg = h->cfg, .spool_dirfd = h->dirfd, .ctx = h,
		.ops = { get_file, drop_file, release, finished, big_live, big_live_end, expand },
	};
	int64_t epoch_ms, limit_ms;
	struct sw_notice notice;

	h->q = queue_new(&conf);
	if (queue_load(h->q) != SPOOL_OK)
		abort();
	(void)pool_writer_new(h->pool, &epoch_ms, &limit_ms);
	sw_clock(h->q->writer, 2, epoch_ms, limit_ms);
	pool_each(h->pool, &(struct pool_visit){ tell_file, h });
	if (h->sw && sw_notice_get(h->sw, &notice))
		queue_on_notice(h->q, &notice);
	if (queue_start(h->q) != SPOOL_OK)
		abort();
	queue_on_files_end(h->q);
	for (unsigned i = 0; i < HOUSE_CARRIERS && !h->no_deliverers; i++)
		add_carrier(h, i);
}

static void
open_all(void *arg)
{
	static const struct pool_ops pool_ops = {
		pool_closed, pool_recycled, pool_clock, pool_space, pool_held, pool_lock,
		pool_random, pool_strange,
	};
	static const struct spool_writer_ops writer_ops = {
		smtpd_segment, smtpd_big, smtpd_drop_big, smtpd_committed,
	};
	static const struct pool_conf conf = {
		.segment_size = 1 << 20, .big_size = 1 << 20, .journal_size = 1 << 20,
		.segments_ahead = 2, .big_ahead = 1, .reserve = 1, .reserve_percent = 1,

	};
	struct house *h = arg;
	int64_t epoch_ms, limit_ms;

	h->dirfd = disk_opendir("/spool");
	if (h->dirfd < 0)
		abort();
	h->pool = pool_new(h->dirfd, &pool_ops, &conf, h);
	if (!h->pool || pool_start(h->pool) != SPOOL_OK)
		abort();
	h->group = group_open(FOREVER);
	(void)group_go(h->group, "pool", pool_run, h->pool);
	(void)co_sleep(1);
	h->sw = sw_new(&writer_ops, NULL, h);
	(void)pool_writer_new(h->pool, &epoch_ms, &limit_ms);
	sw_clock(h->sw, 1, epoch_ms, limit_ms);
	open_queue(h);
}

static void
close_all(void *arg)
{
	struct house *h = arg;

	queue_free(h->q);
	h->q = NULL;
	sw_free(h->sw);
	h->sw = NULL;
	group_cancel(h->group);
	(void)group_wait(&h->group);
	pool_free(h->pool);
	h->pool = NULL;
	(void)disk_close(h->dirfd);
}

/* Runs fn on a coroutine and the world until it has ended. */
struct doing {
	void (*fn)(void *);
	void *arg;
	bool done;
};

static void
doing_run(void *arg)
{
	struct doing *d = arg;

	d->fn(d->arg);
	d->done = true;
}

static void
house_do(struct house *h, void (*fn)(void *), void *arg)
{
	struct doing d = { fn, arg, false };

	if (!co_spawn("test", doing_run, &d))
		abort();
	for (unsigned i = 0; i < 100'000 && !d.done; i++)
		(void)world_run_until(h->w, now_ms() + 20);
	if (!d.done)
		abort();
}

static void
forget_jobs(struct house *h, unsigned carrier, bool all)
{
	LIST_EACH(l, &h->jobs) {
		struct fake_job *f = CONTAINER_OF(l, struct fake_job, link);

		if (!all && f->carrier != carrier)
			continue;
		timer_clear(&f->timer);
		list_remove(&f->link);
		free(f);
	}
}

void
house_open(struct house *h, uint64_t seed)
{
	struct config *cfg = h->cfg;
	int root;

	h->w = world_new(seed);
	log_sink(getenv("LOG") ? 2 : -1);
	link_init(&h->jobs);
	if (!cfg)
		h->cfg = config_minimal("mx.test", "here.test");
	root = disk_opendir("/");
	if (disk_mkdirat(root, "spool", 0700) < 0 || disk_fsync(root) < 0)
		abort();
	(void)disk_close(root);
	house_do(h, open_all, h);
}

void
house_close(struct house *h)
{
	house_do(h, close_all, h);
	forget_jobs(h, 0, true);
	for (unsigned i = 0; i < HOUSE_CARRIERS; i++)
		h->carrier[i] = NULL;
}

void
house_reopen(struct house *h, bool power)
{
	static const struct survival none = { .how = SURVIVE_NONE };

	if (h->q)
		house_close(h);
	if (power)
		(void)simdisk_crash(world_disk(h->w), &none);
	house_do(h, open_all, h);
}

static void
drop_queue(void *arg)
{
	struct house *h = arg;

	queue_free(h->q);
	h->q = NULL;
	pool_gone(h->pool, HOLDER_QUEUE);
}

void
house_restart_queue(struct house *h)
{
	house_do(h, drop_queue, h);
	for (unsigned i = 0; i < HOUSE_CARRIERS; i++)
		h->carrier[i] = NULL;
	house_do(h, open_queue, h);
}

void
house_kill_carrier(struct house *h, unsigned n)
{
	forget_jobs(h, n, false);
	carrier_gone(h->q, h->carrier[n]);
	add_carrier(h, n);
}

void
house_done(struct house *h)
{
	if (h->q)
		house_close(h);
	(void)world_free(h->w);
	config_free(h->cfg);
}

void
house_run(struct house *h, int64_t ms)
{
	(void)world_run_until(h->w, now_ms() + ms);
	log_flush();
}

/* ---- mail ---- */

struct mailing {
	struct house *h;
	struct str from, to;
	unsigned n;
};

static void
mail_one(struct mailing *m)
{
	static struct spool_rcpt rcpt[256];
	struct spool_env env = house_env;
	struct str rest = m->to;
	struct spool_draft *d;
	enum spool why;

	env.sender = m->from;
	env.null_sender = m->from.n == 0;
	env.received_ms = wall_ms();
	env.rcpt = rcpt;
	env.nrcpt = 0;
	while (rest.n > 0 && env.nrcpt < COUNT(rcpt))
		rcpt[env.nrcpt++] = (struct spool_rcpt){ .addr = str_split(&rest, ' '),
			.notify = house_notify };
	d = sd_begin(m->h->sw, &why);
	if (!d || sd_write(d, str_of(house_text)) != SPOOL_OK ||
	    sd_commit(d, &env, STR("Received: here\r\n"), &m->h->last_id) != SPOOL_OK)
		abort();
}

static void
mail_run(void *arg)
{
	struct mailing *m = arg;

	for (unsigned i = 0; i < m->n; i++)
		mail_one(m);
}

uint64_t
house_mail(struct house *h, const char *from, const char *to)
{
	house_mails(h, from, to, 1);
	return h->last_id;
}

void
house_mails(struct house *h, const char *from, const char *to, unsigned n)
{
	struct mailing m = { h, str_of(from), str_of(to), n };

	house_do(h, mail_run, &m);
}
