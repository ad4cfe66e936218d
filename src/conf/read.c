/* SPDX-License-Identifier: ISC */
/*
 * read: statements into structs, by the tables of settings.
 *
 * One function per type of value; what has a grammar of its own is sent to the function its row
 * names.  Every mistake is reported and reading goes on.  Memory: the arena of the snapshot.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "conf/settings.h"
#include "conf/value.h"

void
read_error(struct reader *r, const struct word *w, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	conf_error_add(r->errs, w->line, w->col, "%s", text);
}

bool
read_ok(struct reader *r, const struct word *w, const char *what)
{
	if (what == NULL)
		return true;
	read_error(r, w, "'" STR_F "' %s", (int)MIN(w->s.n, (size_t)100), w->s.p, what);
	return false;
}

void *
read_push(struct reader *r, void **array, size_t *n, size_t size)
{
	if ((*n & (*n - 1)) == 0) {			/* full at 0, 1, 2, 4, 8 ... */
		char *more = arena_zalloc(r->a, (*n ? *n * 2 : 1) * size);

		if (more == NULL) {
			conf_error_add(r->errs, 0, 0, "configuration too big");
			return NULL;
		}
		if (*n > 0)
			memcpy(more, *array, *n * size);
		*array = more;
	}
	return (char *)*array + (*n)++ * size;
}

void
read_origin(struct reader *r, const void *field, unsigned line)
{
	struct origin *o = arena_alloc(r->a, sizeof *o);

	if (o == NULL)
		return;
	*o = (struct origin){ field, line, r->cfg->origins->first };
	r->cfg->origins->first = o;
}

static const char *
range_text(const struct setting *s, uint64_t v, struct buf *b)
{
	if (s->max == 0 || (v >= s->min && v <= s->max))
		return NULL;
	buf_puts(b, "is out of range (");
	for (unsigned i = 0; i < 2; i++) {
		uint64_t n = i == 0 ? s->min : s->max;

		if (s->type == SET_MS)
			format_ms(b, (int64_t)n);
		else if (s->type == SET_BYTES)
			format_bytes(b, n);
		else
			buf_putu(b, n);
		if (i == 0)
			buf_puts(b, " to ");
	}
	buf_puts(b, ")");
	buf_putc(b, '\0');
	return b->failed ? "is out of range" : b->p;
}

static const char *
read_number(const struct setting *s, struct str word, void *at, struct buf *b)
{
	uint64_t u = 0;
	int64_t ms = 0;
	const char *bad;

	if (s->type == SET_MS)
		bad = value_ms(word, &ms);
	else if (s->type == SET_BYTES)
		bad = value_bytes(word, &u);
	else
		bad = value_count(word, &u);
	if (bad == NULL)
		bad = range_text(s, s->type == SET_MS ? (uint64_t)ms : u, b);
	if (bad != NULL)
		return bad;
	if (s->type == SET_MS)
		*(int64_t *)at = ms;
	else
		*(uint64_t *)at = u;
	return NULL;
}

static const char *
read_choice(const struct setting *s, struct str word, unsigned *at)
{
	for (unsigned i = 0; s->words[i] != NULL; i++)
		if (str_ieq(word, str_of(s->words[i]))) {
			*at = i;
			return NULL;
		}
	return "is none of the words this setting takes";
}

static const char *
read_line_text(struct str word, struct str *out)
{
	for (size_t i = 0; i < word.n; i++)
		if (ascii_iscntrl(word.p[i]))
			return "holds a control character";
	if (word.n > 400)
		return "is too long";
	*out = word;
	return NULL;
}

/* One value of a simple type into its field; b has room for the text of a mistake. */
static const char *
read_value(struct reader *r, const struct setting *s, struct str word, void *at, struct buf *b)
{
	switch (s->type) {
	case SET_COUNT:
	case SET_BYTES:
	case SET_MS:
		return read_number(s, word, at, b);
	case SET_BOOL:
		return value_bool(word, at);
	case SET_DOMAIN:
		return value_domain(word, r->a, at);
	case SET_PATH:
		return value_path(word, r->dir, r->a, at);
	case SET_TEXT:
		return read_line_text(word, at);
	case SET_WORD:
		return read_choice(s, word, at);
	case SET_OWN:
		break;
	}
	return "cannot be read";
}

