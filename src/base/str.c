/* SPDX-License-Identifier: ISC */
/*
 * str: comparisons and searches of slices that are too long to be inline.
 *
 * Pure; no allocation.
 */
#include "base/str.h"

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0;

	if (d != 0)
		return d;
	return (a.n > b.n) - (a.n < b.n);
}

int
str_icmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		int d = (unsigned char)ascii_lower(a.p[i]) - (unsigned char)ascii_lower(b.p[i]);

		if (d != 0)
			return d;
	}
	return (a.n > b.n) - (a.n < b.n);
}

bool
str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] && ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

ssize_t
str_find(struct str s, struct str what)
{
	const char *at;

	if (what.n == 0)
		return 0;
	if (s.n < what.n)
		return -1;
	at = memmem(s.p, s.n, what.p, what.n);
	return at ? at - s.p : -1;
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && ascii_iswsp(s.p[0]))
		s = (struct str){ s.p + 1, s.n - 1 };
	while (s.n > 0 && ascii_iswsp(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_split(struct str *rest, char c)
{
	ssize_t at = str_chr(*rest, c);
	struct str head = *rest;

	if (at < 0) {
		*rest = (struct str){};
		return head;
	}
	head.n = (size_t)at;
	*rest = str_skip(*rest, (size_t)at + 1);
	return head;
}
