/* SPDX-License-Identifier: ISC */
/*
 * state_test: random command sequences against a reference automaton, and smuggling in every form.
 *
 * The automaton (struct model) is the standard's view of a session: what may follow what, in
 * reply classes.  It knows no policy but three recipients: ours, unknown, remote.
 */
#include "base/test.h"

#include <stdlib.h>

#include "rt/clock.h"
#include "smtpd/testhouse.h"

static const char loose[] =
	"limits {\n"
	"    message-size 65536\n    header-size 32768\n"
	"    commands 1000000\n    noop-commands 1000000\n"
	"    messages-per-connection 1000000\n    soft-errors 1000\n    hard-errors 1000\n"
	"    unknown-recipients 10000\n"
	"}\n";

enum cmd {
	C_EHLO, C_HELO, C_BAD_HELO, C_MAIL, C_NULL_MAIL, C_BAD_MAIL, C_BIG_MAIL, C_RCPT, C_UNKNOWN,
	C_REMOTE, C_BAD_RCPT, C_DATA, C_BARE_DATA, C_BIG_DATA, C_CHUNK, C_LAST, C_EMPTY_LAST,
	C_BIG_CHUNK, C_BARE_CHUNK, C_RSET, C_NOOP, C_VRFY, C_JUNK, C_LONG, C_STARTTLS, C_QUIT,
	C_COUNT,
};

/* ---- the reference automaton ---- */

struct model {
	bool hello, tx, chunked, closed;
	unsigned rcpts, accepted, asked;
	bool null;
};

static void
model_end(struct model *m)
{
	m->tx = m->chunked = m->null = false;
	m->rcpts = 0;
}

static unsigned
model_content(struct model *m, enum cmd c)
{
	if (!m->tx)
		return 503;
	if (c <= C_BIG_DATA && m->chunked)
		return 503;
	if (m->rcpts == 0)
		return 554;
	m->chunked = c > C_BIG_DATA;
	if (c == C_CHUNK)
		return 250;
	model_end(m);
	if (c == C_BARE_DATA || c == C_BARE_CHUNK) {
		m->closed = true;
		return 550;
	}
	if (c == C_BIG_DATA || c == C_BIG_CHUNK)
		return 552;
	m->accepted++;
	return 250;
}

static unsigned
model_rcpt(struct model *m, enum cmd c)
{
	if (!m->tx || m->chunked)
		return 503;
	if (c == C_BAD_RCPT)
		return 501;
	m->asked++;
	if (c != C_RCPT)
		return 550;
	if (m->null && m->rcpts > 0)
		return 452;
	m->rcpts++;
	return 250;
}

static unsigned
model_step(struct model *m, enum cmd c)
{
	switch (c) {
	case C_EHLO: case C_HELO:
		model_end(m);
		m->hello = true;
		return 250;
	case C_MAIL: case C_NULL_MAIL: case C_BAD_MAIL: case C_BIG_MAIL:
		if (!m->hello || m->tx)
			return 503;
		if (c == C_BAD_MAIL || c == C_BIG_MAIL)
			return c == C_BAD_MAIL ? 501 : 552;
		m->tx = true;
		m->null = c == C_NULL_MAIL;
		return 250;
	case C_RCPT: case C_UNKNOWN: case C_REMOTE: case C_BAD_RCPT:
		return model_rcpt(m, c);
	case C_DATA: case C_BARE_DATA: case C_BIG_DATA: case C_CHUNK: case C_LAST:
	case C_EMPTY_LAST: case C_BIG_CHUNK: case C_BARE_CHUNK:
		return model_content(m, c);
	case C_RSET:
		model_end(m);
		return 250;
	case C_QUIT:
		m->closed = true;
		return 221;
	case C_NOOP:		return 250;
	case C_VRFY:		return 252;
	case C_BAD_HELO:	return 501;
	case C_STARTTLS:	return 502;
	case C_JUNK: case C_LONG: case C_COUNT:
		break;
	}
	return 500;
}

/* ---- the real thing ---- */

static const char *const line_of[C_COUNT] = {
	[C_EHLO] = "EHLO client.example", [C_HELO] = "EHLO other.example",
	[C_BAD_HELO] = "EHLO", [C_MAIL] = "MAIL FROM:<ann@client.example>",
	[C_NULL_MAIL] = "MAIL FROM:<>", [C_BAD_MAIL] = "MAIL FROM:ann@client.example>",
	[C_BIG_MAIL] = "MAIL FROM:<ann@client.example> SIZE=65537",
	[C_RCPT] = "RCPT TO:<bob@victim.example>", [C_UNKNOWN] = "RCPT TO:<no@victim.example>",
	[C_REMOTE] = "RCPT TO:<x@elsewhere.example>", [C_BAD_RCPT] = "RCPT TO:<bob@>",
	[C_DATA] = "DATA", [C_BARE_DATA] = "DATA", [C_BIG_DATA] = "DATA",
	[C_CHUNK] = "BDAT 5\r\nX: y\r", [C_LAST] = "BDAT 3 LAST\r\n\nhi",
	[C_EMPTY_LAST] = "BDAT 0 LAST", [C_BIG_CHUNK] = "BDAT 70000 LAST\r\n",
	[C_BARE_CHUNK] = "BDAT 3 LAST\r\na\nb", [C_RSET] = "RSET", [C_NOOP] = "NOOP",
	[C_VRFY] = "VRFY bob", [C_JUNK] = "XYZZY", [C_LONG] = "NOOP ", [C_STARTTLS] = "STARTTLS",
	[C_QUIT] = "QUIT",
};

