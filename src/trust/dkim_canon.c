/* SPDX-License-Identifier: ISC */
/*
 * dkim_canon: header fields canonicalised, RFC 6376 3.4.1, 3.4.2, 3.7, 5.4.2.
 */
#include "base/ascii.h"
#include "trust/dkim_parts.h"

/* Small pieces gather before they are hashed. */
struct feed {
	const struct sig_sink *to;
	size_t n;
	char b[512];
};

static void
put(const struct sig_sink *to, const char *p, size_t n)
{
	if (to->md)
		(void)EVP_DigestUpdate(to->md, p, n);
	else
		(void)buf_put(to->buf, str_from(p, n));
}

static void
feed_flush(struct feed *f)
{
	put(f->to, f->b, f->n);
	f->n = 0;
}

static inline void
feed_put(struct feed *f, char c)
{
	if (f->n == sizeof f->b)
		feed_flush(f);
	f->b[f->n++] = c;
}

/* Unfolded, white space in one, none at the ends. */
static void
relaxed_value(struct feed *f, struct str v, bool *begun, bool *space)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (c == '\r' || c == '\n')
			continue;			/* a line end within a field is folding */
		if (ascii_iswsp(c)) {
			*space = true;
			continue;
		}
		if (*space && *begun)
			feed_put(f, ' ');
		*space = false;
		*begun = true;
		feed_put(f, c);
	}
}

static void
relaxed(struct feed *f, const struct field *field, struct str cut, bool last)
{
	bool begun = false, space = false;
	struct str v = field->value;

	for (size_t i = 0; i < field->name.n; i++)
		feed_put(f, ascii_lower(field->name.p[i]));
	feed_put(f, ':');
	if (cut.p) {
		relaxed_value(f, str_from(v.p, (size_t)(cut.p - v.p)), &begun, &space);
		v = str_skip(v, (size_t)(cut.p - v.p) + cut.n);
	}
	relaxed_value(f, v, &begun, &space);
	if (!last) {
		feed_put(f, '\r');
		feed_put(f, '\n');
	}
	feed_flush(f);
}

void
sig_put_field(const struct sig_sink *to, const struct field *f, bool relax)
{
	struct feed feed = { .to = to };

	if (relax)
		relaxed(&feed, f, (struct str){}, false);
	else
		put(to, f->raw.p, f->raw.n);
}

void
sig_put_own(const struct sig_sink *to, const struct field *f, bool relax, struct str cut)
{
	struct feed feed = { .to = to };
	struct str raw = f->raw, tail;

	if (relax) {
		relaxed(&feed, f, cut, true);
		return;
	}
	put(to, raw.p, (size_t)(cut.p - raw.p));
	tail = str_skip(raw, (size_t)(cut.p - raw.p) + cut.n);
	if (str_ends(tail, STR("\r\n")))
		tail.n -= 2;
	put(to, tail.p, tail.n);
}

bool
sig_put_fields(const struct sig_sink *to, const struct sig_choice *c, struct arena *a)
{
	bool *used = arena_zalloc(a, c->h->n + 1);

	if (!used)
		return false;
	for (size_t k = 0; k < c->n; k++) {
		for (size_t i = c->h->n; i > 0; i--) {
			const struct field *f = &c->h->field[i - 1];

			if (used[i - 1] || f == c->skip || !str_ieq(f->name, c->name[k]))
				continue;
			used[i - 1] = true;
			sig_put_field(to, f, c->relaxed);
			break;
		}
	}
	return true;
}
