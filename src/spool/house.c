/* SPDX-License-Identifier: ISC */
/*
 * house: one life: the pool, two writers, sessions that send, and the consumer of house_queue.c.
 *
 * Files are small so that segments turn over, journals rotate and content goes to big files
 * within a few dozen messages.  When the power fails the coroutines are unwound on a disk that
 * answers -EIO; what they then say does not count.
 */
#include "spool/house.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/disk.h"
#include "rt/loop.h"
#include "spool/check.h"
#include "spool/files.h"
#include "spool/house_int.h"

enum {
	SEGMENT_SIZE = 48 << 10, BIG_SIZE = 24 << 10, JOURNAL_SIZE = 32 << 10,
	INLINE_MAX = 6 << 10, BATCH_MAX = 24 << 10, BIG_BLOCK = 8 << 10,
	LIFE_MS = 60'000, STEP_BACK_MS = 3'600'000, SMALL_LEAD_MS = 1500,
};

void
life_taken(struct life *l, const struct spool_file *f)
{
	struct house *h = l->h;

	h->taken = realloc(h->taken, (h->ntaken + 1) * sizeof *h->taken);
	if (!h->taken)
		abort();
	h->taken[h->ntaken++] = f->gen;
}

/* The pool's ops. */

static void
on_closed(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct life *l = ctx;

	if (kind == SPOOL_SEGMENT && l->q)
		queue_closed(l->q, n, gen);
}

static void
on_recycled(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	struct life *l = ctx;

	if (kind == SPOOL_SEGMENT)
		queue_recycled(l->q, n, gen);
}

static void
on_clock(void *ctx, int64_t limit_ms)
{
	struct life *l = ctx;

	for (unsigned i = 0; i < HOUSE_WRITERS; i++)
		if (l->sw[i])
			sw_clock(l->sw[i], i, 0, limit_ms);
}

static void
on_space(void *ctx, bool full)
{
	struct life *l = ctx;

	for (unsigned i = 0; i < HOUSE_WRITERS; i++)
		if (l->sw[i])
			sw_set_full(l->sw[i], full);
}

static bool
is_held(void *ctx, int fd)
{
	(void)ctx, (void)fd;
	return false;
}

static void
lock(void *ctx, int fd)
{
	(void)ctx, (void)fd;
}

static uint32_t
draw(void *ctx)
{
	struct life *l = ctx;

	return (uint32_t)house_draw(l->h, UINT32_MAX);
}

static void
on_strange(void *ctx, enum spool_kind kind, const char *name)
{
	struct life *l = ctx;

	(void)kind, (void)name;
	if (!l->dead && l->plan.faults == 0 && !l->plan.no_space)
		house_bad(l->h, "the pool found a file it did not make", 0);
}

/* The writers' ops; ctx is &life.sw[i]. */

static struct life *
life_of(void *ctx, unsigned *writer)
{
	struct writer_of { struct life *l; unsigned i; } *w = ctx;

	*writer = w->i;
	return w->l;
}

static enum spool
take(void *ctx, enum spool_kind kind, struct spool_file *out)
{
	unsigned i;
	struct life *l = life_of(ctx, &i);
	enum spool res = pool_take(l->pool, kind, i + 1, out);

	if (res == SPOOL_OK)
		life_taken(l, out);
	return res;
}

static enum spool
get_segment(void *ctx, struct spool_file *out)
{
	return take(ctx, SPOOL_SEGMENT, out);
}

static enum spool
get_big(void *ctx, struct spool_file *out)
{
	return take(ctx, SPOOL_BIG, out);
}

static void
drop_big(void *ctx, uint64_t n, uint64_t gen, bool broken)
{
	unsigned i;

	pool_drop(life_of(ctx, &i)->pool, SPOOL_BIG, n, gen, broken);
}

static void
committed(void *ctx, const struct sw_notice *n)
{
	unsigned i;
	struct life *l = life_of(ctx, &i);

	if (l->q)
		queue_notice(l->q, n);
	if (n->closed)
		pool_release(l->pool, SPOOL_SEGMENT, n->segno, n->gen);
}

/* A session. */

struct session {
	struct life *l;
	unsigned writer;
};