struct play {
	struct house *h;
	struct conn *c;
	uint64_t seed;
	unsigned sessions, accepted, steps;
	char why[400];
};

static unsigned
hear(struct conn *c)
{
	struct str line;
	uint64_t code = 0;

	do {
		conn_deadline(c, now_ms() + 600'000);
		if (conn_line(c, 1000, &line) != IO_OK || line.n < 4 ||
		    !num_parse_u64(str_sub(line, 0, 3), &code))
			return 0;
	} while (line.p[3] == '-');
	return (unsigned)code;
}

static void
put_many(struct conn *c, char what, size_t n)
{
	char row[1000];

	memset(row, what, sizeof(row));
	row[998] = '\r', row[999] = '\n';
	for (; n >= sizeof(row); n -= sizeof(row))
		(void)conn_put(c, str_from(row, sizeof(row)));
}

static void
put_content(struct conn *c, enum cmd cmd)
{
	if (cmd == C_DATA)
		(void)conn_putz(c, "Subject: x\r\n\r\nhello\r\n.\r\n");
	else if (cmd == C_BARE_DATA)
		(void)conn_putz(c, "Subject: x\r\n\r\nhe\nllo\r\n.\r\n");
	else {
		put_many(c, 'b', 80'000);
		(void)conn_putz(c, ".\r\n");
	}
}

static char overlong[5000];		/* of NOOP's argument */

static unsigned
real_step(struct play *p, enum cmd cmd)
{
	unsigned code;

	(void)conn_putz(p->c, line_of[cmd]);
	if (cmd == C_LONG)
		(void)conn_put(p->c, str_from(overlong, sizeof(overlong)));
	if (cmd == C_BIG_CHUNK)
		put_many(p->c, 'b', 70'000);
	else if (cmd != C_CHUNK && cmd != C_LAST && cmd != C_BARE_CHUNK)
		(void)conn_putz(p->c, "\r\n");
	(void)conn_flush(p->c);
	code = hear(p->c);
	if (code == 354) {
		put_content(p->c, cmd);
		(void)conn_flush(p->c);
		code = hear(p->c);
	}
	return code;
}

static enum cmd
pick(struct play *p, const struct model *m)
{
	/* Mostly what leads on, or most sequences would get nowhere. */
	static const enum cmd way[] = { C_MAIL, C_NULL_MAIL, C_RCPT, C_RCPT, C_DATA, C_CHUNK,
	    C_UNKNOWN, C_REMOTE };

	if (world_random(p->h->w, 4) == 0)
		return (enum cmd)world_random(p->h->w, C_COUNT);
	if (m->chunked)
		return C_LAST;
	return m->hello ? way[world_random(p->h->w, COUNT(way))] : C_EHLO;
}

/* CHUNK ends within a line end that only LAST completes: behind anything else it is a bare CR, and
 * LAST without it begins with a bare LF. */
static unsigned
expected(struct model *m, enum cmd c)
{
	bool taken = m->tx && m->rcpts > 0, open = m->chunked;

	if (taken && (open ? c == C_CHUNK || c == C_EMPTY_LAST || c == C_BIG_CHUNK : c == C_LAST))
		return model_content(m, C_BARE_CHUNK);
	return model_step(m, c);
}

static void
session(struct play *p)
{
	struct house_client who = { .listener = L_MX };
	struct model m = {};

	if (!ip_parse(STR("198.51.100.66"), &who.ip))
		abort();
	p->c = house_connect(p->h, &who);
	(void)hear(p->c);
	p->h->asked = 0;
	for (unsigned i = 0; i < 60 && !m.closed && p->why[0] == '\0'; i++) {
		enum cmd c = pick(p, &m);
		unsigned want = expected(&m, c), got = real_step(p, c);

		p->steps++;
		if (got != want)
			(void)snprintf(p->why, sizeof(p->why), "seed %u step %u: %s: %u, want %u",
			    (unsigned)p->seed, i, line_of[c], got, want);
	}
	conn_close(p->c);
	p->accepted += m.accepted;
	if (p->why[0] == '\0' && p->h->asked != m.asked)
		(void)snprintf(p->why, sizeof(p->why), "policy asked %u times, want %u",
		    (unsigned)p->h->asked, m.asked);
}

static void
play_run(void *arg)
{
	struct play *p = arg;

	for (unsigned i = 0; i < 20 && p->why[0] == '\0'; i++) {
		session(p);
		p->sessions++;
	}
	if (p->why[0] == '\0' && house_messages(p->h, NULL, NULL) != p->accepted)
		(void)snprintf(p->why, sizeof(p->why), "%u accepted, in the spool %zu", p->accepted,
		    house_messages(p->h, NULL, NULL));
}

static void
T_STATE_random_sequences(void **state)
{
	unsigned steps = 0, accepted = 0;

	(void)state;
	memset(overlong, 'n', sizeof(overlong));
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct play p = { .h = house_new(seed, loose), .seed = seed };

		world_pieces(p.h->w, seed % 3 == 0 ? 7 : 0);
		house_run(p.h, play_run, &p);
		t_str(str_of(p.why), "");
		t_int(p.sessions, 20);
		t_int(house_free(p.h), 0);
		steps += p.steps;
		accepted += p.accepted;
	}
	t_true(steps > 10'000);
	t_true(accepted > 200);
}

/* ---- smuggling ---- */

struct smuggle {
	struct house *h;
	struct str around[2];		/* before and behind the dot */
	struct buf sent;
	unsigned replies, queued;
};

static void
smuggle_run(void *arg)
{
	struct smuggle *s = arg;
	struct house_client who = { .listener = L_MX };
	struct str line;
	struct conn *c;

	if (!ip_parse(STR("198.51.100.66"), &who.ip))
		abort();
	c = house_connect(s->h, &who);
	(void)hear(c);
	(void)conn_putz(c, "EHLO client.example\r\n");
	(void)conn_flush(c);
	(void)hear(c);
	(void)conn_putz(c, "MAIL FROM:<any@attack.example>\r\nRCPT TO:<victim@victim.example>\r\n"
	    "DATA\r\n");
	(void)conn_flush(c);
	for (int i = 0; i < 3; i++)
		(void)hear(c);
	(void)conn_put(c, buf_str(&s->sent));
	(void)conn_flush(c);
	for (;;) {
		conn_deadline(c, now_ms() + 1'500);
		if (conn_line(c, 1000, &line) != IO_OK)
			break;
		s->replies++;
		if (str_starts(line, STR("250 2.0.0 queued")))
			s->queued++;
	}
	conn_close(c);
}

static struct str
combination(unsigned n, char out[4])
{
	static const char octets[] = { '\r', '\n', '\0', '.' };
	unsigned len = 0, first = 1, many = 1;

	/* 0: none; 1-4: one octet; 5-20: two; 21-84: three */
	while (n >= first && len < 3) {
		many *= 4;
		len++;
		if (n < first + many)
			break;
		first += many;
	}
	n -= len ? first : 0;
	for (unsigned i = 0; i < len; i++, n /= 4)
		out[i] = octets[n % 4];
	return str_from(out, len);
}

static void
smuggle(unsigned before, unsigned behind, unsigned *tried)
{
	static const char message[] = "Subject: one\r\n\r\nfirst";
	static const char second[] =
		"MAIL FROM:<admin@legit.example>\r\nRCPT TO:<victim@victim.example>\r\nDATA\r\n"
		"Subject: SMUGGLED\r\n\r\nx\r\n.\r\n";
	struct smuggle s = {};
	char a[4], b[4], name[80];
	struct str x = combination(before, a), y = combination(behind, b), dot;

	buf_init(&s.sent, 4096);
	(void)buf_put(&s.sent, str_of(message));
	(void)buf_put(&s.sent, x);
	(void)buf_putc(&s.sent, '.');
	(void)buf_put(&s.sent, y);
	dot = buf_str(&s.sent);
	/* The one legal end is no attack; nor is what completes it with the octets behind. */
	if (str_find(dot, STR("\r\n.\r\n")) >= 0) {
		buf_done(&s.sent);
		return;
	}
	(void)buf_put(&s.sent, str_of(second));
	(void)snprintf(name, sizeof(name), "%u . %u", before, behind);
	T_CASE(name);
	s.h = house_new(before * 100 + behind, loose);
	world_pieces(s.h->w, (before + behind) % 4);
	house_run(s.h, smuggle_run, &s);
	t_true(s.queued <= 1);
	t_int(s.h->srv->accepted, s.queued);
	t_int(s.replies, 1);
	t_int(house_free(s.h), 0);
	buf_done(&s.sent);
	(*tried)++;
}

static void
T_SMUG_IN_all_combinations_P1(void **state)
{
	unsigned tried = 0;

	(void)state;
	for (unsigned before = 0; before <= 20; before++)
		for (unsigned behind = 0; behind <= 20; behind++)
			smuggle(before, behind, &tried);
	for (unsigned three = 21; three <= 84; three++) {
		smuggle(three, 5, &tried);		/* CR CR behind */
		smuggle(three, 2, &tried);		/* LF behind */
		smuggle(2, three, &tried);
		smuggle(5, three, &tried);
		smuggle(9, three, &tried);		/* CR LF before */
	}
	t_true(tried >= 700);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T_STATE_random_sequences),
		cmocka_unit_test(T_SMUG_IN_all_combinations_P1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
