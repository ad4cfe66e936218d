/* SPDX-License-Identifier: ISC */
/*
 * spf_macro: macro-strings expanded, RFC 7208 7.
 *
 * Strings were checked when the record was read (spf_macro_valid); explanations are checked by the
 * caller.
 */
#include "trust/spf_eval.h"

#include "base/num.h"

enum { EXPANDED_MAX = 4096, PARTS_MAX = 256 };

/* Dotted: "192.0.2.1"; of IPv6 its 32 nibbles. */
static struct str
dotted(struct ip ip, char room[64])
{
	static const char hex[] = "0123456789ABCDEF";
	char text[IP_TEXT_MAX];
	struct str s;

	if (!ip.v6) {
		s = ip_format(ip, text);
		memcpy(room, s.p, s.n);
		return str_from(room, s.n);
	}
	for (size_t i = 0; i < 16; i++) {
		room[4 * i] = hex[ip.b[i] >> 4];
		room[4 * i + 1] = '.';
		room[4 * i + 2] = hex[ip.b[i] & 15];
		room[4 * i + 3] = '.';
	}
	return str_from(room, 63);
}

/* The domain itself among the validated names, else one below it, else any (7.3). */
static struct str
validated(struct spf_eval *e, struct str domain)
{
	struct str below = {};

	spf_names(e);
	for (unsigned i = 0; i < e->nptr; i++) {
		struct str n = e->ptr_name[i];

		if (str_ieq(n, domain))
			return n;
		if (below.n == 0 && n.n > domain.n && str_iends(n, domain) &&
		    n.p[n.n - domain.n - 1] == '.')
			below = n;
	}
	if (below.n > 0)
		return below;
	return e->nptr > 0 ? e->ptr_name[0] : STR("unknown");
}

static struct str
letter_value(struct spf_eval *e, char letter, struct str domain, char room[64])
{
	const struct spf_query *q = e->q;
	char text[IP_TEXT_MAX];
	struct str s;

	switch (letter) {
	case 's':
		return str_cat(q->a, e->sender_local, STR("@"), e->sender_domain);
	case 'l':
		return e->sender_local;
	case 'o':
		return e->sender_domain;
	case 'd':
		return domain;
	case 'i':
		return dotted(q->ip, room);
	case 'p':
		return validated(e, domain);
	case 'h':
		return q->helo;
	case 'v':
		return q->ip.v6 ? STR("ip6") : STR("in-addr");
	case 'c':
		s = ip_format(q->ip, text);
		memcpy(room, s.p, s.n);
		return str_from(room, s.n);
	case 'r':
		return q->receiver.n > 0 ? q->receiver : STR("unknown");
	case 't':
		return str_fmt(q->a, "%lld", (long long)q->now_s);
	default:
		return (struct str){};
	}
}

struct macro {
	char letter;
	uint32_t keep;			/* right-hand parts; 0: all */
	bool reverse, escape;
	struct str delimiters;
};

/* "{d2r-}" at the front of s; answers its length. */
static size_t
macro_read(struct str s, struct macro *m)
{
	ssize_t end = str_chr(s, '}');
	struct str in = str_sub(s, 1, end > 1 ? (size_t)end - 1 : 0), digits = str_skip(in, 1);
	size_t n = 0;

	*m = (struct macro){};
	if (in.n == 0)
		return 0;
	m->letter = ascii_lower(in.p[0]);
	m->escape = ascii_isupper(in.p[0]);
	while (n < digits.n && ascii_isdigit(digits.p[n]))
		n++;
	if (n > 0 && !num_parse_u32(str_sub(digits, 0, n), &m->keep))
		m->keep = 0;			/* more than there can be parts */
	digits = str_skip(digits, n);
	m->reverse = digits.n > 0 && ascii_lower(digits.p[0]) == 'r';
	m->delimiters = str_skip(digits, m->reverse);
	return (size_t)end + 1;
}

static bool
is_delimiter(const struct macro *m, char c)
{
	return m->delimiters.n > 0 ? str_chr(m->delimiters, c) >= 0 : c == '.';
}

static bool
put_escaped(struct buf *b, struct str s, bool escape)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n && !b->failed; i++) {
		char c = s.p[i];

		if (!escape || ascii_isalnum(c) || strchr("-._~", c)) {
			(void)buf_putc(b, c);
			continue;
		}
		(void)buf_putc(b, '%');
		(void)buf_putc(b, hex[(unsigned char)c >> 4]);
		(void)buf_putc(b, hex[(unsigned char)c & 15]);
	}
	return !b->failed;
}

/* Split, reverse, keep, join with dots (7.3). */
static bool
put_transformed(struct buf *b, const struct macro *m, struct str value, struct arena *a)
{
	struct str *part;
	size_t n = 0, from = 0, first;

	if (m->keep == 0 && !m->reverse && m->delimiters.n == 0)
		return put_escaped(b, value, m->escape);
	part = arena_alloc(a, PARTS_MAX * sizeof *part);
	if (!part)
		return false;
	for (size_t i = 0; i <= value.n; i++) {
		if (i < value.n && !is_delimiter(m, value.p[i]))
			continue;
		if (n == PARTS_MAX)
			return false;
		part[n++] = str_sub(value, from, i - from);
		from = i + 1;
	}
	first = m->keep > 0 && m->keep < n ? n - m->keep : 0;
	for (size_t i = first; i < n; i++) {
		if (i > first)
			(void)buf_putc(b, '.');
		(void)put_escaped(b, part[m->reverse ? n - 1 - i : i], m->escape);
	}
	return !b->failed;
}

bool
spf_expand(struct spf_eval *e, struct str spec, struct str domain, bool explain, struct str *out)
{
	char *mem = arena_alloc(e->q->a, EXPANDED_MAX), room[64];
	struct buf b = { .p = mem, .cap = EXPANDED_MAX, .max = EXPANDED_MAX };

	(void)explain;
	if (!mem)
		return false;
	for (size_t i = 0; i < spec.n && !b.failed; i++) {
		struct macro m;

		if (spec.p[i] != '%' || i + 1 == spec.n) {
			(void)buf_putc(&b, spec.p[i]);
			continue;
		}
		switch (spec.p[++i]) {
		case '%':
			(void)buf_putc(&b, '%');
			continue;
		case '_':
			(void)buf_putc(&b, ' ');
			continue;
		case '-':
			(void)buf_puts(&b, "%20");
			continue;
		default:
			break;
		}
		i += macro_read(str_skip(spec, i), &m) - 1;
		if (!put_transformed(&b, &m, letter_value(e, m.letter, domain, room), e->q->a))
			return false;
	}
	*out = buf_str(&b);
	return !b.failed;
}

bool
spf_target(struct spf_eval *e, struct str spec, struct str domain, struct str *out)
{
	if (spec.n == 0) {
		*out = domain;
		return true;
	}
	if (!spf_expand(e, spec, domain, false, out))
		return false;
	if (out->n > 0 && out->p[out->n - 1] == '.')
		out->n--;
	while (out->n > SPF_NAME_MAX) {
		ssize_t dot = str_chr(*out, '.');

		if (dot < 0)
			break;
		*out = str_skip(*out, (size_t)dot + 1);
	}
	return true;
}
