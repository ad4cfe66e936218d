/* SPDX-License-Identifier: ISC */
/*
 * users: see users.h.  Pure; slices point into the line.
 */
#include "base/num.h"
#include "base/utf8.h"
#include "table/users.h"

bool
user_name_good(struct str name)
{
	if (name.n == 0 || name.n > 128 || name.p[0] == '.' || name.p[0] == '-' ||
	    !utf8_valid(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || strchr("/\\:\"<>()[],;\x7f",
		    name.p[i]) != NULL)
			return false;
	return true;
}

static bool
take_password(struct str field, struct user_entry *out)
{
	ssize_t end;

	if (field.n == 0 || field.p[0] != '{') {
		out->hash = field;
		return true;
	}
	end = str_chr(field, '}');
	if (end < 2)
		return false;
	out->scheme = str_sub(field, 1, (size_t)end - 1);
	out->hash = str_skip(field, (size_t)end + 1);
	return true;
}

static bool
has_word(struct str list, struct str word)
{
	while (list.n > 0) {
		struct str one = str_split(&list, ' ');

		if (str_ieq(one, word) ||
		    (str_istarts(one, word) && one.n > word.n && one.p[word.n] == '='))
			return !str_iends(one, STR("=no"));
	}
	return false;
}

bool
user_line_parse(struct str line, struct user_entry *out, struct perr *err)
{
	struct cur c = cur_of(line);
	struct str rest = line, uid, gid;

	*out = (struct user_entry){};
	out->name = str_split(&rest, ':');
	if (!user_name_good(out->name))
		return perr_set(err, &c, "bad user name");
	if (!take_password(str_split(&rest, ':'), out))
		return perr_set(err, &c, "password field has '{' without '}'");
	uid = str_split(&rest, ':');
	gid = str_split(&rest, ':');
	(void)str_split(&rest, ':');				/* gecos */
	out->home = str_split(&rest, ':');
	(void)str_split(&rest, ':');				/* shell */
	out->disabled = has_word(rest, STR("disabled"));
	if ((uid.n > 0) != (gid.n > 0))
		return perr_set(err, &c, "uid and gid must be given together");
	if (uid.n > 0) {
		if (!num_parse_u32(uid, &out->uid) || !num_parse_u32(gid, &out->gid))
			return perr_set(err, &c, "uid and gid must be numbers");
		if (out->uid == 0 || out->uid == UINT32_MAX)
			return perr_set(err, &c, "this uid cannot own a mailbox");
		out->has_ids = true;
	}
	if (out->home.n > 0 && (out->home.p[0] != '/' || str_find(out->home, STR("/../")) >= 0))
		return perr_set(err, &c, "home must be an absolute path");
	return true;
}
