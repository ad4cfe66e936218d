/* SPDX-License-Identifier: ISC */
/*
 * spf_record: see spf_record.h.
 */
#include "trust/spf_record.h"

#include "base/num.h"

bool
spf_record_is(struct str text)
{
	return str_istarts(text, STR("v=spf1")) && (text.n == 6 || text.p[6] == ' ');
}

/* ---- macro-string, RFC 7208 7.1 ---- */

static bool
is_delimiter(char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* "{" macro-letter transformers *delimiter "}"; answers its length, 0: malformed. */
static size_t
macro_braced(struct str s, bool explain)
{
	static const char letters[] = "slodiphv", more[] = "crt";
	size_t i = 2;
	unsigned digits = 0;
	bool zero = true;
	char letter;

	if (s.n < 3 || s.p[0] != '{')
		return 0;
	letter = ascii_lower(s.p[1]);
	if (letter == '\0' || (!strchr(letters, letter) && !(explain && strchr(more, letter))))
		return 0;
	for (; i < s.n && ascii_isdigit(s.p[i]); i++, digits++)
		zero &= s.p[i] == '0';
	if (digits > 0 && zero)
		return 0;			/* "must be nonzero" */
	if (i < s.n && ascii_lower(s.p[i]) == 'r')
		i++;
	while (i < s.n && is_delimiter(s.p[i]))
		i++;
	return i < s.n && s.p[i] == '}' ? i + 1 : 0;
}

bool
spf_macro_valid(struct str s, bool explain)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t n;

		if (s.p[i] != '%') {
			/* visible; explain-string may hold blanks too */
			if (s.p[i] < 0x21 && !(explain && s.p[i] == ' '))
				return false;
			if (s.p[i] > 0x7e)
				return false;
			continue;
		}
		if (++i == s.n)
			return false;
		if (s.p[i] == '%' || s.p[i] == '_' || s.p[i] == '-')
			continue;
		n = macro_braced(str_skip(s, i), explain);
		if (n == 0)
			return false;
		i += n - 1;
	}
	return true;
}

/* toplabel: letters, digits and hyphens, not digits alone, no hyphen at an end. */
static bool
toplabel(struct str s)
{
	bool letter = false;

	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_isalnum(s.p[i]) && s.p[i] != '-')
			return false;
		letter |= !ascii_isdigit(s.p[i]);
	}
	return letter;
}

/* domain-spec = macro-string ( "." toplabel [ "." ] / macro-expand ) */
static bool
domain_spec(struct str s)
{
	ssize_t dot;
	struct str end = s;

	if (s.n == 0 || !spf_macro_valid(s, false))
		return false;
	if (s.p[s.n - 1] == '}' && str_rchr(s, '{') > 0)
		return true;
	if (s.n >= 2 && s.p[s.n - 2] == '%' && strchr("%_-", s.p[s.n - 1]))
		return true;
	if (end.p[end.n - 1] == '.')
		end.n--;
	dot = str_rchr(end, '.');
	return dot >= 0 && toplabel(str_skip(end, (size_t)dot + 1));
}

/* ---- terms ---- */

static bool
cidr(struct str s, unsigned max, unsigned *out)
{
	uint32_t v;

	if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0') || !num_parse_u32(s, &v) || v > max)
		return false;
	*out = v;
	return true;
}

/* [ ":" domain-spec ] [ dual-cidr-length ] behind the name of a or mx. */
static bool
dual(struct str rest, struct spf_term *t)
{
	ssize_t at;

	t->bits4 = 32;
	t->bits6 = 128;
	at = str_find(rest, STR("//"));
	if (at >= 0) {
		if (!cidr(str_skip(rest, (size_t)at + 2), 128, &t->bits6))
			return false;
		rest = str_sub(rest, 0, (size_t)at);
	}
	/* A slash may also stand within the name, or in a macro: only digits make it a length. */
	at = str_rchr(rest, '/');
	if (at >= 0 && str_chr(str_skip(rest, (size_t)at), '}') < 0) {
		struct str digits = str_skip(rest, (size_t)at + 1);
		bool number = true;

		for (size_t i = 0; i < digits.n; i++)
			number &= ascii_isdigit(digits.p[i]);
		if (number) {
			if (!cidr(digits, 32, &t->bits4))
				return false;
			rest = str_sub(rest, 0, (size_t)at);
		}
	}
	if (rest.n == 0)
		return true;
	t->spec = str_skip(rest, 1);
	return rest.p[0] == ':' && domain_spec(t->spec);
}

static bool
network(struct str rest, bool v6, struct spf_term *t)
{
	unsigned bits = v6 ? 128 : 32;
	struct str text = str_skip(rest, 1);
	ssize_t slash = str_chr(text, '/');
	struct ip ip;

	if (rest.n < 2 || rest.p[0] != ':')
		return false;
	if (slash >= 0) {
		if (!cidr(str_skip(text, (size_t)slash + 1), bits, &bits))
			return false;
		text = str_sub(text, 0, (size_t)slash);
	}
	/* ip6:::ffff:1.2.3.4 becomes IPv4 in this house, and so do clients. */
	if (!ip_parse(text, &ip) || (str_chr(text, ':') >= 0) != v6)
		return false;
	if (v6 && !ip.v6)
		bits = bits < 96 ? 0 : bits - 96;
	t->net = net_of(ip, bits);
	return true;
}

