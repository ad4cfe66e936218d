/* SPDX-License-Identifier: ISC */
/*
 * sim_test: the world's clock, network and work; the same seed gives the same run.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/test.h"
#include "rt/dial.h"
#include "rt/disk.h"
#include "rt/group.h"
#include "rt/sim.h"
#include "rt/timer.h"
#include "rt/work.h"

static struct world *w;
static struct buf trace;

static int
up(void **state)
{
	(void)state;
	w = world_new(7);
	buf_init(&trace, 1 << 20);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	t_int(world_free(w), 0);
	buf_done(&trace);
	return 0;
}

static void
say(const char *z)
{
	(void)buf_put(&trace, str_of(z));
}

static void
day_run(void *arg)
{
	(void)arg;
	(void)co_sleep(86'400'000);
	say("day ");
}

static void
hour_run(void *arg)
{
	(void)arg;
	(void)co_sleep(3'600'000);
	say("hour ");
}

static void
test_clock(void **state)
{
	int64_t mono = now_ms(), wall = wall_ms();

	(void)state;
	(void)co_spawn("day", day_run, NULL);
	(void)co_spawn("hour", hour_run, NULL);
	t_int(world_run_until(w, mono + 1000), WORLD_LATE);
	t_int(now_ms(), mono + 1000);
	t_int(world_run(w), WORLD_IDLE);
	t_str(buf_str(&trace), "hour day ");
	t_int(now_ms() - mono, 86'400'000);
	t_int(wall_ms() - wall, 86'400'000);
	world_wall_step(w, -5000);
	t_int(wall_ms() - wall, 86'395'000);
	t_int(now_ms() - mono, 86'400'000);
}

/* Network: a server that echoes lines, a client through dial. */
static void
echo_run(void *arg)
{
	struct conn *c = arg;
	struct str line;

	conn_deadline(c, now_ms() + 60'000);
	while (conn_line(c, 1000, &line) == IO_OK) {
		(void)conn_put(c, line);
		(void)conn_put(c, STR("\r\n"));
		if (conn_flush(c) != IO_OK)
			break;
	}
	conn_close(c);
}

static void
server_run(void *arg)
{
	struct world_listener *l = world_listen(w, "192.0.2.1:25");
	struct group *g = group_open(FOREVER);
	enum io why;

	for (int i = 0; i < *(int *)arg; i++) {
		struct conn *c = world_accept(l, now_ms() + 60'000, &why);

		if (c == NULL || !group_go(g, "echo", echo_run, c))
			break;
	}
	(void)group_wait(&g);
	world_unlisten(l);
}

static void
client_run(void *arg)
{
	struct dial d = { .port = 25, .deadline_ms = now_ms() + 1000 };
	struct conn *c;
	struct str line;
	enum io why;
	int err;

	if (!ip_parse(STR("192.0.2.1"), &d.to) || (c = dial(&d, &why, &err)) == NULL) {
		say("no ");
		return;
	}
	for (int i = 0; i < 3; i++) {
		(void)conn_putf(c, "%s%d\r\n", (char *)arg, i);
		if (conn_flush(c) == IO_OK && conn_line(c, 100, &line) == IO_OK) {
			(void)buf_put(&trace, line);
			say(" ");
		}
	}
	conn_close(c);
}

static void
test_net(void **state)
{
	char a[] = "a", b[] = "b";
	int n = 2;

	(void)state;
	world_pieces(w, 2);
	(void)co_spawn("server", server_run, &n);
	(void)co_spawn("client", client_run, a);
	t_int(world_run(w), WORLD_IDLE);
	/* The second client never came: the server gave up by its deadline. */
	t_str(buf_str(&trace), "a0 a1 a2 ");
	(void)co_spawn("client", client_run, b);
	t_int(world_run(w), WORLD_IDLE);
	t_str(buf_str(&trace), "a0 a1 a2 no ");
}

static void
hole_run(void *arg)
{
	enum io *io = arg;
	struct conn *end[2], *c;
	struct str line;
	int64_t from = now_ms();

	world_black_hole(w, "/hole");
	c = world_connect(w, "/hole", now_ms() + 30'000, &io[0]);
	if (c != NULL || now_ms() - from != 30'000)
		io[0] = IO_OK;
	world_pair(w, end);
	world_break(end[0]);
	io[1] = conn_line(end[0], 10, &line);
	io[2] = conn_write(end[1], STR("x"));
	conn_close(end[0]);
	conn_close(end[1]);
	world_pair(w, end);
	(void)conn_write(end[0], STR("last\r\n"));
	conn_close(end[0]);
	io[3] = conn_line(end[1], 10, &line);
	io[4] = conn_line(end[1], 10, &line);
	io[5] = conn_write(end[1], STR("x"));
	conn_close(end[1]);
}

static void
test_broken(void **state)
{
	static const enum io want[] = { IO_TIMEOUT, IO_BROKEN, IO_BROKEN, IO_OK, IO_EOF,
	    IO_BROKEN };
	enum io io[COUNT(want)] = {};

	(void)state;
	(void)co_spawn("hole", hole_run, io);
	t_int(world_run(w), WORLD_IDLE);
	for (size_t i = 0; i < COUNT(want); i++)
		t_int(io[i], want[i]);
}

/* What is left is cancelled when the world ends. */
static void
left_run(void *arg)
{
	*(int *)arg = co_park(FOREVER) == WAKE_CANCELLED;
}

static void
test_left(void **state)
{
	int cancelled = 0;

	(void)state;
	w = world_new(1);
	(void)co_spawn("left", left_run, &cancelled);
	t_int(world_run(w), WORLD_IDLE);
	t_int(world_free(w), 1);
	t_int(cancelled, 1);
}

/* Work and shuffling: drawn from the seed. */
static void
letter_fn(void *arg)
{
	(void)buf_putc(&trace, *(char *)arg);
}

static void
letter_run(void *arg)
{
	work_call(letter_fn, arg);
	(void)co_yield();
	letter_fn(arg);
}

static struct str
letters(uint64_t seed, char *out)
{
	static char letter[] = "abcdefgh";
	struct str s;

	w = world_new(seed);
	world_shuffle(w, true);
	buf_init(&trace, 1000);
	for (size_t i = 0; i < 8; i++)
		(void)co_spawn("letter", letter_run, &letter[i]);
	t_int(world_run(w), WORLD_IDLE);
	t_int(world_free(w), 0);
	t_int(trace.n, 16);
	memcpy(out, trace.p, 16);
	s = str_from(out, 16);
	buf_done(&trace);
	return s;
}

static void
test_seed(void **state)
{
	char a[16], b[16], c[16];

	(void)state;
	t_streq(letters(3, a), letters(3, b));
	t_false(str_eq(letters(3, a), letters(4, c)));
}

/* A crash stops the world at once; unwinding ends everybody. */
static void
writer_run(void *arg)
{
	int dir = disk_opendir("/"), fd = disk_openat(dir, "f", O_CREAT | O_RDWR, 0600), rc = 0;

	for (uint64_t i = 0; i < 100 && rc == 0; i++) {
		rc = disk_pwrite(fd, "x", 1, i);
		++*(int *)arg;
		(void)co_yield();
	}
	(void)disk_close(fd);
	(void)disk_close(dir);
}

static void
other_run(void *arg)
{
	while (co_yield() == WAKE_OK)
		++*(int *)arg;
}

static void
test_crash(void **state)
{
	int wrote = 0, other = 0;

	(void)state;
	w = world_new(5);
	simdisk_crash_at(world_disk(w), 11);	/* one creation, ten writes */
	(void)co_spawn("writer", writer_run, &wrote);
	(void)co_spawn("other", other_run, &other);
	t_int(world_run(w), WORLD_CRASHED);
	t_int(wrote, 10);
	t_true(other >= 9 && other <= 11);
	t_int(world_free(w), 2);
	t_int(wrote, 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clock, up, down),
		cmocka_unit_test_setup_teardown(test_net, up, down),
		cmocka_unit_test_setup_teardown(test_broken, up, down),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
