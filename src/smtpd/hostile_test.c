/* SPDX-License-Identifier: ISC */
/*
 * hostile_test: foreign octets in the log, and a process that runs out of descriptors.
 */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rt/disk.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "rt/work.h"
#include "smtpd/listen.h"
#include "smtpd/testhouse.h"

/* ---- P16 ---- */

static const char nasty[] =
	"EHLO x\033[31m\xff%n%s\r\n"
	"EHLO client.example\r\n"
	"MAIL FROM:<\"a\\\"=b%n\"@client.example>\r\n"
	"RCPT TO:<no\"level=error event=fake@victim.example>\r\n"
	"RCPT TO:<level=error%0d%0aevent=fake@victim.example>\r\n"
	"VRFY \033]0;title\007\r\n"
	"NOOP \x9b\x80\x01\x7f\r\n"
	"QUIT\r\n";

static void
nasty_run(void *arg)
{
	struct house *h = arg;
	struct house_client who = { .listener = L_MX };
	struct conn *c;
	struct str line;

	if (!ip_parse(STR("198.51.100.66"), &who.ip))
		abort();
	c = house_connect(h, &who);
	conn_deadline(c, now_ms() + 60'000);
	(void)conn_line(c, 600, &line);
	for (struct str rest = str_of(nasty), one; rest.n > 0; ) {
		one = str_split(&rest, '\n');
		(void)conn_put(c, one);
		(void)conn_put(c, STR("\n"));
		(void)conn_flush(c);
		do {
			if (conn_line(c, 600, &line) != IO_OK)
				break;
		} while (line.n > 3 && line.p[3] == '-');
	}
	conn_close(c);
}

static void
test_P16_T_LOG_01(void **state)
{
	static char text[64 << 10];
	struct house *h = house_new(1, NULL);
	int fd = memfd_create("log", 0);
	ssize_t n;
	unsigned lines = 0;

	(void)state;
	t_true(fd >= 0);
	log_sink(fd);
	log_threshold(LOG_DEBUG);
	house_run(h, nasty_run, h);
	log_drain(1000);
	log_sink(-1);
	log_threshold(LOG_INFO);
	n = pread(fd, text, sizeof(text) - 1, 0);
	t_true(n > 0);
	for (char *p = text, *nl; (nl = strchr(p, '\n')) != NULL; p = nl + 1, lines++) {
		*nl = '\0';
		T_CASE(p);
		t_true(strncmp(p, "ts=", 3) == 0);
		t_true(strstr(p, " event=fake") == NULL || strstr(p, "\"") != NULL);
		t_true(strstr(p, " event=command ") || strstr(p, " event=refused ") ||
		    strstr(p, " event=deferred "));
		for (char *q = p; *q; q++)
			t_true((unsigned char)*q >= 0x20 && (unsigned char)*q < 0x7f);
	}
	t_true(lines >= 8);
	close(fd);
	t_int(house_free(h), 0);
}

/* ---- X7 ---- */

enum { CLIENTS = 120, DESCRIPTORS = 60 };

struct crowd {
	int listener;
	uint16_t port;
	int result;			/* of the child; -1: not yet */
	struct co *server;
};

static int
dial(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		_exit(10);
	return fd;
}

/* The clients: more than the server has descriptors for; when they have gone it serves again. */
static int
crowd_child(uint16_t port)
{
	int fd[CLIENTS], greeted = 0;
	char byte[4];

	for (int i = 0; i < CLIENTS; i++)
		fd[i] = dial(port);
	for (int i = 0; i < DESCRIPTORS / 2; i++)
		greeted += recv(fd[i], byte, sizeof(byte), 0) == 4 && byte[0] == '2';
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
	if (greeted < DESCRIPTORS / 4)
		return 11;
	for (int tries = 0; tries < 50; tries++) {
		int again = dial(port);
		bool served = recv(again, byte, sizeof(byte), 0) == 4 && byte[0] == '2';

		close(again);
		if (served)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 100'000'000 }, NULL);
	}
	return 12;
}

static void
stop_when_child_ends(void *arg, int signo)
{
	int status = 0;

	(void)signo;
	if (waitpid(-1, &status, WNOHANG) > 0) {
		((struct crowd *)arg)->result = WIFEXITED(status) ? WEXITSTATUS(status) : 99;
		co_wake(((struct crowd *)arg)->server);
	}
}

static void
serve_run(void *arg)
{
	struct crowd *w = arg;
	struct config *cfg = config_minimal("mx.example.org", "example.org");
	struct smtpd_ops ops = {};
	static struct listener l = { .kind = L_MX };
	struct smtpd *srv = smtpd_new(cfg, NULL, &ops);
	struct door *door;

	if (!ip_parse(STR("127.0.0.1"), &l.ip))
		abort();
	l.name = STR("mx");
	w->server = co_self();
	door = door_open(srv, &l, w->listener);
	while (w->result == -1 && co_park(FOREVER) == WAKE_OK)
		continue;
	door_close(door);
	smtpd_free(srv);
	config_free(cfg);
	loop_stop();
}

static void
test_X7_T_FD(void **state)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct rlimit before, few = { DESCRIPTORS, DESCRIPTORS };
	struct crowd w = {
		.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .result = -1,
	};
	socklen_t n = sizeof(sa);
	struct timespec cpu;
	pid_t child;

	(void)state;
	t_true(bind(w.listener, (struct sockaddr *)&sa, n) == 0 && listen(w.listener, 256) == 0);
	t_true(getsockname(w.listener, (struct sockaddr *)&sa, &n) == 0);
	w.port = ntohs(sa.sin_port);
	t_true(getrlimit(RLIMIT_NOFILE, &before) == 0);
	loop_init();
	loop_signal(SIGCHLD, stop_when_child_ends, &w);
	child = fork();
	if (child == 0)
		_exit(crowd_child(w.port));
	few.rlim_max = before.rlim_max;
	t_true(setrlimit(RLIMIT_NOFILE, &few) == 0);
	t_true(co_spawn("serve", serve_run, &w) != NULL);
	(void)loop_run_until(now_ms() + 40'000);
	t_true(setrlimit(RLIMIT_NOFILE, &before) == 0);
	loop_signal(SIGCHLD, NULL, NULL);
	t_int(co_count(), 0);
	loop_done();
	t_int(w.result, 0);
	/* waiting for descriptors must not be spinning */
	t_true(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0);
	t_true(cpu.tv_sec < 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_P16_T_LOG_01),
		cmocka_unit_test(test_X7_T_FD),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