static void
read_simple(struct reader *r, const struct setting *s, const struct node *n, void *base)
{
	char *at = (char *)base + s->offset;
	struct buf b;

	if (n->nword != 2 || n->block) {
		read_error(r, &n->word[0], "'%s' takes one value%s", s->name,
		    n->block ? ", no block" : "");
		return;
	}
	buf_init(&b, 256);
	if (read_ok(r, &n->word[1], read_value(r, s, n->word[1].s, at, &b)))
		read_origin(r, at, n->word[0].line);
	buf_done(&b);
}

static const struct setting *
setting_find(const struct block *b, struct str name)
{
	for (size_t i = 0; i < b->nset; i++)
		if (str_eq(name, str_of(b->set[i].name)))
			return &b->set[i];
	return NULL;
}

static void
read_unknown(struct reader *r, const struct block *b, const struct word *w)
{
	struct suggestion s = { .word = w->s };
	char text[128];

	for (size_t i = 0; i < b->nset; i++)
		suggest_try(&s, str_of(b->set[i].name));
	if (suggest_text(&s, text)[0] == '\0')		/* perhaps it belongs elsewhere */
		for (size_t i = 0; blocks_all[i] != NULL; i++)
			if (blocks_all[i] != b && setting_find(blocks_all[i], w->s) != NULL)
				(void)snprintf(text, sizeof text, "; it belongs %s%s%s",
				    blocks_all[i]->name[0] ? "inside '" : "at the top of the file",
				    blocks_all[i]->name, blocks_all[i]->name[0] ? "'" : "");
	read_error(r, w, "unknown word '" STR_F "'%s%s%s%s", (int)MIN(w->s.n, (size_t)60), w->s.p,
	    b->name[0] ? " in '" : "", b->name, b->name[0] ? "'" : "", text);
}

void
block_read(struct reader *r, const struct block *b, const struct node *n, void *base)
{
	unsigned seen[96] = {};

	_Static_assert(sizeof seen / sizeof *seen >= 80, "room for the longest block");
	for (; n != NULL; n = n->next) {
		const struct setting *s = setting_find(b, n->word[0].s);

		if (s == NULL) {
			read_unknown(r, b, &n->word[0]);
			continue;
		}
		size_t i = (size_t)(s - b->set);

		if (i < COUNT(seen) && seen[i] != 0 && !s->many) {
			read_error(r, &n->word[0], "'%s' was already given in line %u", s->name,
			    seen[i]);
			continue;
		}
		if (i < COUNT(seen))
			seen[i] = n->word[0].line;
		if (s->type == SET_OWN)
			s->take(r, n, base);
		else
			read_simple(r, s, n, base);
	}
}

/* A default is written in the table as a user would write it. */
static void
own_default(struct reader *r, const struct setting *s, void *base)
{
	struct conf_errors none = {};
	struct conf_errors *errs = r->errs;
	char line[200];

	(void)snprintf(line, sizeof line, "%s %s", s->name, s->dflt);
	const struct str text = str_dup(r->a, str_of(line));
	const struct node *n = lex_parse(text, r->a, &none);

	r->errs = &none;
	if (n != NULL)
		s->take(r, n, base);
	r->errs = errs;
	conf_errors_done(&none);
}

void
block_defaults(struct reader *r, const struct block *b, void *base)
{
	struct buf text;

	for (size_t i = 0; i < b->nset; i++) {
		const struct setting *s = &b->set[i];

		if (s->dflt == NULL)
			continue;
		if (s->type == SET_OWN) {
			own_default(r, s, base);
			continue;
		}
		buf_init(&text, 256);
		if (read_value(r, s, str_of(s->dflt), (char *)base + s->offset, &text) != NULL)
			conf_error_add(r->errs, 0, 0, "bad default of '%s'", s->name);
		buf_done(&text);
	}
}

bool
setting_format(const struct setting *s, const void *base, struct buf *out)
{
	const void *at = (const char *)base + s->offset;

	switch (s->type) {
	case SET_COUNT:
		return buf_putu(out, *(const uint64_t *)at);
	case SET_BYTES:
		format_bytes(out, *(const uint64_t *)at);
		return true;
	case SET_MS:
		format_ms(out, *(const int64_t *)at);
		return true;
	case SET_BOOL:
		return buf_put(out, *(const bool *)at ? STR("yes") : STR("no"));
	case SET_DOMAIN:
	case SET_PATH:
	case SET_TEXT:
		return buf_put(out, *(const struct str *)at);
	case SET_WORD:
		return buf_put(out, str_of(s->words[*(const unsigned *)at]));
	case SET_OWN:
		break;
	}
	return false;
}
