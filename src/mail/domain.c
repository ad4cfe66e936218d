/* SPDX-License-Identifier: ISC */
/*
 * domain: comparing domain names, and which characters an internationalised address may show.
 *
 * Two names are one when their lower-case A-labels are; ASCII names are compared without copying.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"
#include "mail/path.h"

static struct str
without_dot(struct str d)
{
	if (d.n > 1 && d.p[d.n - 1] == '.')
		d.n--;
	return d;
}

/* Compares after conversion; a small arena of its own keeps callers free of one. */
static bool
ends_as_ascii(struct str a, struct str b, bool whole)
{
	struct arena tmp = {};
	struct str x, y;
	bool same = false;

	arena_init(&tmp, 8192);
	if (domain_to_ascii(a, &tmp, &x) && domain_to_ascii(b, &tmp, &y)) {
		same = whole ? str_eq(x, y)
			     : str_eq(x, y) || (x.n > y.n && str_ends(x, y) &&
						x.p[x.n - y.n - 1] == '.');
	}
	arena_done(&tmp);
	return same;
}

bool
domain_eq(struct str a, struct str b)
{
	a = without_dot(a);
	b = without_dot(b);
	if (str_ieq(a, b))
		return true;
	return !(utf8_is_ascii(a) && utf8_is_ascii(b)) && ends_as_ascii(a, b, true);
}

bool
domain_under(struct str d, struct str parent)
{
	d = without_dot(d);
	parent = without_dot(parent);
	if (utf8_is_ascii(d) && utf8_is_ascii(parent)) {
		if (d.n == parent.n)
			return str_ieq(d, parent);
		return d.n > parent.n && parent.n > 0 && str_iends(d, parent) &&
		       d.p[d.n - parent.n - 1] == '.';
	}
	return parent.n > 0 && ends_as_ascii(d, parent, false);
}

/*
 * Characters that show nothing or turn the order of others: C0, C1, soft hyphen, Arabic letter
 * mark, zero-width space (joiners are needed by some scripts), bidirectional controls, line and
 * paragraph separators, fillers, invisible operators, private use, byte order mark,
 * interlinear annotation, tags, noncharacters.
 */
static const struct {
	uint32_t from, to;
} unsafe[] = {
	{ 0x00, 0x1f }, { 0x7f, 0xa0 }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180e, 0x180e }, { 0x2000, 0x200b },
	{ 0x200e, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x3000, 0x3000 },
	{ 0x3164, 0x3164 }, { 0xd800, 0xf8ff }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 }, { 0xfff0, 0xffff }, { 0xe0000, 0x10ffff },
};

bool
utf8_address_safe(struct str s)
{
	uint32_t cp;

	while (utf8_next(&s, &cp))
		for (size_t k = 0; k < COUNT(unsafe) && cp >= unsafe[k].from; k++)
			if (cp <= unsafe[k].to)
				return false;
	return s.n == 0;
}
