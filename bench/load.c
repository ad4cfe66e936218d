/* SPDX-License-Identifier: ISC */
/*
 * load: a bounded SMTP load generator on one epoll loop.
 *
 * Opens N sessions, sends M messages in all (each session many, or one a connection), and prints
 * one JSON line: rate, and the percentiles of a transaction (MAIL to the reply after the final dot)
 * and of the final dot alone, in microseconds.  It ends by itself: after M messages, or in time.
 * Addresses may hold %u: the number of the message modulo --spread.  Loopback targets only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE_CAP = 4096, SOURCES = 250 };

enum step { AT_BANNER, AT_EHLO, AT_MAIL, AT_RCPT, AT_DATA, AT_DOT, AT_QUIT, AT_END };

struct session {
	int fd;
	enum step step;
	size_t sent;			/* of the message body now going out */
	bool sending;
	unsigned done_here;		/* messages on this connection */
	size_t in_n;
	uint64_t mail_us, dot_us;
	char in[LINE_CAP];
};

struct options {
	const char *host, *from, *to;
	unsigned port, sessions, per_connection, size, spread, seconds, idle;
	uint64_t messages;
	bool spread_source;
};

struct load {
	struct options opt;
	int ep;
	char *body;
	size_t body_n;
	uint64_t started, done, failed, refused;
	uint32_t *mail_lat, *dot_lat;
	char first_error[160];
	struct session *s;
	unsigned live, greeted;		/* sessions open; those whose EHLO was answered */
};

static uint64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

/* The message: a header of six fields and lines of 72 up to the wanted size, with the final dot. */
static void
body_make(struct load *l)
{
	static const char head[] =
	    "From: Load <load@client.example>\r\nTo: <sink@example.test>\r\n"
	    "Subject: a message of the load generator\r\nDate: Tue, 10 Mar 2026 10:00:00 +0000\r\n"
	    "Message-ID: <load@client.example>\r\nMIME-Version: 1.0\r\n\r\n";
	static const char line[] =
	    "the quick brown fox jumps over the lazy dog and then does it once more\r\n";
	size_t cap = sizeof head + l->opt.size + sizeof line + 8;

	l->body = malloc(cap);
	if (l->body == NULL)
		die("malloc");
	memcpy(l->body, head, sizeof head - 1);
	l->body_n = sizeof head - 1;
	while (l->body_n + sizeof line - 1 <= l->opt.size || l->body_n == sizeof head - 1) {
		memcpy(l->body + l->body_n, line, sizeof line - 1);
		l->body_n += sizeof line - 1;
	}
	memcpy(l->body + l->body_n, ".\r\n", 3);
	l->body_n += 3;
}

static void
watch(struct load *l, struct session *s, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->ep, op, s->fd, &ev) == -1)
		die("epoll_ctl");
}

static void
session_open(struct load *l, struct session *s)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)l->opt.port),
	};
	int one = 1;

	if (inet_pton(AF_INET, l->opt.host, &to.sin_addr) != 1 ||
	    (ntohl(to.sin_addr.s_addr) >> 24) != 127) {
		(void)fprintf(stderr, "load: --host must be a loopback IPv4 address\n");
		exit(64);
	}
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd == -1)
		die("socket");
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (l->opt.spread_source) {
		struct sockaddr_in me = { .sin_family = AF_INET };
		unsigned n = (unsigned)(s - l->s);

		(void)setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
		me.sin_addr.s_addr = htonl(0x7f010001u + (n / SOURCES << 8) + n % SOURCES);
		if (bind(s->fd, (struct sockaddr *)&me, sizeof me) == -1)
			die("bind");
	}
	if (connect(s->fd, (struct sockaddr *)&to, sizeof to) == -1)
		die("connect");
	(void)fcntl(s->fd, F_SETFL, O_NONBLOCK);
	s->step = AT_BANNER;
	s->in_n = 0;
	s->sending = false;
	s->done_here = 0;
	watch(l, s, EPOLLIN, EPOLL_CTL_ADD);
}

static void
say(struct session *s, const char *text, size_t n)
{
	if (write(s->fd, text, n) != (ssize_t)n) {
		(void)fprintf(stderr, "load: short write of a command\n");
		exit(2);
	}
}

static void
say_address(struct load *l, struct session *s, const char *verb, const char *address)
{
	char line[512];
	const char *mark = strstr(address, "%u");
	int n;

	if (mark == NULL)
		n = snprintf(line, sizeof line, "%s:<%s>\r\n", verb, address);
	else
		n = snprintf(line, sizeof line, "%s:<%.*s%" PRIu64 "%s>\r\n", verb,
		    (int)(mark - address), address, l->started % l->opt.spread, mark + 2);
	say(s, line, (size_t)n);
}

