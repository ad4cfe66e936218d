/* SPDX-License-Identifier: ISC */
/*
 * backend_dovecot: asks Dovecot's auth socket (auth-client, protocol 1.x) whether it is that
 * password, as Postfix and Exim do.
 *
 * One question a connection: Dovecot answers within its own time limits, and nothing of one user is
 * ever in a buffer when the next is asked about.  Dovecot delays failures itself (about two
 * seconds); its growing penalty for an address (up to 15 s, longer than we wait) is declined,
 * because our own guard counts addresses, and a slow answer would look like a store that is down.
 */
#include "sasl/nurse.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base64.h"

enum { LINES_MAX = 32 << 10 };

static int
dial(struct str path)
{
	struct timeval limit = { .tv_sec = NURSE_LIMIT_S - 2 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (path.n >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, path.p, path.n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The next line into *line; b keeps what came.  False: the other side ended or was too slow. */
static bool
next_line(int fd, struct buf *b, size_t *from, struct str *line)
{
	for (;;) {
		struct str rest = str_skip(buf_str(b), *from);
		ssize_t end = str_chr(rest, '\n'), n;
		char *to;

		if (end >= 0) {
			*line = str_sub(rest, 0, (size_t)end);
			*from += (size_t)end + 1;
			return true;
		}
		to = buf_reserve(b, 2048);
		n = to != NULL ? recv(fd, to, 2048, 0) : -1;
		if (n <= 0)
			return false;
		buf_add(b, (size_t)n);
	}
}

static bool
send_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s = str_skip(s, (size_t)n);
	}
	return true;
}

static bool
put_request(struct buf *out, struct str user, struct str password, const struct ip *peer)
{
	char text[IP_TEXT_MAX];
	struct buf plain;
	bool good;

	buf_init(&plain, 2048);
	good = buf_putc(&plain, '\0') && buf_put(&plain, user) && buf_putc(&plain, '\0') &&
	    buf_put(&plain, password) &&
	    buf_puts(out, "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tno-penalty\trip=") &&
	    buf_put(out, ip_format(*peer, text)) && buf_puts(out, "\tresp=") &&
	    base64_encode(out, buf_str(&plain)) && buf_putc(out, '\n');
	if (plain.p != NULL)
		explicit_bzero(plain.p, plain.cap);
	buf_done(&plain);
	return good;
}

/* "OK\t1\tuser=..." or "FAIL\t1\t[user=..]\t[temp]\t[reason=..]" */
static enum cred
judge(struct str line)
{
	struct str rest = line, word = str_split(&rest, '\t'), id = str_split(&rest, '\t');

	if (!str_eq(id, STR("1")))
		return CRED_UNAVAILABLE;
	if (str_eq(word, STR("OK")))
		return CRED_OK;
	if (!str_eq(word, STR("FAIL")))
		return CRED_UNAVAILABLE;
	while (rest.n > 0) {
		struct str one = str_split(&rest, '\t');

		if (str_eq(one, STR("temp")) || str_eq(one, STR("code=temp_fail")))
			return CRED_UNAVAILABLE;
	}
	return CRED_FAILED;
}

static enum cred
talk(int fd, struct str user, struct str password, const struct ip *peer)
{
	enum cred answer = CRED_UNAVAILABLE;
	struct buf in, out;
	struct str line;
	size_t from = 0;
	bool version = false, done = false;

	buf_init(&in, LINES_MAX);
	buf_init(&out, 8192);
	buf_putf(&out, "VERSION\t1\t1\nCPID\t%d\n", (int)getpid());
	done = !send_all(fd, buf_str(&out));
	while (!done && next_line(fd, &in, &from, &line)) {
		if (str_starts(line, STR("VERSION\t1\t")))
			version = true;
		if (!str_eq(line, STR("DONE")))
			continue;
		buf_reset(&out);
		if (!version || !put_request(&out, user, password, peer) ||
		    !send_all(fd, buf_str(&out)))
			break;
		if (next_line(fd, &in, &from, &line))
			answer = judge(line);
		done = true;
	}
	if (out.p != NULL)
		explicit_bzero(out.p, out.cap);
	buf_done(&in);
	buf_done(&out);
	return answer;
}

enum cred
backend_dovecot(const struct config *cfg, const struct domain *d, struct str local,
    struct str password, const struct ip *peer)
{
	int fd = dial(d->passwords_at);
	enum cred answer = CRED_UNAVAILABLE;
	struct buf user;

	if (fd == -1)
		return CRED_UNAVAILABLE;
	buf_init(&user, 1024);
	(void)buf_put(&user, local);
	(void)buf_putc(&user, '@');
	(void)buf_put(&user, d->name);
	if (!user.failed)
		answer = talk(fd, buf_str(&user), password, peer);
	/* In the main domain Dovecot may know its users by their bare names. */
	if (answer == CRED_FAILED && d == &cfg->domain[0]) {
		(void)close(fd);
		fd = dial(d->passwords_at);
		answer = fd != -1 ? talk(fd, local, password, peer) : CRED_UNAVAILABLE;
	}
	buf_done(&user);
	if (fd != -1)
		(void)close(fd);
	return answer;
}
