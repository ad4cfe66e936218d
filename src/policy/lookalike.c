/* SPDX-License-Identifier: ISC */
/*
 * lookalike: see lookalike.h.
 *
 * The skeleton is that of UTS 39 for what can stand in a domain name and looks like ASCII there: a
 * table of its own, because the whole of Unicode's (libicu: 30 MB in each worker) adds scripts that
 * no name of this list's shape is ever written in.
 */
#include "policy/lookalike.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/utf8.h"
#include "mail/path.h"

enum { SHAPE_MAX = 190, TYPO_MIN = 5 };

static const struct { uint32_t c; char as[3]; } confusable[] = {
	{ 0x00df, "b" }, { 0x00e0, "a" }, { 0x00e1, "a" }, { 0x00e2, "a" }, { 0x00e3, "a" },
	{ 0x00e4, "a" }, { 0x00e5, "a" }, { 0x00e6, "ae" }, { 0x00e7, "c" }, { 0x00e8, "e" },
	{ 0x00e9, "e" }, { 0x00ea, "e" }, { 0x00eb, "e" }, { 0x00ec, "i" }, { 0x00ed, "i" },
	{ 0x00ee, "i" }, { 0x00ef, "i" }, { 0x00f1, "n" }, { 0x00f2, "o" }, { 0x00f3, "o" },
	{ 0x00f4, "o" }, { 0x00f5, "o" }, { 0x00f6, "o" }, { 0x00f8, "o" }, { 0x00f9, "u" },
	{ 0x00fa, "u" }, { 0x00fb, "u" }, { 0x00fc, "u" }, { 0x00fd, "y" }, { 0x00ff, "y" },
	{ 0x0101, "a" }, { 0x0103, "a" }, { 0x0105, "a" }, { 0x0107, "c" }, { 0x0109, "c" },
	{ 0x010b, "c" }, { 0x010d, "c" }, { 0x010f, "d" }, { 0x0111, "d" }, { 0x0113, "e" },
	{ 0x0115, "e" }, { 0x0117, "e" }, { 0x0119, "e" }, { 0x011b, "e" }, { 0x011d, "g" },
	{ 0x011f, "g" }, { 0x0121, "g" }, { 0x0123, "g" }, { 0x0125, "h" }, { 0x0127, "h" },
	{ 0x0129, "i" }, { 0x012b, "i" }, { 0x012d, "i" }, { 0x012f, "i" }, { 0x0131, "i" },
	{ 0x0135, "j" }, { 0x0137, "k" }, { 0x0138, "k" }, { 0x013a, "l" }, { 0x013c, "l" },
	{ 0x013e, "l" }, { 0x0140, "l" }, { 0x0142, "l" }, { 0x0144, "n" }, { 0x0146, "n" },
	{ 0x0148, "n" }, { 0x0149, "n" }, { 0x014b, "n" }, { 0x014d, "o" }, { 0x014f, "o" },
	{ 0x0151, "o" }, { 0x0153, "oe" }, { 0x0155, "r" }, { 0x0157, "r" }, { 0x0159, "r" },
	{ 0x015b, "s" }, { 0x015d, "s" }, { 0x015f, "s" }, { 0x0161, "s" }, { 0x0163, "t" },
	{ 0x0165, "t" }, { 0x0167, "t" }, { 0x0169, "u" }, { 0x016b, "u" }, { 0x016d, "u" },
	{ 0x016f, "u" }, { 0x0171, "u" }, { 0x0173, "u" }, { 0x0175, "w" }, { 0x0177, "y" },
	{ 0x017a, "z" }, { 0x017c, "z" }, { 0x017e, "z" }, { 0x017f, "s" }, { 0x0180, "b" },
	{ 0x0188, "c" }, { 0x0192, "f" }, { 0x0199, "k" }, { 0x01a1, "o" }, { 0x01a5, "p" },
	{ 0x01ad, "t" }, { 0x01b0, "u" }, { 0x01b4, "y" }, { 0x01b6, "z" }, { 0x01ce, "a" },
	{ 0x01d0, "i" }, { 0x01d2, "o" }, { 0x01d4, "u" }, { 0x01e7, "g" }, { 0x01e9, "k" },
	{ 0x01f0, "j" }, { 0x01f5, "g" }, { 0x01f9, "n" }, { 0x0219, "s" }, { 0x021b, "t" },
	{ 0x0233, "y" }, { 0x0249, "j" }, { 0x024b, "q" }, { 0x024d, "r" }, { 0x0251, "a" },
	{ 0x0253, "b" }, { 0x0256, "d" }, { 0x0257, "d" }, { 0x0260, "g" }, { 0x0261, "g" },
	{ 0x0262, "g" }, { 0x0266, "h" }, { 0x0269, "i" }, { 0x026a, "i" }, { 0x026d, "l" },
	{ 0x0271, "m" }, { 0x0272, "n" }, { 0x0274, "n" }, { 0x027e, "r" }, { 0x0280, "r" },
	{ 0x028b, "v" }, { 0x028f, "y" }, { 0x0299, "b" }, { 0x029f, "l" }, { 0x03ac, "a" },
	{ 0x03af, "i" }, { 0x03b1, "a" }, { 0x03b2, "b" }, { 0x03b3, "y" }, { 0x03b5, "e" },
	{ 0x03b7, "n" }, { 0x03b9, "i" }, { 0x03ba, "k" }, { 0x03bc, "u" }, { 0x03bd, "v" },
	{ 0x03bf, "o" }, { 0x03c1, "p" }, { 0x03c3, "o" }, { 0x03c4, "t" }, { 0x03c5, "u" },
	{ 0x03c7, "x" }, { 0x03c9, "w" }, { 0x03ca, "i" }, { 0x03cb, "u" }, { 0x03cc, "o" },
	{ 0x03cd, "u" }, { 0x03f2, "c" }, { 0x03f3, "j" }, { 0x0430, "a" }, { 0x0432, "b" },
	{ 0x0433, "r" }, { 0x0435, "e" }, { 0x0437, "3" }, { 0x043a, "k" }, { 0x043c, "m" },
	{ 0x043d, "h" }, { 0x043e, "o" }, { 0x043f, "n" }, { 0x0440, "p" }, { 0x0441, "c" },
	{ 0x0442, "t" }, { 0x0443, "y" }, { 0x0445, "x" }, { 0x0446, "u" }, { 0x0448, "w" },
	{ 0x044c, "b" }, { 0x0450, "e" }, { 0x0451, "e" }, { 0x0455, "s" }, { 0x0456, "i" },
	{ 0x0457, "i" }, { 0x0458, "j" }, { 0x045e, "y" }, { 0x0461, "w" }, { 0x0475, "v" },
	{ 0x0493, "f" }, { 0x04bb, "h" }, { 0x04cf, "i" }, { 0x04d1, "a" }, { 0x04d3, "a" },
	{ 0x04e7, "o" }, { 0x04e9, "o" }, { 0x04ef, "y" }, { 0x0501, "d" }, { 0x051b, "q" },
	{ 0x051d, "w" }, { 0x0561, "w" }, { 0x0563, "q" }, { 0x0566, "q" }, { 0x0570, "h" },
	{ 0x0575, "j" }, { 0x0578, "n" }, { 0x057d, "u" }, { 0x0580, "n" }, { 0x0581, "g" },
	{ 0x0584, "p" }, { 0x0585, "o" }, { 0x0660, "o" }, { 0x0661, "l" }, { 0x06f0, "o" },
	{ 0x06f1, "l" }, { 0x0d20, "o" }, { 0x0e50, "o" }, { 0x0ed0, "o" }, { 0x13a0, "d" },
	{ 0x1d00, "a" }, { 0x1d04, "c" }, { 0x1d05, "d" }, { 0x1d07, "e" }, { 0x1d0a, "j" },
	{ 0x1d0b, "k" }, { 0x1d0d, "m" }, { 0x1d0f, "o" }, { 0x1d18, "p" }, { 0x1d1b, "t" },
	{ 0x1d1c, "u" }, { 0x1d20, "v" }, { 0x1d21, "w" }, { 0x1d22, "z" }, { 0x1e03, "b" },
	{ 0x1e05, "b" }, { 0x1e0d, "d" }, { 0x1e0f, "d" }, { 0x1e1f, "f" }, { 0x1e25, "h" },
	{ 0x1e2b, "h" }, { 0x1e33, "k" }, { 0x1e37, "l" }, { 0x1e3b, "l" }, { 0x1e3f, "m" },
	{ 0x1e41, "m" }, { 0x1e43, "m" }, { 0x1e45, "n" }, { 0x1e47, "n" }, { 0x1e49, "n" },
	{ 0x1e55, "p" }, { 0x1e57, "p" }, { 0x1e59, "r" }, { 0x1e5b, "r" }, { 0x1e61, "s" },
	{ 0x1e63, "s" }, { 0x1e6b, "t" }, { 0x1e6d, "t" }, { 0x1e6f, "t" }, { 0x1e7d, "v" },
	{ 0x1e7f, "v" }, { 0x1e81, "w" }, { 0x1e83, "w" }, { 0x1e85, "w" }, { 0x1e87, "w" },
	{ 0x1e89, "w" }, { 0x1e8b, "x" }, { 0x1e8d, "x" }, { 0x1e8f, "y" }, { 0x1e91, "z" },
	{ 0x1e93, "z" }, { 0x1e95, "z" }, { 0x1ea1, "a" }, { 0x1ea3, "a" }, { 0x1ea5, "a" },
	{ 0x1ea7, "a" }, { 0x1ea9, "a" }, { 0x1eab, "a" }, { 0x1ead, "a" }, { 0x1eaf, "a" },
	{ 0x1eb1, "a" }, { 0x1eb3, "a" }, { 0x1eb5, "a" }, { 0x1eb7, "a" }, { 0x1eb9, "e" },
	{ 0x1ebb, "e" }, { 0x1ebd, "e" }, { 0x1ebf, "e" }, { 0x1ec1, "e" }, { 0x1ec3, "e" },
	{ 0x1ec5, "e" }, { 0x1ec7, "e" }, { 0x1ec9, "i" }, { 0x1ecb, "i" }, { 0x1ecd, "o" },
	{ 0x1ecf, "o" }, { 0x1ed1, "o" }, { 0x1ed3, "o" }, { 0x1ed5, "o" }, { 0x1ed7, "o" },
	{ 0x1ed9, "o" }, { 0x1edb, "o" }, { 0x1edd, "o" }, { 0x1edf, "o" }, { 0x1ee1, "o" },
	{ 0x1ee3, "o" }, { 0x1ee5, "u" }, { 0x1ee7, "u" }, { 0x1ee9, "u" }, { 0x1eeb, "u" },
	{ 0x1eed, "u" }, { 0x1eef, "u" }, { 0x1ef1, "u" }, { 0x1ef3, "y" }, { 0x1ef5, "y" },
	{ 0x1ef7, "y" }, { 0x1ef9, "y" }, { 0x2c9f, "o" }, { 0xa731, "s" }, { 0xab75, "i" },
	{ 0xab83, "w" }, { 0xabaa, "s" },
};

