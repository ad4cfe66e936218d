/* SPDX-License-Identifier: ISC */
/*
 * addr: address lists as they occur, RFC 5322 3.4 and worse.
 *
 * An element is tried in this order: an addr-spec alone; a phrase before '<', ':' or nothing.  What
 * fits nowhere is kept as text with ADDR_BAD.  Work is linear but for the one retry of an element.
 */
#include "mail/addr.h"

#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/addr_read.h"
#include "mail/path.h"

struct list_reader {
	struct addr_read r;
	struct addr_list *out;
	size_t cap;
	struct str group;		/* name of the open group */
	bool in_group;
	bool full;			/* the arena is */
};

static void
add(struct list_reader *l, const struct addr *one)
{
	struct addr_list *out = l->out;

	out->facts |= one->facts;
	if (out->n >= ADDR_LIST_MAX) {
		out->facts |= ADDR_CUT;
		return;
	}
	if (out->n == l->cap) {
		size_t cap = l->cap == 0 ? 4 : 2 * l->cap;
		struct addr *bigger = arena_alloc(l->r.a, cap * sizeof *bigger);

		if (bigger == NULL) {
			l->full = true;
			return;
		}
		if (out->n > 0)
			memcpy(bigger, out->addr, out->n * sizeof *bigger);
		out->addr = bigger;
		l->cap = cap;
	}
	out->addr[out->n] = *one;
	out->addr[out->n].group = l->group;
	out->n++;
}

/* Does an element end here: ',' or ';' or the end? */
static bool
at_end(const struct addr_read *r)
{
	int ch = cur_peek(&r->c);

	return ch == -1 || ch == ',' || ch == ';';
}

/* The inside of the last comment passed, decoded. */
static struct str
comment_text(struct addr_read *r)
{
	struct str c = r->comment;
	size_t cap = c.n + 1;
	struct buf b = { .p = arena_alloc(r->a, cap), .cap = cap, .max = cap };

	if (c.n < 2 || b.p == NULL || !addr_put_unquoted(&b, c))
		return (struct str){};
	return text_decode(buf_str(&b), r->a);
}

/* Up to any of stop outside quotes and comments; comments are left out of the text. */
static struct str
take_phrase(struct list_reader *l, const char *stop)
{
	struct addr_read *r = &l->r;
	size_t cap = cur_left(&r->c) + 1;
	struct buf b = { .p = r->scratch, .cap = cap, .max = cap };

	while (r->c.p < r->c.end && (*r->c.p == '\0' || strchr(stop, *r->c.p) == NULL)) {
		struct str q;
		unsigned skipped = addr_take_cfws(r);

		if (skipped != 0) {
			if (b.n > 0)
				buf_putc(&b, ' ');
		} else if (addr_take_quoted(r, &q)) {
			addr_put_unquoted(&b, q);
		} else {
			buf_putc(&b, *r->c.p++);
		}
	}
	while (b.n > 0 && ascii_iswsp(b.p[b.n - 1]) && b.p[0] != '"')
		b.n--;
	return str_dup(r->a, buf_str(&b));
}

static void
name_facts(struct addr *one)
{
	if (str_chr(one->name, '@') >= 0)
		one->facts |= ADDR_NAME_HAS_AT;
	for (size_t i = 0; i < one->name.n; i++)
		if (ascii_iscntrl(one->name.p[i]) && !ascii_isspace(one->name.p[i]))
			one->facts |= ADDR_CONTROL;
	if (!utf8_valid(one->name))
		one->facts |= ADDR_INVALID_UTF8;
}

/* obs-route = 1*("@" domain ",") ":" inside angle brackets */
static void
skip_route(struct list_reader *l, struct addr *one)
{
	struct cur c = l->r.c;
	const char *p = c.p;

	(void)addr_take_cfws(&l->r);
	if (cur_peek(&l->r.c) != '@' && cur_peek(&l->r.c) != ',') {
		l->r.c = c;
		return;
	}
	for (p = l->r.c.p; p < c.end && *p != '>' && *p != '<' && *p != '"'; p++) {
		/* The last colon before the address: "@a:@b:c@d" is seen in the wild. */
		if (*p == ':')
			l->r.c.p = p + 1;
	}
	if (l->r.c.p[-1] != ':')
		l->r.c = c;
	else
		one->facts |= ADDR_ROUTE;
}

static struct str
up_to_angle(struct addr_read *r)
{
	const char *from = r->c.p;

	while (r->c.p < r->c.end && *r->c.p != '>')
		r->c.p++;
	return str_trim(cur_since(&r->c, from));
}