static size_t
note_new(struct house *h, uint64_t id, unsigned writer)
{
	struct note n = {
		.id = id, .writer = writer, .life = h->life, .seed = (uint32_t)h->nnote + 1,
		.len = (uint32_t)(20 + house_draw(h, house_draw(h, 4) ? 3000 : 20'000)),
	};

	if (note_find(h, id))
		house_bad(h, "an id was given twice", id);
	if (id <= h->last_id_before)
		house_bad(h, "an id is older than those of a former life", id);
	h->last_id = MAX(h->last_id, id);
	h->note = realloc(h->note, (h->nnote + 1) * sizeof *h->note);
	if (!h->note)
		abort();
	h->note[h->nnote] = n;
	return h->nnote++;
}

static void
note_acked(struct house *h, size_t at)
{
	struct note *n = &h->note[at];

	n->fate = FATE_ACKED;
	h->acked++;
	for (size_t i = 0; i < h->nnote; i++)
		if (h->note[i].fate == FATE_REFUSED && h->note[i].writer == n->writer &&
		    h->note[i].life == n->life && h->note[i].when < n->when)
			h->note[i].sealed = true;
}

static void
note_refused(struct house *h, size_t at)
{
	h->note[at].fate = FATE_REFUSED;
	h->note[at].when = h->now++;
}

/* Send the content in pieces; the first 16 bytes go as prepended fields.  suspends */
static enum spool
send_content(struct life *l, struct spool_draft *d, size_t at)
{
	struct note n = l->h->note[at];
	struct spool_rcpt rcpt = { .addr = STR("bob@example.test") };
	struct spool_env env = {
		.sender = STR("alice@example.test"), .helo = STR("house"), .rcpt = &rcpt,
		    .nrcpt = 1 };
	char *p = malloc(n.len);
	enum spool res = SPOOL_OK;
	size_t step = 1 + (size_t)house_draw(l->h, 7000);

	if (!p)
		abort();
	note_content(&n, p);
	for (size_t i = 16; i < n.len && res == SPOOL_OK; i += step)
		res = sd_write(d, str_from(p + i, MIN(step, n.len - i)));
	if (res == SPOOL_OK && house_draw(l->h, 10) == 0)
		res = SPOOL_BUSY;		/* the client went away */
	if (res == SPOOL_OK && !l->dead) {
		l->h->note[at].fate = FATE_WHOLE;
		l->h->note[at].when = l->h->now++;
		res = sd_commit(d, &env, str_from(p, 16), NULL);
		if (!l->dead && res == SPOOL_OK)
			note_acked(l->h, at);
		else if (!l->dead)
			note_refused(l->h, at);
	}
	if (res != SPOOL_OK)
		sd_drop(d);
	free(p);
	return res;
}

static void
session_run(void *arg)
{
	struct session *s = arg;
	struct life *l = s->l;
	unsigned left = l->plan.messages;

	while (left > 0 && !l->dead && now_ms() < LIFE_MS * 1000) {
		enum spool why;
		struct spool_draft *d;

		if (co_sleep((int64_t)house_draw(l->h, 120)) == WAKE_CANCELLED)
			break;
		d = sd_begin(l->sw[s->writer], &why);
		left--;
		if (d)
			(void)send_content(l, d, note_new(l->h, sd_id(d), s->writer));
	}
	free(s);
}

/* The disk as the last power cut left it: no damage, and what is called clean is zero. */

static bool
was_taken(const struct house *h, uint64_t gen)
{
	for (size_t i = 0; i < h->ntaken; i++)
		if (h->taken[i] == gen)
			return true;
	return false;
}

static void
check_clean(struct life *l, int dir, const struct file_entry *e)
{
	char name[FILE_NAME_MAX], *p = malloc(SEGMENT_SIZE);
	ssize_t got;
	int fd;

	if (!p)
		abort();
	file_name(e->head.kind, e->n, name);
	fd = disk_openat(dir, name, O_RDONLY, 0);
	got = disk_pread(fd, p, SEGMENT_SIZE, 0);
	for (ssize_t i = SPOOL_BLOCK; i < got; i++)
		if (p[i]) {
			house_bad(l->h, "a clean file is not zero", e->n);
			break;
		}
	(void)disk_close(fd);
	free(p);
}

static void
check_disk(struct life *l)
{
	struct spool_check sum;

	if (spool_check(l->dirfd, &sum, NULL)) {
		if (sum.damaged)
			house_bad(l->h, "damage on the disk", sum.damaged);
		if (sum.strange)
			house_bad(l->h, "strange names on the disk", sum.strange);
	} else if (l->h->acked) {
		house_bad(l->h, "the spool cannot be read at all", 0);
	}
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++) {
		struct file_list fl = { .kind = (enum spool_kind)k };
		int dir = disk_openat(l->dirfd, file_dir(fl.kind), O_RDONLY | O_DIRECTORY, 0);

		if (dir < 0)
			continue;
		if (file_list(dir, &fl) == 0)
			for (size_t i = 0; i < fl.n; i++)
				if (fl.p[i].readable && fl.p[i].head.clean &&
				    !was_taken(l->h, fl.p[i].head.gen))
					check_clean(l, dir, &fl.p[i]);
		(void)disk_close(dir);
		free(fl.p);
	}
}

/* A life. */

struct writer_of { struct life *l; unsigned i; };

static bool
writers_start(struct life *l, struct writer_of of[HOUSE_WRITERS])
{
	static const struct spool_writer_ops ops = {
		.get_segment = get_segment, .get_big = get_big, .drop_big = drop_big,
		.committed = committed };
	static const struct sw_conf conf = {
		.inline_max = INLINE_MAX, .batch_max = BATCH_MAX, .big_block = BIG_BLOCK };

	for (unsigned i = 0; i < HOUSE_WRITERS; i++) {
		int64_t epoch, limit;
		int number = pool_writer_new(l->pool, &epoch, &limit);

		of[i] = (struct writer_of){ l, i };
		l->sw[i] = sw_new(&ops, &conf, &of[i]);
		if (number != (int)i || !l->sw[i])
			return false;
		sw_clock(l->sw[i], i, epoch, limit);
	}
	return true;
}

static void
faults_set(struct life *l)
{
	for (unsigned i = 0; i < l->plan.faults; i++)
		simdisk_fault(world_disk(l->w), DISK_SYNC, 12 + house_draw(l->h, 60), 1, EIO);
	if (l->plan.no_space)
		simdisk_fault(world_disk(l->w), DISK_WRITE, 40 + house_draw(l->h, 60), 8, ENOSPC);
}

/* suspends */
static void
work_through(struct life *l)
{
	struct group *sessions = group_open(FOREVER);

	for (unsigned i = 0; i < l->plan.sessions; i++) {
		struct session *s = malloc(sizeof *s);

		if (!s)
			abort();
		*s = (struct session){ l, i % HOUSE_WRITERS };
		if (!group_go(sessions, "session", session_run, s))
			abort();
	}
	(void)group_wait(&sessions);
	for (unsigned i = 0; i < HOUSE_WRITERS; i++) {
		sw_free(l->sw[i]);
		l->sw[i] = NULL;
	}
	for (int i = 0; i < 400 && !queue_idle(l->q) && co_sleep(50) == WAKE_OK; i++)
		continue;
	if (!l->dead && !queue_idle(l->q) && !co_cancelled())
		house_bad(l->h, "the spool does not become empty", 0);
	(void)co_sleep(3000);			/* the pool tidies up */
}

static void
life_run(void *arg)
{
	static const struct pool_ops ops = {
		.closed = on_closed, .recycled = on_recycled, .clock = on_clock, .space = on_space,
		.held = is_held, .lock = lock, .random = draw, .strange = on_strange };
	static const struct pool_conf conf = {
		.segment_size = SEGMENT_SIZE, .big_size = BIG_SIZE, .journal_size = JOURNAL_SIZE,
		.segments_ahead = 2, .big_ahead = 1, .journals_ahead = 1, .reserve = 1,
		.clock_lead_ms = SMALL_LEAD_MS, .idle_ms = 100 };
	struct life *l = arg;
	struct writer_of of[HOUSE_WRITERS];

	l->dirfd = disk_opendir("/");
	check_disk(l);
	l->group = group_open(FOREVER);
	l->pool = pool_new(l->dirfd, &ops, &conf, l);
	if (pool_start(l->pool) == SPOOL_OK &&
	    group_go(l->group, "pool", pool_run, l->pool) && co_yield() == WAKE_OK) {
		faults_set(l);
		if (queue_start(l) && writers_start(l, of))
			work_through(l);
		else if (!l->dead && l->plan.faults == 0 && !l->plan.no_space)
			house_bad(l->h, "the spool does not start", 0);
	}
	for (unsigned i = 0; i < HOUSE_WRITERS; i++)
		sw_free(l->sw[i]);
	queue_free(l->q);
	group_cancel(l->group);
	(void)group_wait(&l->group);
	l->h->recycled += pool_stats_get(l->pool).recycled;
	l->h->zeroed += pool_stats_get(l->pool).zeroed;
	pool_free(l->pool);
	(void)disk_close(l->dirfd);
	l->ended = true;
	loop_stop();
}

bool
house_live(struct house *h, const struct house_plan *plan, uint64_t crash_at,
    const struct survival *survival)
{
	struct life l = { .h = h, .plan = *plan };
	enum world_end end;

	l.w = world_new(house_draw(h, UINT32_MAX));
	world_shuffle(l.w, true);
	if (h->disk) {
		world_give_disk(l.w, h->disk);
		h->disk = NULL;
		/* The clock was wrong, and is set back at the start. */
		world_wall_step(l.w, -(int64_t)h->life * STEP_BACK_MS);
	}
	notes_new_life(h);
	simdisk_crash_at(world_disk(l.w), crash_at == UINT64_MAX ? UINT64_MAX :
	    simdisk_ops(world_disk(l.w)) + crash_at);
	h->ops = simdisk_ops(world_disk(l.w));
	(void)co_spawn("life", life_run, &l);
	end = world_run_until(l.w, now_ms() + LIFE_MS * 10);
	if (end == WORLD_LATE)
		house_bad(h, "a life does not end", 0);
	h->ops = simdisk_ops(world_disk(l.w)) - h->ops;
	l.dead = !l.ended;
	h->disk = simdisk_copy(world_disk(l.w));
	(void)world_free(l.w);
	(void)simdisk_crash(h->disk, survival);
	simdisk_crash_at(h->disk, UINT64_MAX);
	return h->bad == NULL;
}