static void
body_send(struct load *l, struct session *s)
{
	while (s->sent < l->body_n) {
		ssize_t n = write(s->fd, l->body + s->sent, l->body_n - s->sent);

		if (n == -1 && errno == EAGAIN) {
			if (!s->sending)
				watch(l, s, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
			s->sending = true;
			return;
		}
		if (n <= 0)
			die("write");
		s->sent += (size_t)n;
	}
	if (s->sending)
		watch(l, s, EPOLLIN, EPOLL_CTL_MOD);
	s->sending = false;
	s->dot_us = now_us();
}

static void
session_end(struct load *l, struct session *s)
{
	(void)close(s->fd);
	s->fd = -1;
	s->step = AT_END;
	l->live--;
}

static void
next_message(struct load *l, struct session *s)
{
	if (l->started == l->opt.messages ||
	    (l->opt.per_connection != 0 && s->done_here == l->opt.per_connection)) {
		s->step = AT_QUIT;
		say(s, "QUIT\r\n", 6);
		return;
	}
	l->started++;
	s->mail_us = now_us();
	s->step = AT_MAIL;
	say_address(l, s, "MAIL FROM", l->opt.from);
}

static void
message_done(struct load *l, struct session *s, bool good)
{
	uint64_t now = now_us();

	if (good) {
		l->mail_lat[l->done] = (uint32_t)(now - s->mail_us);
		l->dot_lat[l->done] = (uint32_t)(now - s->dot_us);
		l->done++;
	} else {
		l->failed++;
	}
	s->done_here++;
	next_message(l, s);
}

static void
refused(struct load *l, struct session *s, const char *reply)
{
	l->refused++;
	if (l->first_error[0] == '\0')
		(void)snprintf(l->first_error, sizeof l->first_error, "%.*s",
		    (int)strcspn(reply, "\r\n\""), reply);
	if (s->step <= AT_EHLO || s->step == AT_QUIT) {
		l->failed++;
		session_end(l, s);
		return;
	}
	say(s, "RSET\r\n", 6);
	s->step = AT_EHLO;		/* its 250 starts the next message */
	l->failed++;
}

static void
on_reply(struct load *l, struct session *s, const char *reply)
{
	bool good = reply[0] == '2' || reply[0] == '3';

	if (!good) {
		refused(l, s, reply);
		return;
	}
	switch (s->step) {
	case AT_BANNER:
		s->step = AT_EHLO;
		say(s, "EHLO client.example\r\n", 21);
		break;
	case AT_EHLO:
		if (l->opt.idle == 0)
			next_message(l, s);
		else if (++l->greeted == l->opt.sessions)
			(void)fprintf(stderr, "connected %u\n", l->greeted);
		break;
	case AT_MAIL:
		s->step = AT_RCPT;
		say_address(l, s, "RCPT TO", l->opt.to);
		break;
	case AT_RCPT:
		s->step = AT_DATA;
		say(s, "DATA\r\n", 6);
		break;
	case AT_DATA:
		s->step = AT_DOT;
		s->sent = 0;
		body_send(l, s);
		break;
	case AT_DOT:
		message_done(l, s, true);
		break;
	case AT_QUIT:
	case AT_END:
		session_end(l, s);
		if (l->started < l->opt.messages) {
			session_open(l, s);
			l->live++;
		}
		break;
	}
}

/* Takes whole reply lines out of the buffer; only the last line of a reply counts. */
static void
on_input(struct load *l, struct session *s)
{
	ssize_t n = read(s->fd, s->in + s->in_n, sizeof s->in - s->in_n);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (s->step != AT_QUIT)
			l->failed++;
		session_end(l, s);
		return;
	}
	s->in_n += (size_t)n;
	for (;;) {
		char *end = memchr(s->in, '\n', s->in_n);
		char line[LINE_CAP];

		if (end == NULL)
			return;
		size_t len = (size_t)(end - s->in) + 1;

		memcpy(line, s->in, len);
		line[len - 1] = '\0';
		s->in_n -= len;
		memmove(s->in, s->in + len, s->in_n);
		if (len >= 5 && line[3] != '-')
			on_reply(l, s, line);
		if (s->fd == -1 || s->in_n == 0)
			return;
	}
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
percentile(uint32_t *v, uint64_t n, unsigned p)
{
	if (n == 0)
		return 0;
	qsort(v, n, sizeof *v, by_value);
	return v[(n - 1) * p / 100];
}

static void
report(struct load *l, double seconds)
{
	uint32_t m50 = percentile(l->mail_lat, l->done, 50);
	uint32_t m99 = percentile(l->mail_lat, l->done, 99);
	uint32_t d50 = percentile(l->dot_lat, l->done, 50);
	uint32_t d99 = percentile(l->dot_lat, l->done, 99);

	(void)printf("{\"messages\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"seconds\":%.3f,"
	    "\"rate\":%.1f,\"transaction_p50_us\":%u,\"transaction_p99_us\":%u,"
	    "\"dot_p50_us\":%u,\"dot_p99_us\":%u,"
	    "\"first_error\":\"%s\"}\n", l->done, l->failed, seconds,
	    seconds > 0 ? (double)l->done / seconds : 0, m50, m99, d50, d99, l->first_error);
}

static void
options_parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "host", 1, NULL, 'h' }, { "port", 1, NULL, 'p' }, { "sessions", 1, NULL, 's' },
		{ "messages", 1, NULL, 'm' }, { "per-connection", 1, NULL, 'k' },
		{ "size", 1, NULL, 'z' }, { "from", 1, NULL, 'f' }, { "to", 1, NULL, 't' },
		{ "spread", 1, NULL, 'u' }, { "seconds", 1, NULL, 'x' }, { "idle", 1, NULL, 'i' },
		{ "spread-source", 0, NULL, 'S' }, {}
	};
	int c;

	*o = (struct options){
		.host = "127.0.0.1", .from = "load@client.example", .to = "sink@example.test",
		.port = 2525, .sessions = 20, .size = 4096, .spread = 1, .seconds = 120,
		.messages = 1000,
	};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned long v = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case 'h': o->host = optarg; break;
		case 'f': o->from = optarg; break;
		case 't': o->to = optarg; break;
		case 'p': o->port = (unsigned)v; break;
		case 's': o->sessions = (unsigned)v; break;
		case 'm': o->messages = v; break;
		case 'k': o->per_connection = (unsigned)v; break;
		case 'z': o->size = (unsigned)v; break;
		case 'u': o->spread = (unsigned)v; break;
		case 'x': o->seconds = (unsigned)v; break;
		case 'i': o->idle = (unsigned)v; break;
		case 'S': o->spread_source = true; break;
		default: exit(64);
		}
	}
	if (o->idle == 0 && o->sessions > o->messages)
		o->sessions = (unsigned)o->messages;
	if (o->spread == 0 || o->sessions == 0 || o->messages == 0 || o->seconds == 0) {
		(void)fprintf(stderr, "load: zero makes no sense here\n");
		exit(64);
	}
}

