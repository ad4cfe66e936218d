/* SPDX-License-Identifier: ISC */
/*
 * talk_test: every conversation of test/talk, held with a worker in the simulated world.
 *
 * The files are the tests; their form stands in test/talk/README.md.  Each is held twice: with
 * whole segments and with input in pieces of a few octets.
 */
#include "base/test.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

#include "rt/clock.h"
#include "rt/co.h"
#include "smtpd/testhouse.h"

/* Beside the sources, as the compiler was told of them; tests run where it ran. */
static const char *
talk_dir(void)
{
	static char dir[512];
	ssize_t at = str_find(str_of(__FILE__), STR("src/smtpd/"));

	(void)snprintf(dir, sizeof(dir), "%.*stest/talk", (int)MAX(at, (ssize_t)0), __FILE__);
	return dir;
}

struct talk {
	struct house *h;
	struct conn *c;
	char *text;
	char *line[1024];
	unsigned nline, at;
	struct house_client who;
	char why[512];			/* empty: all went well */
	struct arena a;
};

static void
broken(struct talk *t, const char *what, const char *got)
{
	if (t->why[0] == '\0')
		(void)snprintf(t->why, sizeof(t->why), "line %u: %s: %.300s", t->at + 1, what, got);
}

/* \r \n \t \0 \\ \xNN; answers the length. */
static size_t
unescape(const char *from, char *to)
{
	char *p = to;

	for (; *from; from++) {
		uint64_t v;

		if (*from != '\\') {
			*p++ = *from;
			continue;
		}
		switch (*++from) {
		case 'r': *p++ = '\r'; break;
		case 'n': *p++ = '\n'; break;
		case 't': *p++ = '\t'; break;
		case '0': *p++ = '\0'; break;
		case 'x':
			if (num_parse_hex(str_from(from + 1, 2), &v))
				*p++ = (char)v;
			from += 2;
			break;
		default: *p++ = *from; break;
		}
	}
	return (size_t)(p - to);
}

static void
say(struct talk *t, const char *text, unsigned times)
{
	char *octets = malloc(strlen(text) + 1);
	size_t n;

	if (!octets)
		abort();
	n = unescape(text, octets);
	while (times-- > 0)
		(void)conn_put(t->c, str_from(octets, n));
	(void)conn_flush(t->c);
	free(octets);
}

