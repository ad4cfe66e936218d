/* SPDX-License-Identifier: ISC */
/*
 * dotstuff_test: each case is decoded in one piece, byte by byte, and cut at every place; all must
 * agree.  Every short mixture of CR, LF, NUL and dot is compared with a byte-wise model.
 */
#include "mail/dotstuff.h"

#include "base/buf.h"
#include "base/test.h"

struct seen {
	char text[256];
	size_t n, rest;			/* octets left over after the end */
	unsigned faults;
	bool ended;
};

static void
feed(struct dot_in *d, struct str chunk, struct seen *s)
{
	struct str run;

	while (!s->ended) {
		enum dot got = dot_in_next(d, &chunk, &run);

		if (got == DOT_MORE)
			return;
		s->ended = got == DOT_END;
		if (got == DOT_RUN) {
			memcpy(s->text + s->n, run.p, run.n);
			s->n += run.n;
		}
	}
	s->rest += chunk.n;
}

static struct seen
decode(struct str in, size_t cut, size_t step)
{
	struct dot_in d;
	struct seen s = {};

	dot_in_init(&d, 20);
	feed(&d, str_sub(in, 0, cut), &s);
	for (size_t at = cut; at < in.n; at += step)
		feed(&d, str_sub(in, at, step), &s);
	s.faults = d.faults;
	t_int(d.size, s.n);
	return s;
}

/* What RFC 5321 says, a byte at a time and with no thought of speed. */
static struct seen
model(struct str in)
{
	struct seen s = {};
	bool bol = true;

	for (size_t i = 0; i < in.n; i++) {
		if (bol && in.p[i] == '.') {
			if (i + 2 < in.n && in.p[i + 1] == '\r' && in.p[i + 2] == '\n') {
				s.ended = true;
				s.rest = in.n - i - 3;
				return s;
			}
			i++;			/* stuffing goes; the next octet is plain */
			if (i == in.n)
				break;
		}
		if (in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] != '\n')
			s.faults |= DOT_BARE_CR;
		if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			s.faults |= DOT_BARE_LF;
		if (in.p[i] == '\0')
			s.faults |= DOT_NUL;
		s.text[s.n++] = in.p[i];
		bol = in.p[i] == '\n' && i > 0 && in.p[i - 1] == '\r';
	}
	return s;
}

static void
same(struct seen got, struct seen want)
{
	t_true(got.ended == want.ended);
	t_streq(str_from(got.text, got.n), str_from(want.text, want.n));
	t_int(got.rest, want.rest);
	t_int(got.faults, want.faults);
}

static void
test_all_short(void **state)
{
	static const char alphabet[] = { '\r', '\n', '.', '\0', 'a' };
	char text[8];

	(void)state;
	for (unsigned n = 1; n <= 7; n++) {
		unsigned total = 1;

		for (unsigned i = 0; i < n; i++)
			total *= 5;
		for (unsigned k = 0; k < total; k++) {
			static struct seen want;

			for (unsigned i = 0, v = k; i < n; i++, v /= 5)
				text[i] = alphabet[v % 5];
			/* A lone ".\r" at the end of input is still undecided. */
			if (n >= 2 && text[n - 1] == '\r' && text[n - 2] == '.')
				continue;
			T_CASE(text);
			want = model(str_from(text, n));
			same(decode(str_from(text, n), n, 1), want);
			same(decode(str_from(text, n), 0, 1), want);
			same(decode(str_from(text, n), k % n, n), want);
		}
	}
}

static void
test_cases(void **state)
{
	static const struct {
		const char *in, *out;
		unsigned faults;
		bool ended;
		size_t rest;
	} cases[] = {
		{ ".\r\n", "", 0, true, 0 },
		{ "a\r\n.\r\nQUIT\r\n", "a\r\n", 0, true, 6 },
		{ "..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", 0, true, 0 },
		{ ".a\r\n.\r\n", "a\r\n", 0, true, 0 },
		{ "a\n.\n", "a\n.\n", DOT_BARE_LF, false, 0 },
		{ "a\n.\r\n.\r\n", "a\n.\r\n", DOT_BARE_LF, true, 0 },
		{ "a\r.\r\nb", "a\r.\r\nb", DOT_BARE_CR, false, 0 },
		{ "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", DOT_BARE_CR, true, 0 },
		{ "a\r\n.\n\r\n.\r\n", "a\r\n\n\r\n", DOT_BARE_LF, true, 0 },
		{ "a\r\r\n.\r\r\n.\r\n", "a\r\r\n\r\r\n", DOT_BARE_CR, true, 0 },
		{ "12345678901234567890\r\n.\r\n", "12345678901234567890\r\n", 0, true, 0 },
		{ "x23456789012345678901\r\n.\r\n", "x23456789012345678901\r\n", DOT_LONG_LINE,
		  true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str in = str_of(cases[i].in);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct seen s = decode(in, cut, in.n - cut + 1);

			T_CASE(cases[i].in);
			t_streq(str_from(s.text, s.n), str_of(cases[i].out));
			t_int(s.faults, cases[i].faults);
			t_true(s.ended == cases[i].ended);
			t_int(s.rest, cases[i].rest);
		}
	}
}

static void
test_out(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", ".\r\n" },
		{ "a", "a\r\n.\r\n" },
		{ "a\r\n", "a\r\n.\r\n" },
		{ ".", "..\r\n.\r\n" },
		{ ".\r\n..\r\na.\r\n", "..\r\n...\r\na.\r\n.\r\n" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str in = str_of(cases[i].in);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct dot_out d = {};
			struct str part = str_sub(in, 0, cut), run;

			buf_reset(&b);
			while (dot_out_next(&d, &part, &run))
				buf_put(&b, run);
			part = str_skip(in, cut);
			while (dot_out_next(&d, &part, &run))
				buf_put(&b, run);
			buf_put(&b, dot_out_end(&d));
			T_CASE(cases[i].in);
			t_str(buf_str(&b), cases[i].out);
		}
	}
	buf_done(&b);
}

static void
test_check(void **state)
{
	struct dot_in d;

	(void)state;
	T_CASE("dot_check");
	dot_in_init(&d, 0);
	d.watch_8bit = true;
	dot_check(&d, STR("a\r"));
	dot_check(&d, STR("\n.\r\nb\xc3\xa4\r\n"));
	dot_check_end(&d);
	t_int(d.faults, 0);
	t_true(d.eight_bit);
	dot_check(&d, STR("a\r"));
	dot_check_end(&d);
	t_int(d.faults, DOT_BARE_CR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_all_short),
		cmocka_unit_test(test_out), cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
