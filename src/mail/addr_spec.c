/* SPDX-License-Identifier: ISC */
/*
 * addr_spec: one addr-spec of RFC 5322 3.4.1 with obs-local-part, obs-domain and RFC 6532.
 * Written rule by rule; the lenient reading of lists in addr.c stands on it.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/addr_read.h"
#include "mail/path.h"

/* FWS = ([*WSP CRLF] 1*WSP) / obs-FWS; loose: any CR and LF (a header already cut) */
static bool
take_fws(struct addr_read *r)
{
	struct cur *c = &r->c;
	const char *from = c->p;

	for (;;) {
		if (c->p < c->end && (ascii_iswsp(*c->p) || (r->loose && ascii_isspace(*c->p))))
			c->p++;
		else if (cur_left(c) >= 3 && c->p[0] == '\r' && c->p[1] == '\n' &&
			 ascii_iswsp(c->p[2]))
			c->p += 3;
		else
			return c->p > from;
	}
}

/* obs-NO-WS-CTL and everything visible; NUL never, octets over 127 where UTF-8 is allowed */
static bool
is_text(const struct addr_read *r, char ch)
{
	if ((unsigned char)ch >= 0x80)
		return r->utf8;
	return ch != '\0' && ch != '\r' && ch != '\n';
}

/* quoted-pair with obs-qp: "\" and any ASCII octet */
static bool
take_pair(struct addr_read *r)
{
	struct cur *c = &r->c;

	if (cur_left(c) < 2 || c->p[0] != '\\' || ((unsigned char)c->p[1] >= 0x80 && !r->utf8))
		return false;
	c->p += 2;
	return true;
}

/* "((((...": after so many comments without end, a parenthesis is a character like others. */
enum { UNCLOSED_MAX = 16 };

/* comment = "(" *([FWS] ccontent) [FWS] ")"; nesting is counted, not recursed */
static bool
take_comment(struct addr_read *r)
{
	struct cur *c = &r->c;
	const char *from = c->p;
	unsigned depth = 0;

	while (c->p < c->end && r->unclosed < UNCLOSED_MAX) {
		char ch = *c->p;

		if (ch == '(') {
			depth++;
			c->p++;
		} else if (ch == ')') {
			c->p++;
			if (--depth == 0) {
				r->comment = cur_since(c, from);
				r->comment_at |= str_chr(r->comment, '@') >= 0;
				return true;
			}
		} else if (take_fws(r) || take_pair(r)) {
			continue;
		} else if (ch != '\\' && is_text(r, ch)) {
			c->p++;
		} else {
			break;
		}
	}
	r->unclosed++;
	c->p = from;
	return false;
}

unsigned
addr_take_cfws(struct addr_read *r)
{
	unsigned facts = 0;

	for (;;) {
		if (take_fws(r))
			facts |= ADDR_SPACE;
		else if (cur_peek(&r->c) == '(' && take_comment(r))
			facts |= ADDR_COMMENT;
		else
			return facts;
	}
}

bool
addr_is_atext(const struct addr_read *r, char ch)
{
	if (ascii_isalnum(ch))
		return true;
	if ((unsigned char)ch >= 0x80)
		return r->utf8;
	return ch != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", ch) != NULL;
}

static bool
take_atom(struct addr_read *r, struct str *out)
{
	const char *from = r->c.p;

	while (r->c.p < r->c.end && addr_is_atext(r, *r->c.p))
		r->c.p++;
	*out = cur_since(&r->c, from);
	return out->n > 0;
}

/* quoted-string, without the CFWS around it; out has the quotes */
bool
addr_take_quoted(struct addr_read *r, struct str *out)
{
	struct cur *c = &r->c;
	const char *from = c->p;

	if (!take_ch(c, '"'))
		return false;
	while (c->p < c->end) {
		if (take_ch(c, '"')) {
			*out = cur_since(c, from);
			return true;
		}
		if (take_fws(r) || take_pair(r))
			continue;
		if (*c->p == '\\' || !is_text(r, *c->p))
			break;
		c->p++;
	}
	c->p = from;
	return false;
}

bool
addr_put_unquoted(struct buf *b, struct str q)
{
	for (size_t i = 1; i + 1 < q.n; i++) {
		if (q.p[i] == '\r' || q.p[i] == '\n')
			continue;
		if (q.p[i] == '\\' && i + 2 < q.n)
			i++;
		if (!buf_putc(b, q.p[i]))
			return false;
	}
	return true;
}

static bool
is_dot_atom(const struct addr_read *r, struct str s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? dot : !addr_is_atext(r, s.p[i]))
			return false;
		dot = s.p[i] == '.';
	}
	return !dot;
}

/* The canonical spelling of a local part whose plain octets are in s. */
static struct str
spell_local(const struct addr_read *r, struct str s)
{
	size_t cap = 2 * s.n + 2;
	struct buf b = { .p = arena_alloc(r->a, cap), .cap = cap, .max = cap };

	if (b.p == NULL)
		return (struct str){};
	if (is_dot_atom(r, s)) {
		buf_put(&b, s);
		return buf_str(&b);
	}
	buf_putc(&b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, s.p[i]);
	}
	buf_putc(&b, '"');
	return buf_str(&b);
}