static bool
spec_only(struct str rest, bool needed, struct spf_term *t)
{
	if (rest.n == 0)
		return !needed;
	t->spec = str_skip(rest, 1);
	return rest.p[0] == ':' && domain_spec(t->spec);
}

static bool
mechanism(struct str text, struct spf_term *t)
{
	static const struct { struct str name; enum spf_mech mech; } names[] = {
		{ STR_INIT("all"), SPF_ALL }, { STR_INIT("include"), SPF_INCLUDE },
		{ STR_INIT("a"), SPF_A }, { STR_INIT("mx"), SPF_MX }, { STR_INIT("ptr"), SPF_PTR },
		{ STR_INIT("ip4"), SPF_IP4 }, { STR_INIT("ip6"), SPF_IP6 },
		{ STR_INIT("exists"), SPF_EXISTS },
	};
	size_t n = 0, k = 0;
	struct str rest;

	while (n < text.n && text.p[n] != ':' && text.p[n] != '/')
		n++;
	while (k < COUNT(names) && !str_ieq(str_sub(text, 0, n), names[k].name))
		k++;
	if (k == COUNT(names))
		return false;
	rest = str_skip(text, n);
	switch (t->mech = names[k].mech) {
	case SPF_ALL:
		return rest.n == 0;
	case SPF_INCLUDE:
	case SPF_EXISTS:
		return spec_only(rest, true, t);
	case SPF_PTR:
		return spec_only(rest, false, t);
	case SPF_A:
	case SPF_MX:
		return dual(rest, t);
	case SPF_IP4:
		return network(rest, false, t);
	case SPF_IP6:
		return network(rest, true, t);
	}
	return false;
}

/* Length of a modifier's name at the front, when '=' stands behind it; else 0. */
static size_t
modifier_name(struct str text)
{
	size_t n = 0;

	if (text.n == 0 || !ascii_isalpha(text.p[0]))
		return 0;
	while (n < text.n && (ascii_isalnum(text.p[n]) || strchr("-_.", text.p[n])))
		n++;
	return n < text.n && text.p[n] == '=' ? n : 0;
}

/* Each of the two may stand once (6); others are ignored if they are well formed. */
static bool
modifier(struct str text, size_t n, struct spf_record *out, const char **why)
{
	struct str name = str_sub(text, 0, n), value = str_skip(text, n + 1), *at = NULL;

	if (str_ieq(name, STR("redirect")))
		at = &out->redirect;
	else if (str_ieq(name, STR("exp")))
		at = &out->exp;
	if (at == NULL) {
		*why = "malformed modifier";
		return spf_macro_valid(value, false);
	}
	*why = at->p ? "a modifier stands twice" : "malformed domain of a modifier";
	if (at->p || !domain_spec(value))
		return false;
	*at = value;
	return true;
}

static bool
term(struct str text, struct spf_record *out, const char **why)
{
	static const struct { char c; enum auth_result r; } qualifiers[] = {
		{ '+', AUTH_PASS }, { '-', AUTH_FAIL }, { '~', AUTH_SOFTFAIL },
		{ '?', AUTH_NEUTRAL },
	};
	struct spf_term *t = &out->term[out->n];
	size_t n = modifier_name(text);
	struct str rest = text;

	if (n > 0)
		return modifier(text, n, out, why);
	*t = (struct spf_term){ .qualifier = AUTH_PASS, .text = text };
	for (size_t i = 0; i < COUNT(qualifiers); i++) {
		if (rest.p == text.p && text.p[0] == qualifiers[i].c) {
			t->qualifier = qualifiers[i].r;
			rest = str_skip(text, 1);
		}
	}
	*why = "unknown or malformed mechanism";
	if (!mechanism(rest, t))
		return false;
	if (t->mech == SPF_IP4 && t->qualifier == AUTH_PASS)
		out->reach += UINT64_C(1) << (32 - t->net.bits);
	out->n++;
	return true;
}

bool
spf_record_parse(struct str text, struct arena *a, struct spf_record *out, const char **why)
{
	struct str rest = str_skip(text, 6);
	size_t count = 1;

	*out = (struct spf_record){};
	for (size_t i = 0; i < text.n; i++) {
		*why = "a character that no record may hold";
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return false;
		count += text.p[i] == ' ';
	}
	out->term = arena_alloc(a, count * sizeof *out->term);
	*why = "too many terms";
	if (!out->term)
		return false;
	while (rest.n > 0) {
		struct str one = str_split(&rest, ' ');

		if (one.n > 0 && !term(one, out, why))
			return false;
	}
	*why = "";
	return true;
}
