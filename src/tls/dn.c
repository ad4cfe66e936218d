/* SPDX-License-Identifier: ISC */
/*
 * dn: see dn.h.
 */
#include "tls/dn.h"

#include "base/ascii.h"

static bool
must_escape(unsigned char c)
{
	return c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '(' || c == ')' ||
	       c == '"' || c == '+' || c == '/';
}

bool
dn_value_encode(struct buf *b, struct str value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (!must_escape(c)) {
			(void)buf_putc(b, (char)c);
			continue;
		}
		(void)buf_putc(b, '+');
		(void)buf_putc(b, hex[c >> 4]);
		(void)buf_putc(b, hex[c & 15]);
	}
	return !b->failed;
}

bool
dn_format(struct buf *b, const struct dn *dn)
{
	for (size_t i = 0; i < dn->n; i++) {
		(void)buf_putc(b, '/');
		(void)buf_put(b, dn->part[i].type);
		(void)buf_putc(b, '=');
		(void)dn_value_encode(b, dn->part[i].value);
	}
	return !b->failed;
}

/* Length of "TYPE" when s begins with "TYPE="; 0 when not. */
static size_t
type_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && (ascii_isalnum(s.p[n]) || s.p[n] == '.'))
		n++;
	return n > 0 && n < s.n && s.p[n] == '=' ? n : 0;
}

static bool
decode(struct str in, struct arena *a, struct str *out)
{
	char *to = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		int hi, lo;

		to[n++] = in.p[i];
		if (in.p[i] != '+')
			continue;
		hi = i + 2 < in.n ? ascii_xval(in.p[i + 1]) : -1;
		lo = i + 2 < in.n ? ascii_xval(in.p[i + 2]) : -1;
		if (hi < 0 || lo < 0)
			return false;
		to[n - 1] = (char)(hi << 4 | lo);
		i += 2;
	}
	*out = str_from(to, n);
	return true;
}

bool
dn_parse(struct str text, struct arena *a, struct dn *out)
{
	*out = (struct dn){ .part = arena_alloc(a, DN_PARTS_MAX * sizeof(struct dn_part)) };
	if (out->part == NULL)
		return false;
	while (text.n > 0) {
		struct dn_part *p = &out->part[out->n];
		size_t type, end;

		if (text.p[0] != '/' || out->n == DN_PARTS_MAX)
			return false;
		text = str_skip(text, 1);
		type = type_length(text);
		if (type == 0)
			return false;
		p->type = str_dup(a, str_sub(text, 0, type));
		text = str_skip(text, type + 1);
		for (end = 0; end < text.n; end++)
			if (text.p[end] == '/' && type_length(str_skip(text, end + 1)) > 0)
				break;
		if (!decode(str_sub(text, 0, end), a, &p->value))
			return false;
		text = str_skip(text, end);
		out->n++;
	}
	return out->n > 0;
}

static struct str
type_name(struct str type)
{
	return str_ieq(type, STR("Email")) ? STR("emailAddress") : type;
}

bool
dn_eq(const struct dn *x, const struct dn *y)
{
	if (x->n != y->n || x->n == 0)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!str_ieq(type_name(x->part[i].type), type_name(y->part[i].type)) ||
		    !str_ieq(x->part[i].value, y->part[i].value))
			return false;
	return true;
}

struct str
dn_get(const struct dn *dn, struct str type)
{
	for (size_t i = 0; i < dn->n; i++)
		if (str_ieq(type_name(dn->part[i].type), type_name(type)))
			return dn->part[i].value;
	return (struct str){};
}