/* local-part = dot-atom / quoted-string / word *("." word) */
static bool
take_local(struct addr_read *r, struct addr *out, struct buf *plain)
{
	bool quoted = false;
	unsigned facts = 0;

	for (bool first = true;; first = false) {
		struct str word;

		if (!first && !take_ch(&r->c, '.'))
			break;
		if (!first)
			facts |= addr_take_cfws(r);
		if (!first && !buf_putc(plain, '.'))
			return false;
		if (addr_take_quoted(r, &word)) {
			out->obsolete |= !first;
			quoted = true;
			if (!addr_put_unquoted(plain, word))
				return false;
		} else if (!take_atom(r, &word) || !buf_put(plain, word)) {
			return false;
		} else {
			out->obsolete |= quoted;
		}
		facts |= addr_take_cfws(r);
	}
	out->obsolete |= facts != 0;
	out->facts |= facts;
	out->local = quoted ? spell_local(r, buf_str(plain)) : str_dup(r->a, buf_str(plain));
	return out->local.p != NULL;
}

/* domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS], dtext with obs-dtext */
static bool
take_domain_literal(struct addr_read *r, struct buf *text)
{
	struct cur *c = &r->c;

	if (!take_ch(c, '[') || !buf_putc(text, '['))
		return false;
	while (c->p < c->end && *c->p != ']') {
		const char *from = c->p;

		if (take_fws(r))
			continue;
		if (!take_pair(r)) {
			if (*c->p == '[' || *c->p == '\\' || !is_text(r, *c->p))
				return false;
			c->p++;
		}
		if (!buf_put(text, cur_since(c, from)))
			return false;
	}
	return take_ch(c, ']') && buf_putc(text, ']');
}

/* domain = dot-atom / domain-literal / atom *("." atom); no label begins or ends with '-' */
static bool
take_addr_domain(struct addr_read *r, struct addr *out, struct buf *text)
{
	unsigned facts = addr_take_cfws(r);

	if (cur_peek(&r->c) == '[') {
		if (!take_domain_literal(r, text))
			return false;
		out->facts |= ADDR_LITERAL;
	} else {
		for (bool first = true;; first = false) {
			const char *before = r->c.p;
			unsigned between = first ? 0 : addr_take_cfws(r);
			struct str atom;

			if (!first && !take_ch(&r->c, '.')) {
				r->c.p = before;
				break;
			}
			if (!first)
				between |= addr_take_cfws(r);
			if (!take_atom(r, &atom) || atom.p[0] == '-' || atom.p[atom.n - 1] == '-')
				return false;
			if ((!first && !buf_putc(text, '.')) || !buf_put(text, atom))
				return false;
			facts |= between;
		}
	}
	out->obsolete |= facts != 0;
	out->facts |= facts;
	out->domain = str_dup(r->a, buf_str(text));
	return out->domain.p != NULL;
}

static void
note_octets(struct addr *out)
{
	struct str s[2] = { out->local, out->domain };

	for (size_t i = 0; i < 2; i++) {
		if (!utf8_is_ascii(s[i]))
			out->facts |= ADDR_UTF8;
		if (!utf8_valid(s[i]))
			out->facts |= ADDR_INVALID_UTF8;
		else if (!utf8_address_safe(s[i]))
			out->facts |= ADDR_CONTROL;
		if (str_find(s[i], STR("=?")) >= 0)
			out->facts |= ADDR_ENCODED;
	}
}

bool
addr_take_spec(struct addr_read *r, struct addr *out)
{
	const char *from = r->c.p;
	size_t cap = cur_left(&r->c) + 1;
	struct buf b = { .cap = cap, .max = cap, .p = r->scratch };
	bool ok;

	*out = (struct addr){};
	(void)addr_take_cfws(r);
	ok = take_local(r, out, &b) && take_ch(&r->c, '@');
	buf_reset(&b);
	ok = ok && take_addr_domain(r, out, &b);
	if (!ok) {
		r->c.p = from;
		*out = (struct addr){};
		return false;
	}
	out->address = str_cat(r->a, out->local, STR("@"), out->domain);
	note_octets(out);
	return out->address.p != NULL;
}

bool
addr_read_init(struct addr_read *r, struct str text, struct arena *a)
{
	*r = (struct addr_read){ .c = cur_of(text), .a = a, .scratch = arena_alloc(a, text.n + 1) };
	return r->scratch != NULL;
}

bool
addr_spec_parse(struct str text, bool utf8, struct arena *a, struct addr *out)
{
	struct addr_read r;

	*out = (struct addr){};
	if (!addr_read_init(&r, text, a))
		return false;
	r.utf8 = utf8;
	if (!addr_take_spec(&r, out))
		return false;
	(void)addr_take_cfws(&r);
	return r.c.p == r.c.end && !(out->facts & (ADDR_INVALID_UTF8)) &&
	       !(out->facts & ADDR_UTF8 && out->facts & ADDR_CONTROL);
}
