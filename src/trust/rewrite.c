/* SPDX-License-Identifier: ISC */
/*
 * rewrite: see rewrite.h.
 */
#include "trust/rewrite.h"

#include "base/buf.h"
#include "mail/path.h"

bool
rewrite_host_like(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (memchr(" =\"@", host.p[i], 4) != NULL)
			return false;
	return host.n > 0;
}

bool
rewrite_split(struct str address, struct arena *a, struct str *local, struct str *host)
{
	struct path p = {};

	if (address.n > REWRITE_MAX || !addr_split(address, &p.local, host) || p.local.n == 0 ||
	    host->n == 0)
		return false;
	for (size_t i = 0; i < address.n; i++)
		if (ascii_iscntrl(address.p[i]))
			return false;
	if (!rewrite_host_like(*host))
		return false;
	bool quoted = p.local.p[0] == '"';

	if (quoted && (p.local.n < 3 || p.local.p[p.local.n - 1] != '"'))
		return false;
	*local = path_local_plain(&p, a);
	return local->n > 0 && (quoted || str_chr(*local, '@') == -1);
}

static bool
is_atext(char ch)
{
	return ascii_isalnum(ch) || (unsigned char)ch >= 0x80 ||
	    memchr("!#$%&'*+-/=?^_`{|}~", ch, 19) != NULL;
}

static bool
is_dot_string(struct str s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? dot : !is_atext(s.p[i]))
			return false;
		dot = s.p[i] == '.';
	}
	return !dot;
}

bool
rewrite_join(struct str local, struct str host, struct arena *a, struct str *out)
{
	struct buf b;

	buf_init(&b, 2 * REWRITE_MAX);
	if (is_dot_string(local)) {
		*out = str_cat(a, local, STR("@"), host);
	} else {
		(void)buf_putc(&b, '"');
		for (size_t i = 0; i < local.n; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				(void)buf_putc(&b, '\\');
			(void)buf_putc(&b, local.p[i]);
		}
		*out = str_cat(a, buf_str(&b), STR("\"@"), host);
	}
	buf_done(&b);
	return out->p != NULL;
}