struct shape { uint32_t c[SHAPE_MAX]; size_t n; };

static int
by_char(const void *key, const void *one)
{
	const uint32_t *k = key;
	uint32_t c = confusable[(const typeof(confusable[0]) *)one - confusable].c;

	return *k < c ? -1 : *k > c;
}

static void
push(struct shape *s, uint32_t c)
{
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (s->n < SHAPE_MAX)
		s->c[s->n++] = c == '0' ? 'o' : c == '1' || c == '|' ? 'l' : c;
}

/* Two that look like one, at the end of what is there. */
static void
join(struct shape *s)
{
	static const char pairs[][4] = { "rnm", "vvw", "cld" };

	for (size_t i = 0; s->n >= 2 && i < COUNT(pairs); i++)
		if (s->c[s->n - 2] == (uint32_t)pairs[i][0] &&
		    s->c[s->n - 1] == (uint32_t)pairs[i][1]) {
			s->n--;
			s->c[s->n - 1] = (uint32_t)pairs[i][2];
			return;
		}
}

static void
decode(struct str text, struct shape *raw)
{
	raw->n = 0;
	while (text.n > 0 && raw->n < SHAPE_MAX) {
		uint32_t c;

		if (!utf8_next(&text, &c)) {
			c = 0xfffd;
			text = str_skip(text, 1);
		}
		raw->c[raw->n++] = c;
	}
}

