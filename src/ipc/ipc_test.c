/* SPDX-License-Identifier: ISC */
/*
 * ipc_test: the wire form, the table of rights, channels between two ends of one process, and
 * what a misbehaving peer gets.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"

#include "ipc/chan_io.h"
#include "ipc/wire.h"
#include "rt/co.h"
#include "rt/log.h"
#include "rt/loop.h"

static void
wire_round_trip(void **state)
{
	struct msg_ctl_peer peer = { .role = ROLE_QUEUE, .index = 7, .generation = 0xfffffffe };
	struct msg_admin_query ask = { .op = STR("queue.list"), .args = STR("{\"after\":1}") };
	char bytes[256];
	size_t n = sizeof(bytes);
	union msg m;

	(void)state;
	t_true(msg_put(MSG_ctl_peer, &peer, bytes, &n));
	t_true(msg_unpack(MSG_ctl_peer, str_from(bytes, n), &m, NULL));
	t_int(m.ctl_peer.role, ROLE_QUEUE);
	t_int(m.ctl_peer.generation, 0xfffffffe);
	n = sizeof(bytes);
	t_true(msg_put(MSG_admin_query, &ask, bytes, &n));
	t_true(msg_unpack(MSG_admin_query, str_from(bytes, n), &m, NULL));
	t_str(m.admin_query.op, "queue.list");
	t_str(m.admin_query.args, "{\"after\":1}");
	for (size_t cut = 0; cut < n; cut++)		/* every truncation is seen */
		t_false(msg_unpack(MSG_admin_query, str_from(bytes, cut), &m, NULL));
	t_false(msg_unpack(MSG_admin_query, str_from(bytes, n + 1), &m, NULL));
	n = 5;						/* and every lack of room */
	t_false(msg_put(MSG_admin_query, &ask, bytes, &n));
}

static void
wire_rights(void **state)
{
	static const struct {
		enum msg_type type;
		enum role_kind from, to;
		bool allowed;
	} cases[] = {
		{ MSG_ctl_go, ROLE_KEEPER, ROLE_SMTPD, true },
		{ MSG_ctl_go, ROLE_SMTPD, ROLE_QUEUE, false },
		{ MSG_ctl_ready, ROLE_SMTPD, ROLE_KEEPER, true },
		{ MSG_ctl_ready, ROLE_SMTPD, ROLE_QUEUE, false },
		{ MSG_admin_query, ROLE_ADMIN, ROLE_QUEUE, true },
		{ MSG_admin_query, ROLE_SMTPD, ROLE_QUEUE, false },
		{ MSG_admin_answer, ROLE_QUEUE, ROLE_ADMIN, true },
		{ MSG_NONE, ROLE_KEEPER, ROLE_SMTPD, false },
		{ (enum msg_type)9999, ROLE_KEEPER, ROLE_SMTPD, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		T_CASE(msg_name(cases[i].type));
		t_int(msg_allowed(cases[i].type, cases[i].from, cases[i].to), cases[i].allowed);
	}
}

/* ---- channels ---- */

struct end {
	struct ipc *ch;
	unsigned got, closed;
	uint32_t last;
	int fd;
	bool answers;
};

static struct end keeper, role;

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	struct end *e = ipc_arg(ch);

	e->got++;
	if (type == MSG_ctl_ping)
		e->last = m->ctl_ping.cookie;
	if (fd != -1)
		e->fd = fd;
	if (call_id && e->answers)
		ipc_reply(ch, call_id, MSG_ctl_pong,
		    &(struct msg_ctl_pong){ .cookie = m->ctl_ping.cookie + 1 });
}

static void
on_close(struct ipc *ch)
{
	struct end *e = ipc_arg(ch);

	e->closed++;
	e->ch = NULL;
	ipc_close(ch);
}

static const struct ipc_ops ops = { .on_msg = on_msg, .on_close = on_close };

static void
start(int pair[2])
{
	log_sink(-1);
	loop_init();
	t_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	keeper = role = (struct end){ .fd = -1 };
}

static void
stop(void)
{
	ipc_close(keeper.ch);
	ipc_close(role.ch);
	loop_run_until(deadline_in(2000));
	t_int(co_count(), 0);
	loop_done();
}

static enum io call_result, dead_result;
static struct msg_ctl_pong pong;

