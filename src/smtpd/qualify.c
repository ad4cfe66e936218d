/* SPDX-License-Identifier: ISC */
/*
 * qualify: see qualify.h.
 */
#include "smtpd/qualify.h"

/* The text between the angle brackets, when nothing in it is a domain. */
static bool
bare_inside(struct str args, struct str *local, size_t *at)
{
	ssize_t open = str_chr(args, '<'), end;

	if (open < 0)
		return false;
	*local = str_skip(args, (size_t)open + 1);
	end = str_chr(*local, '>');
	if (end <= 0)
		return false;
	*local = str_sub(*local, 0, (size_t)end);
	*at = (size_t)open + 1 + (size_t)end;
	/* A quoted part may hold '@' and '>': those are left to the parser. */
	return str_chr(*local, '@') < 0 && str_chr(*local, '"') < 0;
}

struct str
qualify(struct arena *a, struct str args, struct str domain)
{
	struct str local, out;
	size_t at;

	if (!bare_inside(args, &local, &at))
		return args;
	out = str_cat(a, str_sub(args, 0, at), STR("@"), domain, str_skip(args, at));
	return out.p ? out : args;
}

bool
unqualified(struct str args, const struct smtp_rules *rules, struct path *out)
{
	struct str full = qualify(rules->arena, args, STR("invalid"));
	struct mail_args m = {};
	struct perr err = {};

	if (full.p == args.p || !smtp_mail_parse(full, rules, &m, &err))
		return false;
	*out = m.path;
	out->domain = (struct str){};
	return true;
}
