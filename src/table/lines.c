/* SPDX-License-Identifier: ISC */
/*
 * lines: see lines.h.
 *
 * One pass, no copying; a file of a million lines costs a memchr each.
 */
#include "table/lines.h"

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str
lines_trim(struct str s)
{
	while (s.n > 0 && blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
lines_word(struct str *rest)
{
	struct str s = lines_trim(*rest);
	bool quoted = false;
	size_t n = 0;

	for (; n < s.n && (quoted || !blank(s.p[n])); n++)
		if (s.p[n] == '"')
			quoted = !quoted;
	*rest = lines_trim(str_skip(s, n));
	return str_sub(s, 0, n);
}

/* One line of the text, without its end. */
static struct str
take_line(struct lines *l)
{
	l->next++;
	return str_split(&l->rest, '\n');
}

static bool
continues(struct str rest)
{
	size_t n = 0;

	while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\t'))
		n++;
	return n > 0 && n < rest.n && rest.p[n] != '#';
}

bool
lines_next(struct lines *l, struct str *out, unsigned *line)
{
	while (l->rest.n > 0) {
		unsigned number = l->next;
		struct str first = take_line(l), bare = lines_trim(first);

		if (bare.n == 0 || bare.p[0] == '#')
			continue;
		const char *end = first.p + first.n;

		while (!l->whole && continues(l->rest)) {
			struct str more = take_line(l);

			end = more.p + more.n;
		}
		*out = lines_trim((struct str){ first.p, (size_t)(end - first.p) });
		*line = number;
		return true;
	}
	return false;
}
