/* SPDX-License-Identifier: ISC */
/*
 * client_test: the worker's side of DNS over a real channel: many questions as one request, the
 * cache, deadlines, and a resolver that goes away and comes back.
 */
#include "base/test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "dns/client.h"
#include "ipc/ipc.h"
#include "rt/loop.h"

enum { KEPT = 8 };

/* The other end: keeps questions, answers when told. */
struct fake {
	struct ipc *ch;
	struct { uint32_t qid; uint16_t type; char name[64]; } q[KEPT];
	size_t n;
	bool at_once;
};

static struct fake fake;
static struct dns_client *client;
static char result[2000];

static void
answer(size_t i, enum dns res)
{
	struct dns_rr rr = { .type = fake.q[i].type };
	struct dns_answer ans = { .res = res, .ttl = 60, .rr = &rr, .nrr = res == DNS_OK };
	struct buf b;

	(void)ip_parse(STR("192.0.2.1"), &rr.ip);
	if (rr.type == DNS_AAAA)
		(void)ip_parse(STR("2001:db8::1"), &rr.ip);
	buf_init(&b, DNS_PACKED_MAX);
	if (dns_pack(&ans, &b))
		(void)ipc_send(fake.ch, MSG_dns_answer, &(struct msg_dns_answer){
		    .qid = fake.q[i].qid, .packed = buf_str(&b) });
	buf_done(&b);
}

static void
fake_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)ch;
	(void)call_id;
	(void)fd;
	if (type != MSG_dns_ask || fake.n == KEPT)
		return;
	fake.q[fake.n].qid = m->dns_ask.qid;
	fake.q[fake.n].type = m->dns_ask.type;
	(void)snprintf(fake.q[fake.n].name, sizeof fake.q[0].name, STR_F, STR_A(m->dns_ask.name));
	if (fake.at_once)
		answer(fake.n, DNS_OK);
	fake.n++;
}

static const struct ipc_ops fake_ops = { .on_msg = fake_msg };

/* A resolver comes up. */
static bool
connect_fake(void)
{
	int end[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, end) != 0)
		return false;
	fake = (struct fake){ .ch = ipc_new_between(end[0], ROLE_RESOLVER, "smtpc 0", &fake_ops,
	    NULL) };
	dns_client_attach(client, end[1], "resolver 0");
	return fake.ch != NULL;
}

static void
say(const char *text)
{
	size_t n = strlen(result);

	(void)snprintf(result + n, sizeof result - n, "%s ", text);
}

static void
ask_two(void *arg)
{
	struct dns_question q[2] = { { .name = STR("a.example"), .type = DNS_A },
	    { .name = STR("a.example"), .type = DNS_AAAA } };
	struct arena a;

	arena_init(&a, 1 << 20);
	dns_ask_many(dns_client_ops(client), q, 2, now_ms() + *(int64_t *)arg, &a);
	for (size_t i = 0; i < 2; i++)
		say(dns_res_name(q[i].answer.res));
	if (q[1].answer.nrr && q[1].answer.rr[0].ip.v6)
		say("v6");
	arena_done(&a);
}

/* Both questions are out before either is answered; answers may come in any order. */
static void
many_run(void *arg)
{
	int64_t ms = 2000;
	struct co *co = co_spawn("ask", ask_two, &ms);

	(void)arg;
	if (!co || !connect_fake())
		return;
	for (unsigned i = 0; i < 100 && fake.n < 2; i++)
		(void)co_sleep(5);
	say(fake.n == 2 ? "two" : "not two");
	answer(1, DNS_OK);
	answer(0, DNS_NXDOMAIN);
	(void)co_sleep(30);
	ask_two(&ms);			/* from the cache */
	say(fake.n == 2 ? "cached" : "asked again");
	ipc_close(fake.ch);
}

/* No answer within the deadline; one that comes later finds nobody. */
static void
late_run(void *arg)
{
	int64_t ms = 60;

	(void)arg;
	if (!connect_fake())
		return;
	ask_two(&ms);
	answer(0, DNS_OK);
	(void)co_sleep(20);
	say(dns_client_stats(client).pending == 0 ? "none pending" : "pending");
	ipc_close(fake.ch);
}

/* The resolver dies with questions open and is started again: they are asked again. */
static void
restart_run(void *arg)
{
	int64_t ms = 5000;

	(void)arg;
	if (!connect_fake() || !co_spawn("ask", ask_two, &ms))
		return;
	for (unsigned i = 0; i < 100 && fake.n < 2; i++)
		(void)co_sleep(5);
	ipc_close(fake.ch);
	(void)co_sleep(20);
	if (!connect_fake())
		return;
	fake.at_once = true;
	(void)co_sleep(50);
	say(fake.n == 2 ? "asked again" : "not asked");
	ipc_close(fake.ch);
}

/* No resolver at all. */
static void
away_run(void *arg)
{
	int64_t ms = 40;

	(void)arg;
	ask_two(&ms);
}

static void
run(void (*fn)(void *), const char *want)
{
	result[0] = 0;
	client = dns_client_new();
	t_true(client != NULL);
	t_true(co_spawn("test", fn, NULL) != NULL);
	(void)loop_run_until(now_ms() + 1500);
	dns_client_free(client);
	(void)loop_run_until(now_ms() + 500);
	t_int(co_count(), 0);
	t_str(str_of(result), want);
}

static void
test_many_and_cache(void **state)
{
	(void)state;
	run(many_run, "two nxdomain ok v6 nxdomain ok v6 cached ");
}

static void
test_deadline(void **state)
{
	(void)state;
	run(late_run, "temp temp none pending ");
}

static void
test_restart(void **state)
{
	(void)state;
	run(restart_run, "ok ok v6 asked again ");
}

static void
test_away(void **state)
{
	(void)state;
	run(away_run, "temp temp ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_and_cache), cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_restart), cmocka_unit_test(test_away),
	};

	ipc_set_self(ROLE_SMTPC);
	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
