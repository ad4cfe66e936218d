/* SPDX-License-Identifier: ISC */
/*
 * policy_wire: see policy_wire.h.
 */
#include "smtpd/policy_wire.h"

#include "base/num.h"
#include "mail/header.h"
#include "smtpd/milter_wire.h"

enum { TEXT_MAX = 400 };

void
policy_put(struct buf *b, const char *name, struct str value)
{
	(void)buf_put(b, str_of(name));
	(void)buf_putc(b, '=');
	for (size_t i = 0; i < value.n; i++)
		(void)buf_putc(b, ascii_iscntrl(value.p[i]) ? '?' : value.p[i]);
	(void)buf_putc(b, '\n');
}

void
policy_put_u(struct buf *b, const char *name, uint64_t value)
{
	(void)buf_put(b, str_of(name));
	(void)buf_putc(b, '=');
	(void)buf_putu(b, value);
	(void)buf_putc(b, '\n');
}

/* The first word, and *rest moves to what follows it. */
static struct str
take_word(struct str *rest)
{
	struct str s = str_trim(*rest);
	size_t n = 0;

	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	*rest = str_trim(str_skip(s, n));
	return str_sub(s, 0, n);
}

static struct reply
refusal(unsigned code, struct str text)
{
	struct reply r = { .code = code, .c = code / 100, .s = 7, .d = 1 };

	r.text = text.n > 0 ? str_sub(text, 0, TEXT_MAX) :
	    code >= 500 ? STR("refused by policy") : STR("try again later");
	return r;
}

/* "450 4.7.1 later": the same text that a milter's reply is. */
static bool
read_numbered(struct str action, struct arena *a, struct policy_answer *out)
{
	out->what = POLICY_REFUSE;
	if (!milter_reply_read(action, a, &out->reply))
		return false;
	if (out->reply.c == 0)
		out->reply = refusal(out->reply.code, out->reply.text);
	return true;
}

/* PREPEND Name: value */
static bool
read_field(struct str text, struct policy_answer *out)
{
	ssize_t colon = str_chr(text, ':');

	out->what = POLICY_PREPEND;
	if (colon < 1)
		return false;
	out->name = str_trim(str_sub(text, 0, (size_t)colon));
	out->text = str_trim(str_skip(text, (size_t)colon + 1));
	return field_name_valid(out->name);
}

bool
policy_answer_read(struct str action, struct arena *a, struct policy_answer *out)
{
	static const struct { const char *word; enum policy_what what; unsigned code; } words[] = {
		{ "DUNNO", POLICY_NOTHING, 0 }, { "OK", POLICY_NOTHING, 0 },
		{ "WARN", POLICY_NOTHING, 0 }, { "INFO", POLICY_NOTHING, 0 },
		{ "DEFER_IF_REJECT", POLICY_NOTHING, 0 },	/* nobody was to be refused */
		{ "REJECT", POLICY_REFUSE, 550 }, { "DEFER", POLICY_REFUSE, 450 },
		{ "DEFER_IF_PERMIT", POLICY_REFUSE, 450 },
		{ "HOLD", POLICY_HOLD, 0 }, { "DISCARD", POLICY_DISCARD, 0 },
	};
	struct str rest = action, word = take_word(&rest);

	*out = (struct policy_answer){};
	for (size_t i = 0; i < action.n; i++)
		if (ascii_iscntrl(action.p[i]) && action.p[i] != '\t')
			return false;
	if (word.n > 0 && ascii_isdigit(word.p[0]))
		return read_numbered(str_trim(action), a, out);
	if (str_ieq(word, STR("PREPEND")))
		return read_field(rest, out);
	for (size_t i = 0; i < COUNT(words); i++) {
		if (!str_ieq(word, str_of(words[i].word)))
			continue;
		out->what = words[i].what;
		out->text = rest;
		if (out->what == POLICY_REFUSE)
			out->reply = refusal(words[i].code, rest);
		return true;
	}
	return false;
}
