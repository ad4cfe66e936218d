/* SPDX-License-Identifier: ISC */
/*
 * scripted: see scripted.h.  What does not go as the script says is kept in wrong, for the test to
 * look at on its own stack.
 */
#include "smtpc/scripted.h"

#include <stdio.h>

#include "base/num.h"
#include "rt/conn.h"

static void
wrong(struct server *s, const char *what, struct str got)
{
	if (!s->wrong[0])
		(void)snprintf(s->wrong, sizeof s->wrong, "%s / got " STR_F, what, STR_A(got));
}

static bool
take_message(struct server *s, struct conn *c)
{
	struct str line;

	while (conn_line(c, 8192, &line) == IO_OK) {
		if (conn_line_end(c) != LINE_CRLF)
			wrong(s, "bare LF on the wire", line);
		if (str_chr(line, '\r') >= 0)
			wrong(s, "bare CR on the wire", line);
		(void)buf_put(&s->wire, line);
		(void)buf_putc(&s->wire, '|');
		if (str_eq(line, STR(".")))
			return true;
	}
	return false;
}

static bool
take_octets(struct server *s, struct conn *c, size_t n)
{
	struct str block;

	while (n && conn_block(c, &block) == IO_OK) {
		size_t now = MIN(n, block.n);

		(void)buf_put(&s->wire, str_sub(block, 0, now));
		conn_consume(c, now);
		n -= now;
	}
	return n == 0;
}

static void
say_long(struct conn *c, uint64_t n)
{
	(void)conn_put(c, STR("250-"));
	for (uint64_t i = 0; i < n; i++)
		(void)conn_put(c, STR("x"));
	(void)conn_put(c, STR("\r\n"));
}

/* One step; false: this connection is over. */
static bool
step(struct server *s, struct conn *c, struct str word)
{
	struct str arg = str_skip(word, 2), line;
	uint64_t n;

	switch (word.n ? word.p[0] : 'X') {
	case 'S':
		(void)conn_put(c, arg);
		return conn_put(c, STR("\r\n")) == IO_OK;
	case 'C':
		if (conn_flush(c) != IO_OK || conn_line(c, 4096, &line) != IO_OK) {
			wrong(s, "no line", arg);
			return false;
		}
		if (!str_istarts(line, arg))
			wrong(s, word.p, line);
		return true;
	case 'D':
		return conn_flush(c) == IO_OK && take_message(s, c);
	case 'B':
		return conn_flush(c) == IO_OK && num_parse_u64(arg, &n) && take_octets(s, c, n);
	case 'L':
		if (num_parse_u64(arg, &n))
			say_long(c, n);
		return true;
	case 'F':
		while (conn_put(c, arg) == IO_OK && conn_put(c, STR("\r\n")) == IO_OK &&
		    conn_flush(c) == IO_OK && co_sleep(10) == WAKE_OK)
			;
		return false;
	case 'Z':
		(void)conn_flush(c);
		while (conn_line(c, 4096, &line) == IO_OK)
			;
		return false;
	}
	(void)conn_flush(c);
	return false;
}

void
server_run(void *arg)
{
	struct server *s = arg;
	struct str script = str_of(s->script);
	enum io why;

	while (script.n) {
		struct conn *c = world_accept(s->l, FOREVER, &why);

		if (!c)
			break;
		s->connections++;
		while (script.n) {
			struct str word = str_split(&script, '\n');

			if (str_eq(word, STR("N")) || !step(s, c, word))
				break;
		}
		(void)conn_flush(c);
		conn_close(c);
	}
	s->co = NULL;
}
