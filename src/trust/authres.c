/* SPDX-License-Identifier: ISC */
/*
 * authres: see authres.h.
 */
#include "trust/authres.h"

#include "base/ascii.h"
#include "base/cur.h"

enum { COMMENT_DEPTH_MAX = 32, VALUE_MAX = 512 };

/* ---- reading ---- */

/* Comments (which nest) and white space with folding.  False: a comment without its end. */
static bool
take_cfws(struct cur *c)
{
	unsigned depth = 0;

	while (c->p < c->end) {
		char ch = *c->p;

		if (depth > 0 && ch == '\\' && c->p + 1 < c->end) {
			c->p += 2;
			continue;
		}
		if (ch == '(' && ++depth > COMMENT_DEPTH_MAX)
			return false;
		if (ch == ')' && depth == 0)
			return true;
		if (ch == ')')
			depth--;
		else if (depth == 0 && ch != '(' && !ascii_isspace(ch))
			return true;
		c->p++;
	}
	return depth == 0;
}

/* A quoted-string without its quotes and backslashes; or what stands up to white space, a comment
 * or ';'. */
static bool
take_value(struct cur *c, struct arena *a, struct str *out)
{
	char *to;
	size_t n = 0;

	if (!take_ch(c, '"')) {
		const char *from = c->p;

		while (c->p < c->end && !ascii_isspace(*c->p) && *c->p != ';' && *c->p != '(')
			c->p++;
		*out = cur_since(c, from);
		return out->n > 0;
	}
	to = arena_alloc(a, cur_left(c) + 1);
	while (to && c->p < c->end && *c->p != '"') {
		if (*c->p == '\\' && c->p + 1 < c->end)
			c->p++;
		if (*c->p != '\r' && *c->p != '\n')
			to[n++] = *c->p;
		c->p++;
	}
	*out = str_from(to, n);
	return to && take_ch(c, '"');
}

static struct str
without_dots(struct str s)
{
	while (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

bool
authres_claims(const struct field *f, struct str authserv_id, struct arena *a)
{
	struct cur c = cur_of(f->value);
	struct str id;

	if (!take_cfws(&c) || !take_value(&c, a, &id))
		return true;
	/* Octets that no name has: somebody may read it as ours. */
	for (size_t i = 0; i < id.n; i++)
		if (!ascii_isgraph(id.p[i]))
			return true;
	return str_ieq(without_dots(id), without_dots(authserv_id));
}

bool
authres_forged(const struct field *f, struct str authserv_id, struct arena *a)
{
	if (str_istarts(f->name, STR("Postern-")))
		return true;
	return str_ieq(f->name, STR("Authentication-Results")) &&
	    authres_claims(f, authserv_id, a);
}

/* ---- writing ---- */

static bool
is_token(char c)
{
	return ascii_isgraph(c) && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* A token, or local@domain of such characters. */
static bool
is_plain(struct str s)
{
	size_t ats = 0;

	if (s.n == 0 || s.n > VALUE_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '@' && i + 1 < s.n && ats++ == 0)
			continue;
		if (!is_token(s.p[i]))
			return false;
	}
	return true;
}

static bool
put_quoted(struct buf *b, struct str s, char open, char close)
{
	(void)buf_putc(b, open);
	for (size_t i = 0; i < s.n && i < VALUE_MAX; i++) {
		char c = s.p[i];

		if (c == '\\' || c == '"' || c == '(' || c == ')')
			(void)buf_putc(b, '\\');
		(void)buf_putc(b, ascii_isprint(c) ? c : '?');
	}
	return buf_putc(b, close);
}

static bool
put_value(struct buf *b, struct str s)
{
	return is_plain(s) ? buf_put(b, s) : put_quoted(b, s, '"', '"');
}

bool
authres_begin(struct authres *r, struct buf *out, struct str authserv_id)
{
	*r = (struct authres){ .out = out };
	return put_value(out, authserv_id);
}

bool
authres_method(struct authres *r, const char *method, const char *result)
{
	r->any = true;
	return buf_puts(r->out, ";\r\n\t") && buf_put(r->out, str_of(method)) &&
	    buf_puts(r->out, "=") && buf_put(r->out, str_of(result));
}

bool
authres_reason(struct authres *r, struct str reason)
{
	return buf_puts(r->out, " reason=") && put_quoted(r->out, reason, '"', '"');
}

bool
authres_property(struct authres *r, const char *name, struct str value)
{
	return buf_puts(r->out, " ") && buf_put(r->out, str_of(name)) && buf_puts(r->out, "=") &&
	    put_value(r->out, value);
}

bool
authres_comment(struct authres *r, struct str text)
{
	return buf_puts(r->out, " ") && put_quoted(r->out, text, '(', ')');
}

bool
authres_end(struct authres *r)
{
	return r->any ? !r->out->failed : buf_puts(r->out, "; none");
}
