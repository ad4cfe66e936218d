/* SPDX-License-Identifier: ISC */
/*
 * forwards: see forwards.h.
 */
#include "table/forwards.h"

#include "base/num.h"
#include "mail/path.h"
#include "table/lines.h"
#include "table/users.h"

enum { PATH_ROOM = 2048 };

bool
forward_target_good(struct str target)
{
	/* Room of its own: the pool of arenas is the loop's alone, tables are built beside it. */
	uint64_t room[PATH_ROOM / sizeof(uint64_t) / 2];
	struct arena a = { .at = (char *)room, .end = (char *)room + sizeof room,
		.limit = sizeof room };
	struct path_rules rules = { .arena = &a, .utf8 = true };
	struct perr err = {};
	struct path p;

	return path_parse(target, &rules, &p, &err) && p.domain.n > 0;
}

static bool
is_hash(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isxdigit(s.p[i]))
			return false;
	return s.n == FORWARD_HASH;
}

static bool
bad(struct perr *err, struct str line, struct str at, const char *what)
{
	*err = (struct perr){ .what = what, .at = at.p ? (size_t)(at.p - line.p) : line.n };
	return false;
}

bool
forward_line_parse(struct str line, struct forward_line *out, struct perr *err)
{
	struct str rest = line, word, expires;

	*out = (struct forward_line){};
	out->user = lines_word(&rest);
	out->target = lines_word(&rest);
	word = lines_word(&rest);
	if (!user_name_good(out->user))
		return bad(err, line, out->user, "not the name of a user");
	if (!forward_target_good(out->target))
		return bad(err, line, out->target, "a forward leads to one whole address");
	out->confirmed = str_eq(word, STR("confirmed"));
	if (!out->confirmed && !str_eq(word, STR("waiting")))
		return bad(err, line, word, "write: confirmed, or waiting HASH EXPIRES");
	if (!out->confirmed) {
		out->hash = lines_word(&rest);
		expires = lines_word(&rest);
		if (!is_hash(out->hash) || !num_parse_i64(expires, &out->expires_s))
			return bad(err, line, out->hash, "write: waiting HASH EXPIRES");
	}
	word = lines_word(&rest);
	out->only = str_eq(word, STR("only"));
	if ((word.n > 0 && !out->only) || lines_trim(rest).n > 0)
		return bad(err, line, word, "nothing but `only` may stand here");
	return true;
}
