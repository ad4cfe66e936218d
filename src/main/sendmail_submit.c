/* SPDX-License-Identifier: ISC */
/*
 * sendmail_submit: see sendmail_submit.h.  A plain blocking client: one process, one message.
 */
#include "main/sendmail_submit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/drop.h"

enum { REPLY_CAP = 8192, WAIT_MS = 600'000, COMMAND_CAP = 8192 };

struct talk {
	int fd;
	bool verbose;
	size_t n;			/* bytes of the reply text, with its end */
	char reply[REPLY_CAP];
};

static int
connect_local(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof to.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&to, sizeof to) == -1) {
		int err = errno;

		(void)close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static bool
send_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = str_skip(s, (size_t)n);
	}
	return true;
}

/* Is the last line of what came a final one ("250 ...")? */
static bool
reply_complete(const struct talk *t)
{
	size_t start = t->n;

	if (t->n < 5 || t->reply[t->n - 1] != '\n')
		return false;
	for (start = t->n - 1; start > 0 && t->reply[start - 1] != '\n'; )
		start--;
	return t->n - start >= 4 && t->reply[start + 3] != '-';
}

/* The code of the next reply; 0 when the server is gone. */
static int
reply_read(struct talk *t)
{
	t->n = 0;
	while (!reply_complete(t)) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };
		ssize_t n = 0;

		if (t->n == sizeof t->reply || poll(&p, 1, WAIT_MS) <= 0)
			return 0;
		n = recv(t->fd, t->reply + t->n, sizeof t->reply - t->n, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		t->n += (size_t)n;
	}
	if (t->verbose)
		(void)fprintf(stderr, "<<< %.*s", (int)t->n, t->reply);
	return (t->reply[0] - '0') * 100 + (t->reply[1] - '0') * 10 + (t->reply[2] - '0');
}

static int
command(struct talk *t, struct str line)
{
	struct buf b;
	bool sent;

	if (t->verbose)
		(void)fprintf(stderr, ">>> " STR_F "\n", STR_A(line));
	buf_init(&b, COMMAND_CAP);
	sent = buf_put(&b, line) && buf_puts(&b, "\r\n") && send_all(t->fd, buf_str(&b));
	buf_done(&b);
	return sent ? reply_read(t) : 0;
}

/* sysexits for a refusal: our own right, the address, or just now. */
static int
exit_of(int code, const char *reply)
{
	if (code == 0 || (code >= 400 && code < 500))
		return EX_TEMPFAIL;
	if (strncmp(reply + 4, "5.7.", 4) == 0)
		return EX_NOPERM;
	if (strncmp(reply + 4, "5.1.", 4) == 0)
		return EX_NOUSER;
	return code >= 500 && code < 504 ? EX_USAGE : EX_UNAVAILABLE;
}

static int
refusal(const struct talk *t, int code, struct str what)
{
	if (code == 0)
		(void)fprintf(stderr, "sendmail: " STR_F ": the server broke off\n", STR_A(what));
	else
		(void)fprintf(stderr, "sendmail: " STR_F ": %.*s\n", STR_A(what),
		    (int)strcspn(t->reply, "\r\n"), t->reply);
	return exit_of(code, t->reply);
}

