/* SPDX-License-Identifier: ISC */
/*
 * outcome: see outcome.h.
 */
#include "smtpc/outcome.h"

#include "base/num.h"

static struct str
digits(char *p, unsigned c, unsigned s, unsigned d)
{
	size_t n = 0;

	n += num_format_u64(c, p + n);
	p[n++] = '.';
	n += num_format_u64(s, p + n);
	p[n++] = '.';
	n += num_format_u64(d, p + n);
	return (struct str){ p, n };
}

struct str
outcome_status(const struct reply_in *r, struct arena *a)
{
	unsigned class = r->code / 100;
	char text[64];

	if (class != 2 && class != 4)
		class = 5;
	/* RFC 3463 2: the first digit must agree with the reply's; the reply code decides. */
	if (r->c != class)
		return str_dup(a, digits(text, class, r->c ? r->s : 0, r->c ? r->d : 0));
	return str_dup(a, digits(text, r->c, r->s, r->d));
}

struct str
outcome_words(const struct reply_in *r, struct arena *a)
{
	char code[3] = { (char)('0' + r->code / 100), (char)('0' + r->code / 10 % 10),
	    (char)('0' + r->code % 10) };
	struct str text = reply_read_text(r, a, OUTCOME_TEXT_MAX - 40);
	char enhanced[64];

	if (!r->c)
		return str_cat(a, (struct str){ code, 3 }, STR(" "), text);
	return str_cat(a, (struct str){ code, 3 }, STR(" "), digits(enhanced, r->c, r->s, r->d),
	    STR(" "), text);
}

struct trouble
outcome_refused(const struct reply_in *r, enum out_class class, struct str mta, struct arena *a)
{
	struct trouble t = { .kind = r->code >= 500 ? OUT_PERM : OUT_TEMP, .class = class,
	    .status = outcome_status(r, a), .text = outcome_words(r, a), .mta = mta };

	if (class == CLASS_RCPT && ((r->c && r->s == 2 && r->d == 2) || r->code == 552 ||
	    (r->code == 452 && !r->c)))
		t.class = CLASS_QUOTA;
	return t;
}

struct outcome
outcome_of(uint32_t idx, const struct trouble *t)
{
	return (struct outcome){ .idx = idx, .kind = t->kind, .class = t->class,
	    .status = t->status, .reply = t->text, .mta = t->mta };
}
