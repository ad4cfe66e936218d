/* SPDX-License-Identifier: ISC */
/*
 * section: see section.h.
 */
#include "smtpd/section.h"

enum { FIELDS_MEMORY = 4 << 20 };

void
section_init(struct section *x, size_t max)
{
	*x = (struct section){};
	buf_init(&x->text, max);
}

bool
section_feed(struct section *x, struct str *bytes)
{
	size_t n;

	if (x->done)
		return true;
	n = header_scan_feed(&x->scan, *bytes);
	(void)buf_put(&x->text, str_sub(*bytes, 0, n));
	*bytes = str_skip(*bytes, n);
	return x->scan.done;
}

struct str
section_cut(struct section *x, struct arena *mem)
{
	size_t size = x->text.n, body_at = x->text.n;
	struct header h = {};
	struct arena a;
	struct str rest;

	x->done = true;
	arena_init(&a, FIELDS_MEMORY);
	if (header_parse(buf_str(&x->text), &a, 0, &h)) {
		size = h.size;
		body_at = h.body_at;
	}
	arena_done(&a);
	x->blank = body_at > size;
	rest = str_dup(mem, str_skip(buf_str(&x->text), body_at));
	if (!rest.p)
		x->text.failed = true;
	x->text.n = size;
	return rest;
}

struct str
section_text(const struct section *x, struct arena *a)
{
	return str_cat(a, buf_str(&x->text), x->blank ? STR("\r\n") : STR(""));
}

size_t
section_strip(struct section *x, bool (*gone)(void *ctx, const struct field *f), void *ctx)
{
	struct header h = {};
	struct arena a;
	size_t to = 0, n = 0;

	arena_init(&a, FIELDS_MEMORY);
	if (header_parse(buf_str(&x->text), &a, 0, &h)) {
		for (size_t i = 0; i < h.n; i++) {
			struct str raw = h.field[i].raw;

			if (gone(ctx, &h.field[i])) {
				n++;
				continue;
			}
			memmove(x->text.p + to, raw.p, raw.n);
			to += raw.n;
		}
		if (n > 0)
			x->text.n = to;
	}
	arena_done(&a);
	return n;
}
