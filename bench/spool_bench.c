/* SPDX-License-Identifier: ISC */
/*
 * spool_bench: what durable writing costs here, and what the spool makes of it.
 *
 *	spool-bench [--dir DIR] [--seconds S]
 *
 * 1. Raw: one 4 KiB write and fdatasync at a time, to a growing file, to one that is only
 *    fallocated, and in place to one that was zero-filled (what segments are).
 * 2. Spool: 1, 10 and 100 sessions that each commit 4 KB messages as fast as they are answered,
 *    through the pool and the writer, with two work threads.
 * 3. Large: four messages of 10 MB at a time, beside four threads that write and sync as much.
 *
 * Prints a table; bench/results keeps some.  The directory is emptied of what was made.
 */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "rt/work.h"
#include "spool/pool.h"
#include "spool/writer.h"

enum { PAGE = 4096, RAW_SIZE = 64 << 20, MESSAGE = 4000, LARGE = 10 << 20, LARGE_AT_ONCE = 4 };

static double seconds = 1.0;
static char dir[4096];
static const char page[1 << 20] = { 1 };

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* Raw. */

enum raw { RAW_GROW, RAW_FALLOCATE, RAW_OVERWRITE, RAW_WAYS };

static int
raw_file(enum raw way)
{
	int fd = open("raw", O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0, "raw");
	switch (way) {
	case RAW_FALLOCATE:
		must(posix_fallocate(fd, 0, RAW_SIZE) == 0, "fallocate");
		break;
	case RAW_OVERWRITE:
		for (off_t at = 0; at < RAW_SIZE; at += (off_t)sizeof page)
			must(pwrite(fd, page, sizeof page, at) == (ssize_t)sizeof page, "write");
		break;
	case RAW_GROW:
	case RAW_WAYS:
		break;
	}
	must(fsync(fd) == 0, "fsync");
	return fd;
}

static void
raw(enum raw way, const char *name)
{
	int fd = raw_file(way);
	double begin = now(), end = begin + seconds;
	unsigned n = 0;

	for (; now() < end && (off_t)n * PAGE < RAW_SIZE; n++) {
		must(pwrite(fd, page, PAGE, (off_t)n * PAGE) == PAGE, "write");
		must(fdatasync(fd) == 0, "fdatasync");
	}
	end = now();
	(void)printf("%-36s %8.0f /s   %7.1f us each\n", name, n / (end - begin),
	    (end - begin) / n * 1e6);
	(void)close(fd);
	(void)unlink("raw");
}

/* Spool. */

static struct pool *pool;
static struct spool_writer *sw;
static double end_at;
static uint64_t committed_n;

static uint32_t
draw(void *ctx)
{
	uint32_t n = 0;

	(void)ctx;
	must(getrandom(&n, sizeof n, 0) == (ssize_t)sizeof n, "getrandom");
	return n;
}

static void
on_file(void *ctx, enum spool_kind kind, uint64_t n, uint64_t gen)
{
	(void)ctx, (void)kind, (void)n, (void)gen;
}

static void on_clock(void *ctx, int64_t limit) { (void)ctx; sw_clock(sw, 0, 0, limit); }
static void on_space(void *ctx, bool full) { (void)ctx, (void)full; }
static bool not_held(void *ctx, int fd) { (void)ctx, (void)fd; return false; }
static void no_lock(void *ctx, int fd) { (void)ctx, (void)fd; }

static void
on_strange(void *ctx, enum spool_kind kind, const char *name)
{
	(void)ctx, (void)kind;
	(void)fprintf(stderr, "strange file: %s\n", name);
}

static enum spool
get_segment(void *ctx, struct spool_file *out)
{
	(void)ctx;
	return pool_take(pool, SPOOL_SEGMENT, 1, out);
}

/* The file each session holds: given back when its message is committed, as after its delivery. */
static struct { struct co *co; struct spool_file file; } big[LARGE_AT_ONCE];

static enum spool
get_big(void *ctx, struct spool_file *out)
{
	enum spool res = pool_take(pool, SPOOL_BIG, 1, out);
	unsigned i = 0;

	(void)ctx;
	while (i < LARGE_AT_ONCE - 1 && big[i].co && big[i].co != co_self())
		i++;
	big[i].co = co_self();
	big[i].file = *out;
	return res;
}

static void
big_done(void)
{
	for (unsigned i = 0; i < LARGE_AT_ONCE; i++)
		if (big[i].co == co_self())
			(void)pool_finished(pool, SPOOL_BIG, big[i].file.n, big[i].file.gen);
}

static void
drop_big(void *ctx, uint64_t n, uint64_t gen, bool broken)
{
	(void)ctx;
	pool_drop(pool, SPOOL_BIG, n, gen, broken);
}

static void
on_committed(void *ctx, const struct sw_notice *n)
{
	(void)ctx;
	if (!n->closed)
		return;
	pool_release(pool, SPOOL_SEGMENT, n->segno, n->gen);
	(void)pool_finished(pool, SPOOL_SEGMENT, n->segno, n->gen);
}

static struct spool_rcpt rcpt = { .addr = STR_INIT("bob@example.test") };
static const struct spool_env env = {
	.sender = STR_INIT("alice@example.test"), .helo = STR_INIT("client.example.test"),
	.listener = STR_INIT("mx"), .with = STR_INIT("ESMTP"), .rcpt = &rcpt, .nrcpt = 1,
};