[[gnu::noinline]] static void
skeleton(struct str text, struct shape *out)
{
	struct shape raw;

	decode(text, &raw);
	out->n = 0;
	for (size_t i = 0; i < raw.n; i++) {
		const typeof(confusable[0]) *m = raw.c[i] < 128 ? NULL : bsearch(&raw.c[i],
		    confusable, COUNT(confusable), sizeof confusable[0], by_char);

		if (m == NULL)
			push(out, raw.c[i]);
		for (const char *z = m ? m->as : ""; *z; z++)
			push(out, (uint32_t)*z);
		join(out);
	}
}

static bool
same(const struct shape *a, const struct shape *b)
{
	return a->n == b->n && memcmp(a->c, b->c, a->n * sizeof a->c[0]) == 0;
}

/* One letter more, less or other, or two neighbours in the wrong order. */
static bool
one_typo(struct str a, struct str b)
{
	size_t head = 0, tail = 0, la, lb;

	if (a.n > b.n + 1 || b.n > a.n + 1)
		return false;
	while (head < a.n && head < b.n && ascii_lower(a.p[head]) == ascii_lower(b.p[head]))
		head++;
	while (tail < a.n - head && tail < b.n - head &&
	    ascii_lower(a.p[a.n - 1 - tail]) == ascii_lower(b.p[b.n - 1 - tail]))
		tail++;
	la = a.n - head - tail;
	lb = b.n - head - tail;
	return (la <= 1 && lb <= 1 && la + lb > 0) || (la == 2 && lb == 2 &&
	    a.p[head] == b.p[head + 1] && a.p[head + 1] == b.p[head]);
}

