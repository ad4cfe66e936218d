/* SPDX-License-Identifier: ISC */
/*
 * cur: the takers that are more than a comparison, and the noting of mistakes.
 *
 * Pure.
 */
#include "base/cur.h"
#include "base/num.h"

bool
take_while(struct cur *c, bool (*is)(char), struct str *out)
{
	const char *from = c->p;

	while (c->p < c->end && is(*c->p))
		c->p++;
	if (c->p == from)
		return false;
	*out = cur_since(c, from);
	return true;
}

bool
take_u32(struct cur *c, unsigned max_digits, uint32_t *out)
{
	struct cur was = *c;
	struct str digits;

	if (!take_while(c, ascii_isdigit, &digits) || digits.n > max_digits ||
	    !num_parse_u32(digits, out)) {
		*c = was;
		return false;
	}
	return true;
}

bool
perr_code(struct perr *err, const struct cur *c, unsigned code, const char *what)
{
	if (!err->what)
		*err = (struct perr){ .what = what, .at = cur_at(c), .code = code };
	return false;
}

bool
perr_set(struct perr *err, const struct cur *c, const char *what)
{
	return perr_code(err, c, 0, what);
}
