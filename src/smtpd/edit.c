/* SPDX-License-Identifier: ISC */
/*
 * edit: see edit.h.
 */
#include "smtpd/edit.h"

#include "mail/header.h"

enum { PARSE_MEMORY = 4 << 20 };

/* "Name: value CRLF".  Folding comes as LF or CR LF and leaves as CR LF and white space. */
static bool
put_field(struct buf *b, const struct edit *e)
{
	struct str v = e->value;

	if (!field_name_valid(e->name))
		return false;
	while (v.n > 0 && (v.p[v.n - 1] == '\n' || v.p[v.n - 1] == '\r'))
		v.n--;
	(void)buf_put(b, e->name);
	(void)buf_put(b, e->leading_space ? STR(":") : STR(": "));
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\0')
			return false;
		if (v.p[i] == '\r')
			continue;
		if (v.p[i] != '\n') {
			(void)buf_putc(b, v.p[i]);
			continue;
		}
		(void)buf_puts(b, "\r\n");
		while (i + 1 < v.n && v.p[i + 1] == '\r')
			i++;
		if (i + 1 < v.n && v.p[i + 1] != ' ' && v.p[i + 1] != '\t')
			(void)buf_putc(b, '\t');
	}
	(void)buf_puts(b, "\r\n");
	return !b->failed;
}

/* Bytes from..to of the text become those of field. */
static bool
replace(struct buf *head, size_t from, size_t to, struct str field)
{
	size_t tail = head->n - to;
	char *at;

	if (head->n - (to - from) + field.n > head->max || !buf_reserve(head, field.n))
		return false;
	at = head->p + from;
	if (tail > 0)
		memmove(at + field.n, head->p + to, tail);
	if (field.n > 0)
		memcpy(at, field.p, field.n);
	head->n = from + field.n + tail;
	return true;
}

static bool
replace_by(struct buf *head, size_t from, size_t to, const struct edit *e)
{
	struct buf field;
	bool ok;

	buf_init(&field, e->name.n + 3 * e->value.n + 16);
	ok = put_field(&field, e) && replace(head, from, to, buf_str(&field));
	buf_done(&field);
	return ok;
}

static bool
at_end(struct buf *head, const struct edit *e)
{
	bool open = head->n > 0 && head->p[head->n - 1] != '\n';

	/* The header section was cut off in a line: nothing may be glued to it. */
	if (open && !buf_puts(head, "\r\n"))
		return false;
	return replace_by(head, head->n, head->n, e);
}

bool
edit_add(struct buf *head, const struct edit *e)
{
	return at_end(head, e);
}

bool
edit_insert(struct buf *head, uint32_t n, const struct edit *e)
{
	struct header h = {};
	struct arena a;
	size_t at = head->n;
	bool ok;

	arena_init(&a, PARSE_MEMORY);
	ok = header_parse(buf_str(head), &a, 0, &h);
	if (ok && n < h.n)
		at = (size_t)(h.field[n].raw.p - head->p);
	arena_done(&a);
	if (!ok)
		return false;
	return at == head->n ? at_end(head, e) : replace_by(head, at, at, e);
}

bool
edit_change(struct buf *head, uint32_t n, const struct edit *e)
{
	struct header h = {};
	const struct field *f = NULL;
	struct arena a;
	size_t from = 0, to = 0;
	bool ok;

	arena_init(&a, PARSE_MEMORY);
	ok = header_parse(buf_str(head), &a, 0, &h);
	if (ok && (f = header_find(&h, e->name, n > 0 ? n - 1 : 0))) {
		from = (size_t)(f->raw.p - head->p);
		to = from + f->raw.n;
	}
	arena_done(&a);
	if (!ok)
		return false;
	if (e->value.n == 0)
		return !f || replace(head, from, to, (struct str){});
	return f ? replace_by(head, from, to, e) : at_end(head, e);
}
