/* SPDX-License-Identifier: ISC */
/*
 * msg: a message cut into header and body, see msg.h.
 */
#include "mail/msg.h"

#include <string.h>

bool
msg_parse(struct str text, struct arena *a, struct msg *out)
{
	*out = (struct msg){};
	if (!header_parse(text, a, 0, &out->header))
		return false;
	out->body = str_skip(text, out->header.body_at);
	return true;
}

static bool
append(struct addr_list *out, const struct addr_list *more, struct arena *a)
{
	struct addr *all;

	out->facts |= more->facts;
	if (more->n == 0)
		return true;
	all = arena_alloc(a, (out->n + more->n) * sizeof *all);
	if (all == NULL)
		return false;
	if (out->n > 0)
		memcpy(all, out->addr, out->n * sizeof *all);
	memcpy(all + out->n, more->addr, more->n * sizeof *all);
	out->addr = all;
	out->n += more->n;
	return true;
}

enum { FROM_FIELDS_MAX = 50 };		/* one is right; a few are read to say what is wrong */

bool
msg_from(const struct msg *m, struct arena *a, struct addr_list *out)
{
	*out = (struct addr_list){};
	for (size_t nth = 0; nth < FROM_FIELDS_MAX; nth++) {
		const struct field *f = header_find(&m->header, STR("From"), nth);
		struct addr_list one;

		if (f == NULL)
			break;
		if (!addr_list_parse(f->value, a, &one) || !append(out, &one, a))
			return false;
	}
	return true;
}