static void
talk_run(void *arg)
{
	struct arena a;

	(void)arg;
	arena_init(&a, 4096);
	for (uint32_t i = 0; i < 5000; i++)
		ipc_send(keeper.ch, MSG_ctl_ping, &(struct msg_ctl_ping){ .cookie = i });
	ipc_send_fd(keeper.ch, MSG_ctl_file, &(struct msg_ctl_file){ .name = STR("x") }, 0);
	call_result = ipc_call(keeper.ch, MSG_ctl_ping, &(struct msg_ctl_ping){ .cookie = 41 },
	    MSG_ctl_pong, &pong, &a, deadline_in(5000));
	role.answers = false;
	dead_result = ipc_call(keeper.ch, MSG_ctl_ping, &(struct msg_ctl_ping){ .cookie = 1 },
	    MSG_ctl_pong, &(struct msg_ctl_pong){}, &a, deadline_in(30));
	arena_done(&a);
	loop_stop();
}

static void
channel_talks(void **state)
{
	int pair[2];

	(void)state;
	start(pair);
	keeper.ch = ipc_new_between(pair[0], ROLE_KEEPER, "smtpd 0", &ops, &keeper);
	role.ch = ipc_new_between(pair[1], ROLE_SMTPD, "keeper 0", &ops, &role);
	t_true(keeper.ch && role.ch);
	role.answers = true;
	t_true(co_spawn("talk", talk_run, NULL) != NULL);
	t_false(loop_run_until(deadline_in(10'000)) && call_result != IO_OK);
	t_int(role.got, 5003);
	t_true(role.fd > 2);
	close(role.fd);
	t_int(call_result, IO_OK);
	t_int(pong.cookie, 42);
	t_int(dead_result, IO_TIMEOUT);
	stop();
}

/* Bytes as a peer might forge them, and whether the channel survives. */
struct head { uint32_t magic, seq; };
struct frame_head { uint32_t len; uint16_t type, flags; uint64_t call; };

static const struct forged {
	const char *name;
	struct head h;
	struct frame_head f;
	size_t n;
	bool survives;
} forged[] = {
	{ "well formed", { 0x43504950, 0 }, { 4, MSG_ctl_ping, 0, 0 }, 28, true },
	{ "short head", { 0x43504950, 0 }, {}, 6, false },
	{ "no frame", { 0x43504950, 0 }, {}, 8, false },
	{ "half a frame head", { 0x43504950, 0 }, { 4, MSG_ctl_ping, 0, 0 }, 20, false },
	{ "wrong magic", { 1, 0 }, { 4, MSG_ctl_ping, 0, 0 }, 28, false },
	{ "out of order", { 0x43504950, 1 }, { 4, MSG_ctl_ping, 0, 0 }, 28, false },
	{ "truncated frame", { 0x43504950, 0 }, { 5, MSG_ctl_ping, 0, 0 }, 28, false },
	{ "oversized frame", { 0x43504950, 0 }, { 1u << 30, MSG_ctl_ping, 0, 0 }, 28, false },
	{ "payload too short", { 0x43504950, 0 }, { 3, MSG_ctl_ping, 0, 0 }, 27, false },
	{ "unknown type", { 0x43504950, 0 }, { 4, 60000, 0, 0 }, 28, false },
	{ "type zero", { 0x43504950, 0 }, { 4, 0, 0, 0 }, 28, false },
	{ "unknown flag", { 0x43504950, 0 }, { 4, MSG_ctl_ping, 8, 0 }, 28, false },
	{ "not its to say", { 0x43504950, 0 }, { 4, MSG_ctl_ready, 0, 0 }, 28, false },
	{ "answer unasked", { 0x43504950, 0 }, { 4, MSG_ctl_ping, 1, 77 }, 28, false },
	{ "descriptor missing", { 0x43504950, 0 }, { 4, MSG_ctl_listen, 0, 0 }, 28, false },
};

static void
channel_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(forged); i++) {
		char bytes[64] = {};
		int pair[2];

		T_CASE(forged[i].name);
		start(pair);
		memcpy(bytes, &forged[i].h, 8);
		memcpy(bytes + 8, &forged[i].f, 16);
		role.ch = ipc_new_between(pair[1], ROLE_SMTPD, "keeper 0", &ops, &role);
		t_int(send(pair[0], bytes, forged[i].n, 0), forged[i].n);
		loop_run_until(deadline_in(50));
		t_int(role.closed, !forged[i].survives);
		t_int(role.got, forged[i].survives);
		close(pair[0]);
		stop();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_round_trip),
		cmocka_unit_test(wire_rights),
		cmocka_unit_test(channel_talks),
		cmocka_unit_test(channel_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
