/* SPDX-License-Identifier: ISC */
/*
 * date_guess: a date out of a text that is no RFC 5322 date, for diagnosis only.
 *
 * Reads the parts in the usual order: day, month by name or number, year, hour, minute, second,
 * zone; a sign jumps to the zone; words, commas and comments are passed over.
 */
#include "base/ascii.h"
#include "mail/date.h"

enum { DAY, MONTH, YEAR, HOUR, MINUTE, SECOND, ZONE, PARTS };

/* Passes what separates the parts; stops at a digit, sign or letter. */
static void
skip_noise(struct cur *c)
{
	unsigned depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '(')
			depth++;
		else if (depth > 0)
			depth -= *c->p == ')';
		else if (ascii_isalnum(*c->p) || *c->p == '+' || *c->p == '-')
			return;
	}
}

static int
month_of(struct str word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; i < 12; i++)
		if (str_istarts(word, str_from(names + 3 * i, 3)))
			return i + 1;
	return 0;
}

static bool
put_part(int *v, unsigned *at, struct cur *c, bool *minus)
{
	struct str word;
	uint32_t number;

	if (cur_peek(c) == '+' || cur_peek(c) == '-') {
		*minus = cur_peek(c) == '-';
		*at = ZONE;
		c->p++;
		return true;
	}
	if (take_u32(c, *at == ZONE ? 4 : *at == YEAR ? 4 : 2, &number)) {
		v[(*at)++] = (int)number;
		while (c->p < c->end && ascii_isdigit(*c->p))
			c->p++;
		return true;
	}
	if (!take_while(c, ascii_isalpha, &word)) {
		c->p += c->p < c->end;
		return true;
	}
	if (*at == MONTH)
		v[(*at)++] = month_of(word);
	return *at <= MONTH || v[MONTH] != 0;
}

bool
date_guess(struct str text, struct date *out)
{
	ssize_t semi = str_rchr(text, ';');
	struct cur c = cur_of(str_skip(text, (size_t)(semi + 1)));
	int v[PARTS] = {};
	unsigned at = DAY;
	bool minus = false;

	for (skip_noise(&c); c.p < c.end && at < PARTS; skip_noise(&c))
		if (!put_part(v, &at, &c, &minus))
			return false;
	if (at < SECOND || v[MONTH] < 1 || v[MONTH] > 12 || v[DAY] < 1 || v[DAY] > 31)
		return false;
	*out = (struct date){
		.year = v[YEAR] < 50 ? v[YEAR] + 2000 : v[YEAR] < 100 ? v[YEAR] + 1900 : v[YEAR],
		.month = v[MONTH], .day = v[DAY],
		.hour = v[HOUR], .minute = v[MINUTE], .second = v[SECOND],
		.zone = (v[ZONE] / 100 * 60 + v[ZONE] % 100) * (minus ? -1 : 1),
		.obsolete = true,
	};
	return true;
}
