/* SPDX-License-Identifier: ISC */
/*
 * sink: an SMTP (or LMTP) server that answers and throws away.
 *
 * It parses nothing beyond the first letter of a command and the end of the data, and writes
 * nothing: as a peer it is the next hop of a relay run, as a measure it is the ceiling that no real
 * server can pass on this machine.  Ends on SIGTERM/SIGINT, after --seconds or after --messages;
 * prints one JSON line: messages taken, bytes, seconds from the first to the last.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_CAP = 65536, OUT_CAP = 8192, FD_CAP = 65536 };

struct client {
	bool data, lmtp;
	unsigned rcpts;
	unsigned tail_n;		/* of the last five octets of data seen */
	char tail[5];
	size_t line_n;
	char line[512];			/* a command that has not ended yet */
};

static struct client *clients[FD_CAP];
static volatile sig_atomic_t stop;
static uint64_t taken, bytes, first_us, last_us;
static char in[IN_CAP];

static uint64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

struct out {
	size_t n;
	char p[OUT_CAP];
};

static void
put(struct out *o, const char *text)
{
	size_t n = strlen(text);

	if (o->n + n <= sizeof o->p) {
		memcpy(o->p + o->n, text, n);
		o->n += n;
	}
}

static void
message_end(struct client *c, struct out *o)
{
	unsigned replies = c->lmtp ? c->rcpts : 1;

	c->data = false;
	for (unsigned i = 0; i < replies; i++)
		put(o, "250 2.0.0 taken\r\n");
	c->rcpts = 0;
	last_us = now_us();
	if (taken++ == 0)
		first_us = last_us;
}

/* Answers one command; the first letter is enough. */
static void
command(struct client *c, struct out *o, const char *line)
{
	switch (line[0] | 0x20) {
	case 'e':
	case 'l':
		c->lmtp = (line[0] | 0x20) == 'l';
		put(o, "250-sink\r\n250-PIPELINING\r\n"
		    "250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 0\r\n");
		break;
	case 'd':
		c->data = true;
		memcpy(c->tail, "\0\0\0\r\n", 5);
		put(o, "354 go\r\n");
		break;
	case 'q':
		put(o, "221 2.0.0 bye\r\n");
		break;
	case 'r':
		c->rcpts += (line[1] | 0x20) == 'c';
		put(o, "250 2.1.5 ok\r\n");
		break;
	default:
		put(o, "250 2.0.0 ok\r\n");
	}
}

/* Looks for CRLF.CRLF in what was seen before and now; how many octets belong to the data. */
static size_t
data_scan(struct client *c, const char *p, size_t n, bool *ended)
{
	static const char end[] = "\r\n.\r\n";
	char seam[9];
	size_t head = n < 4 ? n : 4;

	memcpy(seam, c->tail, 5);
	memcpy(seam + 5, p, head);
	for (size_t i = 1; i + 5 <= 5 + head; i++)
		if (memcmp(seam + i, end, 5) == 0) {
			*ended = true;
			return i;
		}
	const char *at = memmem(p, n, end, 5);

	if (at != NULL) {
		*ended = true;
		return (size_t)(at - p) + 5;
	}
	if (n >= 5) {
		memcpy(c->tail, p + n - 5, 5);
	} else {
		memmove(c->tail, c->tail + n, 5 - n);
		memcpy(c->tail + 5 - n, p, n);
	}
	return n;
}

static void
feed(struct client *c, struct out *o, const char *p, size_t n)
{
	while (n > 0) {
		bool ended = false;
		size_t used;

		if (c->data) {
			used = data_scan(c, p, n, &ended);
			bytes += used;
			if (ended)
				message_end(c, o);
		} else {
			const char *nl = memchr(p, '\n', n);

			used = nl != NULL ? (size_t)(nl - p) + 1 : n;
			for (size_t i = 0; i < used && c->line_n < sizeof c->line - 1; i++)
				c->line[c->line_n++] = p[i];
			if (nl != NULL) {
				c->line[c->line_n] = '\0';
				c->line_n = 0;
				command(c, o, c->line);
			}
		}
		p += used;
		n -= used;
	}
}

static void
on_readable(int fd)
{
	struct client *c = clients[fd];
	struct out o = {};
	ssize_t n = read(fd, in, sizeof in);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n > 0)
		feed(c, &o, in, (size_t)n);
	if (n <= 0 || (o.n > 0 && write(fd, o.p, o.n) != (ssize_t)o.n)) {
		(void)close(fd);
		free(c);
		clients[fd] = NULL;
	}
}

static void
on_connect(int ep, int listener)
{
	for (int i = 0; i < 64; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

		if (fd == -1)
			return;
		if (fd >= FD_CAP || (clients[fd] = calloc(1, sizeof *clients[fd])) == NULL) {
			(void)close(fd);
			return;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (write(fd, "220 sink ESMTP\r\n", 16) != 16 ||
		    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
			(void)close(fd);
	}
}

static int
listen_on(const char *host, unsigned port)
{
	struct sockaddr_in me = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd == -1 || inet_pton(AF_INET, host, &me.sin_addr) != 1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&me, sizeof me) == -1 || listen(fd, 4096) == -1)
		return -1;
	return fd;
}

static void
serve(int ep, int listener, uint64_t messages, unsigned seconds)
{
	uint64_t begun = now_us();

	while (!stop && (messages == 0 || taken < messages) &&
	    now_us() - begun < (uint64_t)seconds * 1000000) {
		struct epoll_event ev[256];
		int n = epoll_wait(ep, ev, 256, 200);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == listener)
				on_connect(ep, listener);
			else if (clients[ev[i].data.fd] != NULL)
				on_readable(ev[i].data.fd);
		}
	}
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "host", 1, NULL, 'h' }, { "port", 1, NULL, 'p' }, { "messages", 1, NULL, 'm' },
		{ "seconds", 1, NULL, 's' }, {}
	};
	const char *host = "127.0.0.1";
	unsigned long port = 2526, messages = 0, seconds = 600;
	struct rlimit files;

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1; ) {
		switch (c) {
		case 'h': host = optarg; break;
		case 'p': port = strtoul(optarg, NULL, 10); break;
		case 'm': messages = strtoul(optarg, NULL, 10); break;
		case 's': seconds = strtoul(optarg, NULL, 10); break;
		default: return 64;
		}
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGINT, on_signal);
	(void)signal(SIGPIPE, SIG_IGN);

	int listener = listen_on(host, (unsigned)port), ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener };

	if (listener == -1 || ep == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) == -1) {
		perror("sink: cannot listen");
		return 2;
	}
	(void)fprintf(stderr, "sink: listening on %s:%lu\n", host, port);
	serve(ep, listener, messages, (unsigned)seconds);
	(void)printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.3f}\n",
	    taken, bytes, (double)(last_us - first_us) / 1e6);
	return 0;
}
