/* SPDX-License-Identifier: ISC */
/*
 * tags: see tags.h.
 */
#include "trust/tags.h"

#include "base/ascii.h"
#include "base/base64.h"

static struct str
trim(struct str s)
{
	while (s.n > 0 && ascii_isspace(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && ascii_isspace(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* ALPHA *ALNUMPUNC */
static bool
name_ok(struct str s)
{
	if (s.n == 0 || !ascii_isalpha(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!ascii_isalnum(s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

/* Visible octets, and folding white space between them; octets over 127 are the caller's affair. */
static bool
value_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isspace(s.p[i]) && (unsigned char)s.p[i] <= 0x20)
			return false;
	return s.n == 0 || memchr(s.p, 0x7f, s.n) == NULL;
}

bool
tags_parse(struct str text, struct arena *a, struct tags *out)
{
	struct str rest = text;

	*out = (struct tags){ .tag = arena_alloc(a, TAGS_MAX * sizeof *out->tag) };
	if (!out->tag)
		return false;
	while (rest.n > 0) {
		struct str one = str_split(&rest, ';');
		ssize_t eq = str_chr(one, '=');
		struct tag *t = &out->tag[out->n];

		if (eq < 0) {
			if (trim(one).n > 0 || rest.n > 0)
				return false;
			break;				/* behind the last ';' */
		}
		if (out->n == TAGS_MAX)
			return false;
		t->name = trim(str_sub(one, 0, (size_t)eq));
		t->raw = str_skip(one, (size_t)eq + 1);
		t->value = trim(t->raw);
		if (!name_ok(t->name) || !value_ok(t->value))
			return false;
		for (size_t i = 0; i < out->n; i++)
			if (str_eq(out->tag[i].name, t->name))
				return false;
		out->n++;
	}
	return true;
}

const struct tag *
tags_find(const struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->tag[i].name, str_of(name)))
			return &t->tag[i];
	return NULL;
}

struct str
tags_squeeze(struct str value, struct arena *a)
{
	size_t n = 0;
	char *to;

	while (n < value.n && !ascii_isspace(value.p[n]))
		n++;
	if (n == value.n)
		return value;
	to = arena_alloc(a, value.n);
	if (!to)
		return (struct str){};
	n = 0;
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_isspace(value.p[i]))
			to[n++] = value.p[i];
	return str_from(to, n);
}

bool
tags_base64(struct str value, struct arena *a, struct str *out)
{
	struct str s = tags_squeeze(value, a);
	char *mem = arena_alloc(a, s.n);
	struct buf b = { .p = mem, .cap = s.n, .max = s.n };

	if (s.n == 0 || !mem || !base64_decode(&b, s))
		return false;
	*out = buf_str(&b);
	return out->n > 0;
}

bool
tags_list_has(struct str list, struct str word)
{
	while (list.n > 0)
		if (str_ieq(trim(str_split(&list, ':')), word))
			return true;
	return false;
}
