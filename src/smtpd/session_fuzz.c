/* SPDX-License-Identifier: ISC */
/*
 * session_fuzz: the bytes are a client; time, network and disk are simulated, so that a finding
 * replays exactly.
 *
 * The first octet chooses listener and sizes of pieces.  What must hold: every reply is well
 * formed, each 250 after a message's end is in the spool once and nothing else is, and when the
 * client is gone no coroutine is left that had to be cancelled.
 */
#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "smtpd/testhouse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct talk {
	struct house *h;
	struct str bytes;
	unsigned mode;
	size_t queued;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_line(struct talk *t, struct str line)
{
	must(line.n >= 4 && line.n <= 510);
	must(line.p[0] >= '2' && line.p[0] <= '5');
	must(ascii_isdigit(line.p[1]) && ascii_isdigit(line.p[2]));
	must(line.p[3] == ' ' || line.p[3] == '-');
	for (size_t i = 0; i < line.n; i++)
		must((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7f);
	if (str_starts(line, STR("250 2.0.0 queued as ")))
		t->queued++;
}

static void
talk_run(void *arg)
{
	static const enum listener_kind kinds[] = { L_MX, L_MX, L_LMTP, L_LOCAL };
	struct talk *t = arg;
	struct house_client who = { .listener = kinds[t->mode & 3], .uid = 1000 };
	struct conn *c;
	struct str line;

	must(ip_parse(t->mode & 4 ? STR("203.0.113.4") : STR("198.51.100.66"), &who.ip));
	c = house_connect(t->h, &who);
	conn_deadline(c, now_ms() + 600'000);
	must(conn_line(c, 600, &line) == IO_OK);
	check_line(t, line);
	(void)conn_put(c, t->bytes);
	(void)conn_shutdown(c);
	conn_deadline(c, now_ms() + 3'600'000);
	while (conn_line(c, 600, &line) == IO_OK) {
		must(conn_line_end(c) == LINE_CRLF);
		check_line(t, line);
	}
	conn_close(c);
	must(house_messages(t->h, NULL, NULL) == t->h->srv->accepted);
	must(kinds[t->mode & 3] == L_LMTP || t->queued == t->h->srv->accepted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct talk t = { .bytes = str_from(p, n) };

	if (n == 0 || n > 100'000)
		return 0;
	t.mode = p[0];
	t.bytes = str_skip(t.bytes, 1);
	t.h = house_new(1, "limits {\n error-delay 0\n}\n");
	world_pieces(t.h->w, t.mode >> 3 & 7);
	house_run(t.h, talk_run, &t);
	must(house_free(t.h) == 0);
	return 0;
}
