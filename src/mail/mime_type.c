/* SPDX-License-Identifier: ISC */
/*
 * mime_type: Content-Type and its parameters, RFC 2045 5.1 with the sections and charsets of 2231.
 *
 * Reads what is there as far as it makes sense (missing semicolons, open quotes); valid says
 * whether type and subtype are the tokens they must be.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/cur.h"
#include "base/num.h"
#include "mail/mime.h"

enum { PIECES_MAX = 400 };		/* sections are joined by copying */

struct piece {				/* one parameter as written */
	struct str name, value, charset;
	unsigned section;
	bool extended;			/* name*: percent-encoded */
};

static bool
is_token(char ch)
{
	return ascii_isgraph(ch) && strchr("()<>@,;:\\\"/[]?=", ch) == NULL;
}

/* White space and comments; a comment without end is passed to the end. */
static void
skip_cfws(struct cur *c)
{
	unsigned depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '(')
			depth++;
		else if (depth > 0 && *c->p == ')')
			depth--;
		else if (depth > 0 && *c->p == '\\' && c->p + 1 < c->end)
			c->p++;
		else if (depth == 0 && !ascii_isspace(*c->p))
			break;
	}
}

static struct str
take_until(struct cur *c, const char *stop)
{
	const char *from = c->p;

	while (c->p < c->end && (*c->p == '\0' || strchr(stop, *c->p) == NULL))
		c->p++;
	return cur_since(c, from);
}

/* quoted-string to plain octets, folding removed; an open one ends with the text. */
static struct str
take_quoted(struct cur *c, struct arena *a)
{
	const char *from = ++c->p;
	char *dst;
	size_t n = 0;

	for (; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\' && c->p + 1 < c->end)
			c->p++;
	dst = arena_alloc(a, (size_t)(c->p - from) + 1);
	if (dst == NULL)
		return (struct str){};
	for (const char *p = from; p < c->p; p++) {
		if (*p == '\\' && p + 1 < c->p)
			p++;
		else if (*p == '\r' || *p == '\n')
			continue;
		dst[n++] = *p;
	}
	(void)take_ch(c, '"');
	return (struct str){ dst, n };
}

static bool
percent_decode(struct str in, struct arena *a, struct str *out)
{
	char *dst = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (dst == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '%' && in.n - i > 2 && ascii_xval(in.p[i + 1]) >= 0 &&
		    ascii_xval(in.p[i + 2]) >= 0) {
			dst[n++] = (char)(ascii_xval(in.p[i + 1]) << 4 | ascii_xval(in.p[i + 2]));
			i += 2;
		} else {
			dst[n++] = in.p[i];
		}
	}
	*out = (struct str){ dst, n };
	return true;
}

/* RFC 2231 3, 4: name*2*=... ; the first section may open with charset'language' */
static bool
read_marks(struct piece *p, struct arena *a)
{
	struct str rest = p->name;
	uint32_t section;

	p->name = str_split(&rest, '*');
	if (rest.n > 0 && ascii_isdigit(rest.p[0])) {
		struct str digits = str_split(&rest, '*');

		if (num_parse_u32(digits, &section))
			p->section = section;
		p->extended = rest.p > digits.p + digits.n;
	} else {
		p->extended = rest.p > p->name.p + p->name.n;
	}
	if (!p->extended)
		return true;
	ssize_t one = str_chr(p->value, '\''), two = -1;

	if (p->section == 0 && one >= 0)
		two = str_chr(str_skip(p->value, (size_t)one + 1), '\'');
	if (two >= 0) {
		p->charset = str_sub(p->value, 0, (size_t)one);
		p->value = str_skip(p->value, (size_t)(one + two) + 2);
	}
	return percent_decode(p->value, a, &p->value);
}

/* One parameter; false at the end. */
static bool
take_piece(struct cur *c, struct arena *a, struct piece *p)
{
	*p = (struct piece){};
	for (;;) {
		skip_cfws(c);
		if (c->p == c->end)
			return false;
		if (!take_ch(c, ';'))
			break;
	}
	p->name = take_until(c, "=; \t\r\n(");
	skip_cfws(c);
	if (!take_ch(c, '='))
		return true;
	skip_cfws(c);
	if (cur_peek(c) == '"')
		p->value = take_quoted(c, a);
	else
		p->value = take_until(c, "; \t\r\n(");
	return true;
}

static struct mime_param *
find_param(const struct mime_type *t, struct str name)
{
	for (size_t i = 0; i < t->nparam; i++)
		if (str_ieq(t->param[i].name, name))
			return &t->param[i];
	return NULL;
}

/* Sections come in any order in theory; in order in practice, and so they are joined. */
static bool
add_piece(struct mime_type *t, struct piece *p, struct arena *a)
{
	struct mime_param *known;

	if (p->value.p == NULL)
		return true;			/* "; name" says nothing */
	if (!read_marks(p, a))
		return false;
	if (p->name.n == 0)
		return true;
	known = find_param(t, p->name);
	if (known != NULL) {
		if (p->section == 0)
			return true;			/* the first of two wins */
		known->value = str_cat(a, known->value, p->value);
		return known->value.p != NULL;
	}
	if (t->nparam == MIME_PARAMS_MAX)
		return true;
	t->param[t->nparam++] = (struct mime_param){
		.name = str_lower(a, p->name), .value = p->value, .charset = p->charset,
	};
	return t->param[t->nparam - 1].name.p != NULL;
}

static struct str
token_of(struct str raw, struct arena *a)
{
	struct str s = str_trim(raw);

	while (s.n > 0 && ascii_isspace(s.p[s.n - 1]))
		s.n--;
	return s.n > 0 ? str_lower(a, s) : (struct str){};
}

static bool
all_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token(s.p[i]))
			return false;
	return s.n > 0;
}

bool
mime_type_parse(struct str value, struct arena *a, struct mime_type *out)
{
	struct cur c = cur_of(value);
	struct piece p;
	size_t most = 0;

	*out = (struct mime_type){};
	skip_cfws(&c);
	out->type = token_of(take_until(&c, "/; \t\r\n("), a);
	skip_cfws(&c);
	if (take_ch(&c, '/')) {
		skip_cfws(&c);
		out->subtype = token_of(take_until(&c, "; \t\r\n("), a);
	}
	out->valid = all_token(out->type) && all_token(out->subtype);
	for (const char *q = c.p; q < c.end && most < MIME_PARAMS_MAX; q++)
		most += *q == '=';
	out->param = arena_alloc(a, (most + 1) * sizeof *out->param);
	if (out->param == NULL)
		return false;
	for (unsigned i = 0; i < PIECES_MAX && take_piece(&c, a, &p); i++)
		if (!add_piece(out, &p, a))
			return false;
	return true;
}

struct str
mime_param(const struct mime_type *t, struct str name)
{
	const struct mime_param *p = find_param(t, name);

	if (p == NULL)
		return (struct str){};
	return p->value.p != NULL ? p->value : STR("");
}

enum mime_encoding
mime_encoding_parse(struct str value)
{
	static const struct {
		struct str name;
		enum mime_encoding cte;
	} names[] = {
		{ STR_INIT("7bit"), CTE_7BIT }, { STR_INIT("8bit"), CTE_8BIT },
		{ STR_INIT("binary"), CTE_BINARY }, { STR_INIT("quoted-printable"), CTE_QP },
		{ STR_INIT("base64"), CTE_BASE64 },
	};
	struct cur c = cur_of(value);
	struct str word;

	skip_cfws(&c);
	word = take_until(&c, " \t\r\n(;");
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_ieq(word, names[i].name))
			return names[i].cte;
	return CTE_OTHER;
}