static void
commit_run(void *arg)
{
	size_t size = *(const size_t *)arg;

	while (now() < end_at) {
		enum spool why;
		struct spool_draft *d = sd_begin(sw, &why);

		for (size_t left = size; d && left > 0 && why == SPOOL_OK; ) {
			size_t n = MIN(left, (size_t)16384);

			why = sd_write(d, str_from(page, n));
			left -= n;
			if (size > MESSAGE)
				(void)co_yield();
		}
		if (d && why == SPOOL_OK)
			why = sd_commit(d, &env, STR("Received: by bench\r\n"), NULL);
		must(why == SPOOL_OK, "commit");
		committed_n++;
		if (size > MESSAGE)
			big_done();
	}
}

static void
spool(unsigned sessions, size_t size, const char *name)
{
	struct group *g = group_open(FOREVER);
	double begin = now(), used = cpu();
	uint64_t commits = sw_stats_get(sw).commits;

	end_at = begin + seconds;
	committed_n = 0;
	for (unsigned i = 0; i < sessions; i++)
		must(group_go(g, "session", commit_run, &size), "session");
	(void)group_wait(&g);
	begin = now() - begin;
	used = cpu() - used;
	commits = sw_stats_get(sw).commits - commits;
	(void)printf("%-36s %8.0f /s   %7.1f a commit   %5.1f us CPU each   %6.0f MB/s\n", name,
	    (double)committed_n / begin, (double)committed_n / (double)commits,
	    used / (double)committed_n * 1e6, (double)committed_n * (double)size / begin / 1e6);
}

/* Four writers without us. */

struct large {
	int fd;
	uint64_t n;
};

static void
large_write(int fd)
{
	for (off_t at = 0; at < LARGE; at += (off_t)sizeof page)
		must(pwrite(fd, page, sizeof page, at) == (ssize_t)sizeof page, "write");
	must(fdatasync(fd) == 0, "fdatasync");
}

static void *
large_raw(void *arg)
{
	struct large *l = arg;

	for (; now() < end_at; l->n++)
		large_write(l->fd);
	return NULL;
}

static void
large_raw_all(void)
{
	pthread_t t[LARGE_AT_ONCE];
	struct large l[LARGE_AT_ONCE];
	uint64_t sum = 0;
	double begin;

	for (unsigned i = 0; i < LARGE_AT_ONCE; i++) {
		l[i] = (struct large){ .fd = open("large", O_RDWR | O_CREAT, 0600) };
		must(l[i].fd >= 0 && unlink("large") == 0, "large");
		large_write(l[i].fd);
	}
	begin = now();
	end_at = begin + seconds;
	for (unsigned i = 0; i < LARGE_AT_ONCE; i++)
		must(pthread_create(&t[i], NULL, large_raw, &l[i]) == 0, "thread");
	for (unsigned i = 0; i < LARGE_AT_ONCE; i++) {
		(void)pthread_join(t[i], NULL);
		(void)close(l[i].fd);
		sum += l[i].n;
	}
	begin = now() - begin;
	(void)printf("%-36s %8.1f /s   %42s   %6.0f MB/s\n", "raw, 10 MB, 4 threads",
	    (double)sum / begin, "", (double)sum * LARGE / begin / 1e6);
}

static void
bench_run(void *arg)
{
	static const struct pool_ops pool_ops = {
		.closed = on_file, .recycled = on_file, .clock = on_clock, .space = on_space,
		.held = not_held, .lock = no_lock, .random = draw, .strange = on_strange };
	static const struct spool_writer_ops ops = {
		.get_segment = get_segment, .get_big = get_big, .drop_big = drop_big,
		.committed = on_committed };
	struct group *g = group_open(FOREVER);
	int64_t epoch, limit;

	(void)arg;
	pool = pool_new(open(".", O_RDONLY | O_DIRECTORY), &pool_ops,
	    &(struct pool_conf){ .reserve = 1, .idle_ms = 60'000 }, NULL);
	must(pool_start(pool) == SPOOL_OK, "pool");
	must(group_go(g, "pool", pool_run, pool), "pool");
	sw = sw_new(&ops, NULL, NULL);
	must(pool_writer_new(pool, &epoch, &limit) == 0, "writer");
	sw_clock(sw, 0, epoch, limit);
	pool_big_live_end(pool);
	while (pool_stats_get(pool).free[SPOOL_SEGMENT] < 4 ||
	    pool_stats_get(pool).free[SPOOL_BIG] < 8)
		(void)co_sleep(50);
	spool(1, MESSAGE, "spool, 4 KB, 1 session");
	spool(10, MESSAGE, "spool, 4 KB, 10 sessions");
	spool(20, MESSAGE, "spool, 4 KB, 20 sessions");
	spool(100, MESSAGE, "spool, 4 KB, 100 sessions");
	spool(LARGE_AT_ONCE, LARGE, "spool, 10 MB, 4 sessions");
	sw_free(sw);
	group_cancel(g);
	(void)group_wait(&g);
	pool_free(pool);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int
main(int argc, char **argv)
{
	const char *base = "/var/tmp";

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--dir") == 0)
			base = argv[i + 1];
		else if (strcmp(argv[i], "--seconds") == 0)
			seconds = strtod(argv[i + 1], NULL);
	}
	(void)snprintf(dir, sizeof dir, "%s/spool-bench.XXXXXX", base);
	must(mkdtemp(dir) && chdir(dir) == 0, base);
	raw(RAW_GROW, "raw, 4 KiB, growing file");
	raw(RAW_FALLOCATE, "raw, 4 KiB, fallocated");
	raw(RAW_OVERWRITE, "raw, 4 KiB, overwritten in place");
	loop_init();
	work_init(5);
	(void)co_spawn("bench", bench_run, NULL);
	loop_run();
	work_done();
	loop_done();
	large_raw_all();
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
