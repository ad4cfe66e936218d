/* SPDX-License-Identifier: ISC */
/*
 * errors: collecting mistakes, and guessing what was meant.
 *
 * Suggestions use the restricted Damerau distance over the first 40 characters: settings have short
 * names, and a longer word is no misspelling of one.  Memory: heap, owned by struct conf_errors.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "conf/errors.h"

enum { TEXT_MAX = 512, WORD_MAX = 40 };

static bool
errors_grow(struct conf_errors *errs)
{
	size_t cap = errs->cap ? errs->cap * 2 : 8;
	struct conf_error *e = reallocarray(errs->e, cap, sizeof *e);

	if (e == NULL)
		abort();
	errs->e = e;
	errs->cap = cap;
	return true;
}

void
conf_error_add(struct conf_errors *errs, unsigned line, unsigned col, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	if (errs->n > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (errs->n == ERRORS_MAX)
		n = snprintf(text, sizeof text, "more than %d mistakes; the rest is not shown",
		    (int)ERRORS_MAX);
	if (n < 0)
		return;
	if (errs->n == errs->cap)
		errors_grow(errs);

	size_t len = MIN((size_t)n, sizeof text - 1);
	char *copy = malloc(len + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (size_t i = 0; i < len; i++)		/* what was quoted may hold anything */
		if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
			copy[i] = '?';
	errs->e[errs->n++] = (struct conf_error){ line, col, { copy, len } };
}

void
conf_errors_done(struct conf_errors *errs)
{
	for (size_t i = 0; i < errs->n; i++)
		free((void *)(uintptr_t)errs->e[i].text.p);
	free(errs->e);
	*errs = (struct conf_errors){};
}

static int
by_place(const void *va, const void *vb)
{
	const struct conf_error *a = va, *b = vb;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->col != b->col)
		return a->col < b->col ? -1 : 1;
	return a < b ? -1 : a > b;
}

void
conf_errors_sort(struct conf_errors *errs)
{
	if (errs->n > 1)
		qsort(errs->e, errs->n, sizeof *errs->e, by_place);
}

unsigned
conf_distance(struct str a, struct str b)
{
	unsigned row[3][WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= b.n; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			char ca = ascii_lower(a.p[i - 1]), cb = ascii_lower(b.p[j - 1]);
			unsigned best = MIN(up[j] + 1, now[j - 1] + 1);

			best = MIN(best, up[j - 1] + (ca == cb ? 0 : 1));
			if (i > 1 && j > 1 && ca == ascii_lower(b.p[j - 2]) &&
			    ascii_lower(a.p[i - 2]) == cb)
				best = MIN(best, up2[j - 2] + 1);
			now[j] = best;
		}
	}
	return row[a.n % 3][b.n];
}

void
suggest_try(struct suggestion *s, struct str candidate)
{
	unsigned edits = conf_distance(s->word, candidate);

	/* A name cut short, or with a word too many, is meant too: "size" for "message-size". */
	if (edits > 2 && s->word.n >= 4 && candidate.n > s->word.n &&
	    (str_istarts(candidate, s->word) || str_iends(candidate, s->word)))
		edits = 3;
	if (s->best.n == 0 || edits < s->edits) {
		s->best = candidate;
		s->edits = edits;
	}
}

const char *
suggest_text(const struct suggestion *s, char out[128])
{
	unsigned far = s->word.n <= 3 ? 1 : s->word.n <= 6 ? 2 : 3;

	out[0] = '\0';
	if (s->best.n > 0 && s->edits <= far)
		(void)snprintf(out, 128, ", did you mean '" STR_F "'?", STR_A(s->best));
	return out;
}