static volatile sig_atomic_t told_to_end;

static void
on_signal(int signo)
{
	(void)signo;
	told_to_end = 1;
}

/* With --idle N the sessions stop after EHLO and stay until N seconds have gone or SIGTERM. */
static bool
finished(const struct load *l, uint64_t begun)
{
	if (l->live == 0 || told_to_end)
		return true;
	if (l->opt.idle != 0)
		return now_us() - begun > (uint64_t)l->opt.idle * 1000000;
	return now_us() - begun > (uint64_t)l->opt.seconds * 1000000;
}

static void
turn(struct load *l)
{
	struct epoll_event ev[256];
	int n = epoll_wait(l->ep, ev, 256, 200);

	for (int i = 0; i < n; i++) {
		struct session *s = ev[i].data.ptr;

		if (s->fd == -1)
			continue;
		if (s->sending && (ev[i].events & EPOLLOUT))
			body_send(l, s);
		if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			on_input(l, s);
	}
}

int
main(int argc, char **argv)
{
	struct load l = {};

	options_parse(&l.opt, argc, argv);
	l.ep = epoll_create1(EPOLL_CLOEXEC);
	l.s = calloc(l.opt.sessions, sizeof *l.s);
	l.mail_lat = calloc(l.opt.messages + 1, sizeof *l.mail_lat);
	l.dot_lat = calloc(l.opt.messages + 1, sizeof *l.dot_lat);
	if (l.ep == -1 || l.s == NULL || l.mail_lat == NULL || l.dot_lat == NULL)
		die("set-up");
	body_make(&l);

	(void)signal(SIGTERM, on_signal);

	uint64_t begun = now_us();

	for (unsigned i = 0; i < l.opt.sessions; i++) {
		session_open(&l, &l.s[i]);
		l.live++;
		if (i % 64 == 63)
			turn(&l);	/* keep up with the banners while the rest connects */
	}
	while (!finished(&l, begun))
		turn(&l);
	if (l.opt.idle != 0)
		(void)fprintf(stderr, "held %u\n", l.live);
	report(&l, (double)(now_us() - begun) / 1e6);
	return l.failed == 0 && l.done == (l.opt.idle ? 0 : l.opt.messages) ? 0 : 1;
}
