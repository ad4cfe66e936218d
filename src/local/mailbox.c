/* SPDX-License-Identifier: ISC */
/*
 * mailbox: see mailbox.h.
 */
#include "local/mailbox.h"

#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/buf.h"

enum { PATH_CAP = 1000 };

bool
mailbox_address(const struct config *cfg, struct str addr, struct str *user,
    const struct domain **d)
{
	ssize_t at = str_rchr(addr, '@');	/* a quoted local part may hold others */

	if (at <= 0)
		return false;
	*d = config_domain(cfg, str_sub(addr, (size_t)at + 1, SIZE_MAX));
	*user = str_sub(addr, 0, (size_t)at);
	if (*d == NULL)
		return false;
	if ((*d)->detail != '\0') {
		ssize_t plus = str_chr(*user, (*d)->detail);

		if (plus > 0)
			*user = str_sub(*user, 0, (size_t)plus);
	}
	return true;
}

/* One path component: a user called ".." or "a/b" gets no directory of that name. */
static bool
component_ok(struct str s)
{
	if (s.n == 0 || s.n > 200 || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '\0' || (unsigned char)s.p[i] < 0x20)
			return false;
	return true;
}

/* The value of the placeholder at the start of t; its length in *len, 0 when there is none. */
static struct str
placeholder(struct str t, struct str user, struct str domain, struct str home, size_t *len)
{
	const struct { struct str word, value; } known[] = {
		{ STR("{user}"), user }, { STR("{domain}"), domain }, { STR("{home}"), home },
	};

	for (size_t i = 0; i < 3; i++)
		if (str_starts(t, known[i].word)) {
			*len = known[i].word.n;
			return known[i].value;
		}
	*len = 0;
	return (struct str){};
}

static bool
expand(struct str t, struct str user, const struct domain *d, struct str home, struct buf *out)
{
	for (size_t i = 0; i < t.n; ) {
		size_t len;
		struct str v = placeholder(str_sub(t, i, SIZE_MAX), user, d->name, home, &len);

		if (len == 0) {
			(void)buf_putc(out, t.p[i++]);
			continue;
		}
		if (v.n == 0)
			return false;
		(void)buf_put(out, v);
		i += len;
	}
	return !out->failed;
}

/* Where the base ends: at the last '/' before the first placeholder, behind a leading {home}. */
static size_t
base_length(struct str t, struct str home)
{
	size_t brace = 0;

	if (str_starts(t, STR("{home}")))
		return home.n;
	while (brace < t.n && t.p[brace] != '{')
		brace++;
	while (brace > 0 && t.p[brace - 1] != '/')
		brace--;
	return brace;
}

bool
mailbox_place(const struct domain *d, struct str user, const struct account *account,
    struct arena *a, struct mailbox *out)
{
	struct str home = account != NULL ? account->home : (struct str){};
	struct str low = str_lower(a, user);
	size_t cut = base_length(d->maildir, home);
	struct buf path;
	bool good;

	if (!component_ok(user) || !component_ok(d->name))
		return false;
	buf_init(&path, PATH_CAP);
	good = expand(d->maildir, low, d, home, &path) && path.n >= cut && cut > 0 &&
	    path.p[0] == '/';
	if (good) {
		out->base = str_z(a, (struct str){ path.p, cut });
		out->rel = str_z(a, (struct str){ path.p + cut, path.n - cut });
		good = out->base != NULL && out->rel != NULL;
	}
	buf_done(&path);
	if (account != NULL) {
		out->uid = account->uid;
		out->gid = account->gid;
	} else {
		out->uid = d->mail_ids_set ? d->mail_uid : geteuid();
		out->gid = d->mail_ids_set ? d->mail_gid : getegid();
	}
	return good;
}