/* angle-addr with the '<' already taken; what is no address is kept as it stands */
static void
take_angle(struct list_reader *l, struct addr *one)
{
	struct addr_read *r = &l->r;
	struct addr route = {}, spec;
	const char *from;

	skip_route(l, &route);
	from = r->c.p;
	if (addr_take_spec(r, &spec)) {
		(void)addr_take_cfws(r);
		if (cur_peek(&r->c) == '>') {
			r->c.p++;
			spec.name = one->name;
			*one = spec;
			one->facts |= route.facts;
			return;
		}
	}
	r->c.p = from;
	one->address = up_to_angle(r);
	one->facts |= ADDR_BAD | route.facts;
	if (str_find(one->address, STR("=?")) >= 0)
		one->facts |= ADDR_ENCODED;
	(void)take_ch(&r->c, '>');
}

/* What stands between '>' and the next separator: a comment is a name, text is a mistake. */
static void
take_tail(struct list_reader *l, struct addr *one)
{
	struct addr_read *r = &l->r;

	r->comment = (struct str){};
	(void)addr_take_cfws(r);
	if (r->comment.n > 0 && one->name.n == 0)
		one->name = comment_text(r);
	if (at_end(r))
		return;
	struct str text = take_phrase(l, ",;");

	one->facts |= ADDR_BAD;
	if (one->name.n == 0)
		one->name = text_decode(text, r->a);
	if (str_chr(text, '@') >= 0)
		one->facts |= ADDR_NAME_HAS_AT;
}

/* A phrase and what follows it. */
static void
take_named(struct list_reader *l)
{
	struct addr_read *r = &l->r;
	struct addr one = {};
	struct str phrase;

	phrase = take_phrase(l, l->in_group ? "<,;" : "<,;:");
	if (take_ch(&r->c, '<')) {
		one.name = phrase.n > 0 ? text_decode(phrase, r->a) : comment_text(r);
		take_angle(l, &one);
		take_tail(l, &one);
	} else if (take_ch(&r->c, ':')) {
		l->out->facts |= ADDR_GROUP;
		l->group = text_decode(phrase, r->a);
		l->in_group = true;
		return;
	} else {
		one.name = comment_text(r);
		one.address = one.local = phrase;
		one.facts = ADDR_BAD | ADDR_NO_DOMAIN;
	}
	name_facts(&one);
	add(l, &one);
}

static void
take_element(struct list_reader *l)
{
	struct addr_read *r = &l->r;
	const char *from = r->c.p;
	struct addr one;

	if (addr_take_spec(r, &one)) {
		(void)addr_take_cfws(r);
		if (at_end(r)) {
			one.name = comment_text(r);
			name_facts(&one);
			add(l, &one);
			return;
		}
	}
	r->c.p = from;
	take_named(l);
}

/* ',' or ';' after an element, or in the place of one when empty. */
static void
take_separator(struct list_reader *l, bool empty)
{
	struct addr_read *r = &l->r;

	if (take_ch(&r->c, ',')) {
		if (empty)
			l->out->facts |= ADDR_EMPTY;		/* obs-addr-list */
	} else if (take_ch(&r->c, ';')) {
		if (!l->in_group)
			l->out->facts |= ADDR_BAD;
		l->in_group = false;
		l->group = (struct str){};
	}
}

static bool
read_list(struct str value, struct arena *a, struct addr_list *out, bool comments)
{
	struct list_reader l = { .out = out };

	*out = (struct addr_list){};
	if (!addr_read_init(&l.r, value, a))
		return false;
	l.r.utf8 = l.r.loose = true;
	do {
		bool empty;

		l.r.comment = (struct str){};
		(void)addr_take_cfws(&l.r);
		empty = at_end(&l.r);
		if (!empty) {
			take_element(&l);
		} else if (comments && l.r.comment.n > 0) {
			struct addr one = { .name = comment_text(&l.r) };

			add(&l, &one);
		}
		take_separator(&l, empty);
	} while (l.r.c.p < l.r.c.end && !l.full);
	if (l.r.comment_at)
		out->facts |= ADDR_NAME_HAS_AT;
	return !l.full;
}

bool
addr_list_parse(struct str value, struct arena *a, struct addr_list *out)
{
	return read_list(value, a, out, false);
}

bool
addr_list_parse_all(struct str value, struct arena *a, struct addr_list *out)
{
	return read_list(value, a, out, true);
}
