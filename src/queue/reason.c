/* SPDX-License-Identifier: ISC */
/*
 * reason: a table of 8192 rows and a map from class and text to row.
 *
 * The text is laid out as class, then status, mta and reply, each ended by NUL, so that its parts
 * are slices of one allocation; NUL cannot occur in them (it is replaced).
 */
#include "queue/reason.h"
#include "base/num.h"

#include <assert.h>
#include <stdlib.h>

void
reasons_init(struct reasons *rs)
{
	*rs = (struct reasons){};
}

void
reasons_done(struct reasons *rs)
{
	for (size_t i = 0; rs->r && i < REASON_MAX; i++)
		free((char *)(uintptr_t)rs->r[i].text.p);
	free(rs->r);
	map_done(&rs->by_text);
	*rs = (struct reasons){};
}

static size_t
put_part(char *to, struct str s, size_t max)
{
	size_t n = MIN(s.n, max);

	for (size_t i = 0; i < n; i++)
		to[i] = ascii_iscntrl(s.p[i]) ? ' ' : s.p[i];
	to[n] = '\0';
	return n + 1;
}

/* A free row, or 0. */
static uint16_t
free_row(struct reasons *rs)
{
	if (!rs->r && !(rs->r = calloc(REASON_MAX, sizeof *rs->r)))
		abort();
	if (rs->by_text.n >= REASON_MAX - 1 - CLASSES)
		return 0;
	for (unsigned i = 0; i < REASON_MAX; i++) {
		rs->last = (uint16_t)((rs->last + 1) % REASON_MAX);
		/* The last rows are those of the classes. */
		if (rs->last > 0 && rs->last < REASON_MAX - CLASSES && rs->r[rs->last].refs == 0)
			return rs->last;
	}
	return 0;
}

static void
fill(struct reason *r, struct str text, enum out_class class)
{
	struct str rest = str_skip(text, 1);

	r->text = text;
	r->status = str_split(&rest, '\0');
	r->mta = str_split(&rest, '\0');
	r->reply = str_split(&rest, '\0');
	r->class = class;
}

static struct str
keep(struct str s)
{
	char *p = malloc(s.n);

	if (!p)
		abort();
	memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

uint16_t
reason_get(struct reasons *rs, enum out_class class, struct str status, struct str mta,
    struct str reply)
{
	char text[REASON_TEXT_MAX + 200];
	size_t n = 1;
	struct reason *r;
	uint16_t no;

	text[0] = (char)('A' + class);
	n += put_part(text + n, status, 16);
	n += put_part(text + n, mta, 120);
	n += put_part(text + n, reply, REASON_TEXT_MAX);
	r = map_get(&rs->by_text, str_from(text, n));
	if (r) {
		r->refs++;
		return (uint16_t)(r - rs->r);
	}
	no = free_row(rs);
	if (no == 0) {
		/* Full: the class's own row, for ever. */
		no = (uint16_t)(REASON_MAX - CLASSES + class);
		rs->r[no].refs++;
		if (rs->r[no].text.n > 0)
			return no;
		n = 1;
		n += put_part(text + n, STR("4.0.0"), 16);
		n += put_part(text + n, (struct str){}, 0);
		n += put_part(text + n, str_of(out_class_name(class)), 40);
		fill(&rs->r[no], keep(str_from(text, n)), class);
		return no;
	}
	r = &rs->r[no];
	fill(r, keep(str_from(text, n)), class);
	r->refs = 1;
	(void)map_put(&rs->by_text, r->text, r);
	return no;
}

uint16_t
reason_again(struct reasons *rs, uint16_t no)
{
	if (no)
		rs->r[no].refs++;
	return no;
}

void
reason_put(struct reasons *rs, uint16_t no)
{
	struct reason *r;

	if (no == 0)
		return;
	r = &rs->r[no];
	assert(r->refs > 0);
	if (--r->refs > 0 || no >= REASON_MAX - CLASSES)
		return;
	(void)map_del(&rs->by_text, r->text);
	free((char *)(uintptr_t)r->text.p);
	*r = (struct reason){};
}

const struct reason *
reason_of(const struct reasons *rs, uint16_t no)
{
	static const struct reason none;

	return no && rs->r ? &rs->r[no] : &none;
}