static bool
eight_bit(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

/* RFC 6531 3.4 */
static bool
needs_utf8(const struct composed *c)
{
	bool needs = eight_bit(c->from);

	for (size_t i = 0; i < c->nrcpt; i++)
		needs |= eight_bit(c->rcpt[i]);
	return needs;
}

static int
say_mail(struct talk *t, const struct composed *c, const struct sendmail_args *args)
{
	struct buf b;
	int code;

	buf_init(&b, COMMAND_CAP);
	(void)buf_putf(&b, "MAIL FROM:<" STR_F ">", STR_A(c->from));
	if (args->ret != NULL)
		(void)buf_putf(&b, " RET=%s", args->ret);
	if (args->envid != NULL)
		(void)buf_putf(&b, " ENVID=%s", args->envid);
	if (needs_utf8(c))
		(void)buf_puts(&b, " SMTPUTF8");
	code = b.failed ? 0 : command(t, buf_str(&b));
	buf_done(&b);
	return code;
}

static int
say_rcpt(struct talk *t, struct str rcpt, const struct sendmail_args *args)
{
	struct buf b;
	int code;

	buf_init(&b, COMMAND_CAP);
	(void)buf_putf(&b, "RCPT TO:<" STR_F ">", STR_A(rcpt));
	if (args->notify != NULL)
		(void)buf_putf(&b, " NOTIFY=%s", args->notify);
	code = b.failed ? 0 : command(t, buf_str(&b));
	buf_done(&b);
	return code;
}

/* RFC 5321 4.5.2 */
static bool
send_stuffed(int fd, struct str m)
{
	while (m.n > 0) {
		struct str line = m;
		const char *nl = memchr(m.p, '\n', m.n);

		/* up to the next line that begins with a dot */
		while (nl != NULL && (size_t)(nl + 1 - m.p) < m.n && nl[1] != '.')
			nl = memchr(nl + 1, '\n', m.n - (size_t)(nl + 1 - m.p));
		line.n = nl != NULL ? (size_t)(nl + 1 - m.p) : m.n;
		if (line.p[0] == '.' && !send_all(fd, STR(".")))
			return false;
		if (!send_all(fd, line))
			return false;
		m = str_skip(m, line.n);
	}
	return send_all(fd, STR(".\r\n"));
}

static int
dialogue(struct talk *t, const struct composed *c, const struct sendmail_args *args)
{
	int code, worst = EX_OK;

	if ((code = reply_read(t)) != 220 || (code = command(t, STR("EHLO localhost"))) != 250)
		return refusal(t, code, STR("greeting"));
	if ((code = say_mail(t, c, args)) != 250)
		return refusal(t, code, c->from.n > 0 ? c->from : STR("<>"));
	for (size_t i = 0; i < c->nrcpt; i++)
		if ((code = say_rcpt(t, c->rcpt[i], args)) / 10 != 25)
			worst = refusal(t, code, c->rcpt[i]);
	if (args->mode == SM_VERIFY) {
		for (size_t i = 0; i < c->nrcpt && worst == EX_OK; i++)
			(void)printf(STR_F "... deliverable\n", STR_A(c->rcpt[i]));
		(void)command(t, STR("QUIT"));
		return worst;
	}
	if (worst != EX_OK) {
		(void)command(t, STR("QUIT"));
		(void)fprintf(stderr, "sendmail: nothing was sent\n");
		return worst;
	}
	if ((code = command(t, STR("DATA"))) != 354)
		return refusal(t, code, STR("message"));
	code = send_stuffed(t->fd, c->message) ? reply_read(t) : 0;
	if (code != 250)
		return refusal(t, code, STR("message"));
	(void)command(t, STR("QUIT"));
	return EX_OK;
}

static int
leave(const char *dir, const struct composed *c, const struct sendmail_args *args)
{
	struct drop d = {
		.from = c->from, .rcpt = c->rcpt, .nrcpt = c->nrcpt, .message = c->message,
		.notify = args->notify != NULL ? str_of(args->notify) : (struct str){},
		.ret = args->ret != NULL ? str_of(args->ret) : (struct str){},
		.envid = args->envid != NULL ? str_of(args->envid) : (struct str){},
	};
	int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = dirfd == -1 ? errno : drop_write(dirfd, &d);
	char text[128];

	if (dirfd != -1)
		(void)close(dirfd);
	if (err == 0) {
		if (args->verbose)
			(void)fprintf(stderr, "sendmail: no server runs: kept for its start\n");
		return EX_OK;
	}
	(void)fprintf(stderr, "sendmail: no server runs, and %s: %s\n", dir,
	    strerror_r(err, text, sizeof text));
	return EX_TEMPFAIL;
}

int
sendmail_submit(const struct submit_place *at, const struct composed *c,
    const struct sendmail_args *args)
{
	static struct talk t;
	int code;

	t.fd = connect_local(at->socket);
	t.verbose = args->verbose;
	if (t.fd == -1) {
		/* EAGAIN: a full backlog is a server that does not answer */
		return leave(at->drop, c, args);
	}
	code = dialogue(&t, c, args);
	(void)close(t.fd);
	return code;
}

/* Copies what is there; false when that direction has ended. */
static bool
copy(int from, int to)
{
	static char bytes[65536];
	ssize_t n = read(from, bytes, sizeof bytes);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	for (ssize_t at = 0; at < n; ) {
		ssize_t k = write(to, bytes + at, (size_t)(n - at));

		if (k <= 0)
			return false;
		at += k;
	}
	return n > 0;
}

int
sendmail_smtp(const struct submit_place *at)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };

	p[1].fd = connect_local(at->socket);
	if (p[1].fd == -1) {
		(void)fprintf(stderr, "sendmail: no server runs\n");
		return EX_TEMPFAIL;
	}
	while (poll(p, 2, -1) > 0 || errno == EINTR) {
		if (p[0].revents != 0 && !copy(0, p[1].fd)) {
			(void)shutdown(p[1].fd, SHUT_WR);
			p[0].fd = -1;
		}
		if (p[1].revents != 0 && !copy(p[1].fd, 1))
			break;
	}
	(void)close(p[1].fd);
	return EX_OK;
}
