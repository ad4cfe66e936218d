/* SPDX-License-Identifier: ISC */
/*
 * ctl: the client's side of the control socket: one line out, one line back.
 */
#include "main/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "main/conf_load.h"

enum { EX_UNAVAILABLE = 69, EX_OSERR = 71, EX_PROTOCOL = 76, EX_CONFIG = 78 };
enum { ANSWER_MAX = 1 << 20, WAIT_S = 70 };

static int
dial_control(const struct config *cfg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_S };
	int fd, n = snprintf(un.sun_path, sizeof(un.sun_path), STR_F "/control",
	    STR_A(cfg->run_dir));

	if (n < 0 || (size_t)n >= sizeof(un.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	(void)fprintf(stderr, "postern: %s: %s\n", un.sun_path,
	    errno == EACCES || errno == EPERM ? "you may not control this server"
	    : "no server is running (or another configuration: --config FILE)");
	close(fd);
	return -1;
}

static bool
send_line(int fd, const char *op, json_t *args)
{
	char *text = args ? json_dumps(args, JSON_COMPACT) : NULL;
	struct buf b;
	bool ok;

	buf_init(&b, ANSWER_MAX);
	buf_put(&b, str_of(op));
	buf_puts(&b, " ");
	buf_put(&b, text ? str_of(text) : STR("{}"));
	buf_puts(&b, "\n");
	ok = !b.failed && send(fd, b.p, b.n, MSG_NOSIGNAL) == (ssize_t)b.n;
	buf_done(&b);
	free(text);
	return ok;
}

static bool
read_line(int fd, struct buf *b)
{
	while (b->n == 0 || b->p[b->n - 1] != '\n') {
		char *to = buf_reserve(b, 65536);
		ssize_t n = to ? read(fd, to, 65536) : -1;

		if (n <= 0)
			return false;
		buf_add(b, (size_t)n);
	}
	return true;
}

/* "ok {...}" or "error {...}" */
static json_t *
take_answer(struct str line, int *code)
{
	struct str json = line, word = str_split(&json, ' ');
	json_t *j = json_loadb(json.p, json.n, JSON_DECODE_ANY, NULL);

	*code = str_eq(word, STR("ok")) ? 0 : EX_UNAVAILABLE;
	if (!j) {
		(void)fprintf(stderr, "postern: an answer that cannot be read\n");
		*code = EX_PROTOCOL;
	}
	return j;
}

json_t *
ctl_ask(const char *config_file, const char *op, json_t *args, int *code)
{
	struct config *cfg = conf_load(config_file, stderr);
	int fd = cfg ? dial_control(cfg) : -1;
	json_t *answer = NULL;
	struct buf b;

	*code = cfg ? EX_UNAVAILABLE : EX_CONFIG;
	buf_init(&b, ANSWER_MAX);
	if (fd != -1) {
		if (send_line(fd, op, args) && read_line(fd, &b))
			answer = take_answer(buf_str(&b), code);
		else
			(void)fprintf(stderr, "postern: the server does not answer\n");
		close(fd);
	}
	buf_done(&b);
	config_free(cfg);
	json_decref(args);
	return answer;
}

bool
ctl_alive(const char *config_file)
{
	struct config *cfg = conf_load(config_file, stderr);
	char path[256];
	bool alive;

	if (!cfg)
		return false;
	(void)snprintf(path, sizeof(path), STR_F "/control", STR_A(cfg->run_dir));
	alive = access(path, F_OK) == 0;
	config_free(cfg);
	return alive;
}