static size_t
labels(struct str d)
{
	size_t n = d.n > 0;

	for (size_t i = 0; i < d.n; i++)
		n += d.p[i] == '.';
	return n;
}

/* The last n labels. */
static struct str
last_labels(struct str d, size_t n)
{
	for (size_t have = labels(d); have > n; have--)
		d = str_skip(d, (size_t)str_chr(d, '.') + 1);
	return d;
}

/* Our whole name to the left of somebody's: ours.example.evil.test, ours-example.evil.test. */
static bool
left_of(struct str d, struct str ours)
{
	char dashed[256];

	if (ours.n >= sizeof dashed || labels(ours) < 2)
		return false;
	for (size_t i = 0; i < ours.n; i++)
		dashed[i] = ours.p[i] == '.' ? '-' : ours.p[i];
	for (bool first = true; d.n > 0; first = false) {
		struct str label = d, rest = d;

		label = str_split(&rest, '.');
		if (d.n > ours.n && str_istarts(d, ours) && d.p[ours.n] == '.')
			return true;
		if (str_ieq(label, str_from(dashed, ours.n)))
			return true;
		if (label.n == d.n || (first && labels(d) < 2))
			break;
		d = rest;
	}
	return false;
}

static bool
resembles(struct str d, struct str shown, struct str ours)
{
	size_t n = labels(ours);
	struct str end = last_labels(d, n), mine = ours;
	struct shape a, b;

	if (domain_eq(end, ours) || n < 2)
		return left_of(d, ours) && !domain_under(d, ours);
	skeleton(last_labels(shown, n), &a);
	skeleton(ours, &b);
	if (same(&a, &b) || left_of(d, ours))
		return true;
	return str_split(&mine, '.').n >= TYPO_MIN && one_typo(end, ours);
}

struct str
look_alike(const struct config *cfg, struct str domain, struct str shown)
{
	for (size_t i = 0; i < cfg->ndomain; i++)
		if (resembles(domain, shown, cfg->domain[i].name))
			return cfg->domain[i].name;
	for (size_t i = 0; i < cfg->senders.nprotect; i++)
		if (resembles(domain, shown, cfg->senders.protect[i]))
			return cfg->senders.protect[i];
	return (struct str){};
}

/* ---- scripts ---- */

enum script { COMMON, LATIN, GREEK, CYRILLIC, ARMENIAN, HEBREW, ARABIC, CJK, OTHER };