static bool
hear(struct talk *t, char *out, size_t size)
{
	struct str line;

	conn_deadline(t->c, now_ms() + 600'000);
	switch (conn_line(t->c, 2000, &line)) {
	case IO_OK:
		(void)snprintf(out, size, STR_F, STR_A(line));
		return true;
	case IO_EOF:
	case IO_BROKEN:
		(void)snprintf(out, size, "(closed)");
		return false;
	case IO_TIMEOUT:
	case IO_CANCELLED:
	case IO_TOOLONG:
		(void)snprintf(out, size, "(silence)");
		return false;
	}
	return false;
}

static void
expect(struct talk *t, const char *pattern, unsigned times)
{
	size_t n = strlen(pattern);
	bool several = n > 4 && strcmp(pattern + n - 3, "...") == 0;
	char got[700];

	while (several) {
		struct str all;
		enum io io;

		/* Look ahead: these lines end where another begins to differ. */
		for (io = conn_block(t->c, &all); io == IO_OK && all.n < n - 3; )
			io = conn_more(t->c, &all);
		if (io != IO_OK || memcmp(all.p, pattern, n - 3) != 0)
			return;
		(void)hear(t, got, sizeof(got));
	}
	while (times-- > 0 && t->why[0] == '\0') {
		bool heard = hear(t, got, sizeof(got));

		if (!heard || fnmatch(pattern, got, 0) != 0)
			broken(t, pattern, got);
	}
}

static void
expect_mail(struct talk *t, const char *pattern)
{
	struct str last = {};
	char plain[600];
	char *whole;

	plain[unescape(pattern, plain)] = '\0';
	(void)house_messages(t->h, &t->a, &last);
	whole = str_z(&t->a, last);
	/* Folding of our own fields is of no interest here. */
	for (char *p = whole; p && *p; p++)
		if (p[0] == '\r' && p[1] == '\n' && p[2] == '\t')
			memmove(p, p + 2, strlen(p + 2) + 1);
	for (char *p = whole; p && *p; p++)
		if (*p == '\t')
			*p = ' ';
	if (!whole || fnmatch(plain, whole, 0) != 0)
		broken(t, pattern, whole ? whole : "(nothing)");
	arena_reset(&t->a);
}

static void
step(struct talk *t, const char *l)
{
	const char *arg = l[1] && l[2] ? l + 3 : "";
	char got[700], *rest = NULL;
	unsigned long n;

	switch (l[0]) {
	case 'C':
		(void)conn_put(t->c, str_of(arg));
		(void)conn_put(t->c, STR("\r\n"));
		(void)conn_flush(t->c);
		break;
	case 'R':
		say(t, arg, 1);
		break;
	case 'N':
		n = strtoul(arg, &rest, 10);
		say(t, rest + 1, (unsigned)n);
		break;
	case 'S':
		expect(t, arg, 1);
		break;
	case 'T':
		n = strtoul(arg, &rest, 10);
		expect(t, rest + 1, (unsigned)n);
		break;
	case 'W':
		(void)co_sleep((int64_t)strtoul(arg, NULL, 10));
		break;
	case 'X':
		if (hear(t, got, sizeof(got)) || strcmp(got, "(closed)") != 0)
			broken(t, "still open", got);
		break;
	case 'A':
		if (house_messages(t->h, NULL, NULL) != strtoul(arg, NULL, 10))
			broken(t, "messages accepted", arg);
		break;
	case 'M':
		expect_mail(t, arg);
		break;
	default:
		broken(t, "no such step", l);
		break;
	}
}

static void
client_run(void *arg)
{
	struct talk *t = arg;

	t->c = house_connect(t->h, &t->who);
	for (t->at = 0; t->at < t->nline && t->why[0] == '\0'; t->at++) {
		const char *l = t->line[t->at];

		if (l[0] != '#' && l[0] != '!' && l[0] != '\0')
			step(t, l);
	}
	conn_close(t->c);
}

static void
options(struct talk *t)
{
	t->who = (struct house_client){ .listener = L_MX, .uid = 1234 };
	t_true(ip_parse(STR("198.51.100.66"), &t->who.ip));
	for (unsigned i = 0; i < t->nline; i++) {
		struct str l = str_of(t->line[i]);

		if (str_eq(l, STR("! listener lmtp")))
			t->who.listener = L_LMTP;
		else if (str_eq(l, STR("! listener local")))
			t->who.listener = L_LOCAL;
		else if (str_eq(l, STR("! listener submission")))
			t->who.listener = L_SUBMISSION;
		else if (str_starts(l, STR("! peer ")))
			t_true(ip_parse(str_skip(l, 7), &t->who.ip));
		else
			t_true(l.n == 0 || l.p[0] != '!' || str_eq(l, STR("! sim")));
	}
}

static void
load(struct talk *t, const char *name)
{
	char path[800];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", talk_dir(), name);
	f = fopen(path, "r");
	t_true(f != NULL);
	t->text = calloc(1, 64 << 10);
	t_true(t->text != NULL);
	n = fread(t->text, 1, (64 << 10) - 1, f);
	t_true(n > 0 && n < (64 << 10) - 1);
	(void)fclose(f);
	for (char *p = t->text, *nl; (nl = strchr(p, '\n')) != NULL; p = nl + 1) {
		*nl = '\0';
		t->line[t->nline++] = p;
		t_true(t->nline < COUNT(t->line));
	}
}

static void
hold(const char *name, size_t pieces)
{
	struct talk *t = calloc(1, sizeof(*t));

	t_true(t != NULL);
	T_CASE(name);
	arena_init(&t->a, 64 << 20);
	load(t, name);
	options(t);
	t->h = house_new(1, NULL);
	world_pieces(t->h->w, pieces);
	house_run(t->h, client_run, t);
	t_str(str_of(t->why), "");
	t_int(t->at, t->nline);
	t_int(t->h->srv->served, 1);
	t_int(house_free(t->h), 0);
	arena_done(&t->a);
	free(t->text);
	free(t);
}

static int
is_talk(const struct dirent *d)
{
	return str_ends(str_of(d->d_name), STR(".talk"));
}

static void
test_talks(void **state)
{
	struct dirent **names;
	int n = scandir(talk_dir(), &names, is_talk, alphasort);

	(void)state;
	t_true(n > 20);
	for (int i = 0; i < n; i++) {
		hold(names[i]->d_name, 0);
		hold(names[i]->d_name, 3);
		free(names[i]);
	}
	free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_talks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
