/* SPDX-License-Identifier: ISC */
/*
 * buf: the growing half of the buffer.
 *
 * Doubles from 256 bytes, never past max.  Running out of the machine's memory aborts: the
 * supervisor restarts the role, and nothing acknowledged is in memory only.
 */
#include "base/buf.h"
#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

bool
buf_grow(struct buf *b, size_t n)
{
	size_t need, cap = b->cap ? b->cap : 256;
	char *p;

	if (!num_add(b->n, n, &need) || need > b->max) {
		b->failed = true;
		return false;
	}
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (!p)
		abort();
	b->p = p;
	b->cap = cap;
	return true;
}

bool
buf_putu(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t n = num_format_u64(v, tmp);

	return buf_put(b, (struct str){ tmp, n });
}

bool
buf_puti(struct buf *b, int64_t v)
{
	char tmp[21] = { '-' };
	size_t n;

	if (v >= 0)
		return buf_putu(b, (uint64_t)v);
	n = num_format_u64(0 - (uint64_t)v, tmp + 1);
	return buf_put(b, (struct str){ tmp, n + 1 });
}

bool
buf_putf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int len;
	char *to;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return false;
	}
	to = malloc((size_t)len + 1);
	if (!to)
		abort();
	va_start(ap, fmt);
	(void)vsnprintf(to, (size_t)len + 1, fmt, ap);
	va_end(ap);
	bool ok = buf_put(b, (struct str){ to, (size_t)len });

	free(to);
	return ok;
}

void
buf_shift(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}