static enum script
script_of(uint32_t c)
{
	static const struct { uint32_t from, to; enum script is; } ranges[] = {
		{ 'A', 'Z', LATIN }, { 'a', 'z', LATIN }, { 0xc0, 0x24f, LATIN },
		{ 0x250, 0x2af, LATIN }, { 0x370, 0x3ff, GREEK }, { 0x400, 0x52f, CYRILLIC },
		{ 0x530, 0x58f, ARMENIAN }, { 0x590, 0x5ff, HEBREW }, { 0x600, 0x77f, ARABIC },
		{ 0x1100, 0x11ff, CJK }, { 0x1d00, 0x1d7f, LATIN }, { 0x1e00, 0x1eff, LATIN },
		{ 0x1f00, 0x1fff, GREEK }, { 0x2e80, 0x9fff, CJK }, { 0xac00, 0xd7ff, CJK },
		{ 0x20000, 0x3ffff, CJK },
	};

	if (c < 128 && !ascii_isalpha((char)c))
		return COMMON;
	for (size_t i = 0; i < COUNT(ranges); i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return ranges[i].is;
	return c < 0x300 ? COMMON : OTHER;
}

/* Latin beside Chinese, Japanese or Korean is everyday; beside what looks like it, it is not. */
static bool
mixed_label(struct str label)
{
	struct shape raw;
	unsigned seen = 0;

	decode(label, &raw);
	for (size_t i = 0; i < raw.n; i++)
		seen |= 1u << script_of(raw.c[i]);
	seen &= ~(1u << COMMON);
	if (seen & 1u << CJK)
		seen &= ~(1u << LATIN | 1u << CJK);
	return (seen & (seen - 1)) != 0;
}

bool
look_mixed(struct str shown)
{
	while (shown.n > 0)
		if (mixed_label(str_split(&shown, '.')))
			return true;
	return false;
}

/* ---- display names ---- */

static bool
host_char(char c)
{
	return ascii_isalnum(c) || c == '.' || c == '-' || (unsigned char)c > 127;
}

static bool
one_of(const struct config *cfg, const struct policy *p, struct str d)
{
	while (d.n > 0 && (d.p[d.n - 1] == '.' || d.p[d.n - 1] == '-'))
		d.n--;
	for (size_t i = 0; i < cfg->senders.nprotect; i++)
		if (domain_under(d, cfg->senders.protect[i]))
			return true;
	return own_root(p, d).n > 0;
}

/* "<address>" as the name of another one. */
static bool
bracketed_twice(struct str text)
{
	size_t n = 0;

	for (ssize_t at; (at = str_chr(text, '<')) >= 0; ) {
		struct str inside = str_skip(text, (size_t)at + 1);
		ssize_t end = str_chr(inside, '>');

		text = inside;
		n += end > 0 && str_chr(str_sub(inside, 0, (size_t)end), '@') > 0;
	}
	return n > 1;
}

bool
look_names_us(const struct policy *p, struct str name)
{
	if (bracketed_twice(name))
		return true;
	for (size_t i = 0; i < name.n; i++) {
		struct str d = str_skip(name, i);

		if (str_starts(d, STR("@")))
			d = str_skip(d, 1);
		else if (str_starts(d, STR("\xef\xbc\xa0")))		/* full width */
			d = str_skip(d, 3);
		else
			continue;
		while (d.n > 0 && d.p[0] == ' ')
			d = str_skip(d, 1);
		for (size_t n = 0; ; n++)
			if (n == d.n || !host_char(d.p[n])) {
				d.n = n;
				break;
			}
		if (one_of(p->cfg, p, d))
			return true;
	}
	return false;
}

/* The words of a name, each as its skeleton. */
static bool
next_word(const struct shape *s, size_t *at, size_t *from, size_t *n)
{
	while (*at < s->n && s->c[*at] < 128 && !ascii_isalnum((char)s->c[*at]))
		++*at;
	*from = *at;
	while (*at < s->n && (s->c[*at] >= 128 || ascii_isalnum((char)s->c[*at])))
		++*at;
	*n = *at - *from;
	return *n > 0;
}

static bool
has_word(const struct shape *s, const uint32_t *word, size_t nword)
{
	size_t at = 0, from, n;

	while (next_word(s, &at, &from, &n))
		if (n == nword && memcmp(s->c + from, word, n * sizeof *word) == 0)
			return true;
	return false;
}

static bool
all_words(struct str name, struct str of)
{
	struct shape have, want;
	size_t at = 0, from, n, words = 0;

	skeleton(name, &have);
	skeleton(of, &want);
	while (next_word(&want, &at, &from, &n)) {
		if (!has_word(&have, want.c + from, n))
			return false;
		words++;
	}
	return words > 0;
}

static bool
his(const struct vip *v, const struct sender_facts *w)
{
	for (size_t i = 0; i < v->naddr; i++) {
		ssize_t at = str_rchr(v->addr[i], '@');

		if (domain_eq(str_skip(v->addr[i], (size_t)at + 1), w->domain) && (at == 0 ||
		    str_ieq(str_sub(v->addr[i], 0, (size_t)at), w->local)))
			return true;
	}
	return false;
}

bool
look_is_vip(const struct config *cfg, const struct sender_facts *w)
{
	for (size_t i = 0; i < cfg->senders.nvip; i++)
		if (all_words(w->name, cfg->senders.vip[i].name) && !his(&cfg->senders.vip[i], w))
			return true;
	return false;
}
