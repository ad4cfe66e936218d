/* SPDX-License-Identifier: ISC */
/*
 * target: the right side of an alias.
 *
 * A comma outside quotes ends a target.  Quotes around a whole target are taken off ("|prog args");
 * inside an address ("a b"@example.org) they belong to it.  Owns nothing beyond a call.
 */
#include "base/num.h"
#include "table/target.h"

enum { TARGETS_MAX = 100'000, TEXT_MAX = 1024 };

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* One target up to a comma outside quotes. */
static bool
take_one(struct cur *c, struct str *out, struct perr *err)
{
	const char *from = c->p;
	bool quoted = false;

	for (; c->p < c->end && (quoted || *c->p != ','); c->p++) {
		if (*c->p == '"')
			quoted = !quoted;
		else if (*c->p == '\\' && quoted && c->p + 1 < c->end)
			c->p++;
		else if (*c->p == '\0' || ((unsigned char)*c->p < ' ' && !is_blank(*c->p)))
			return perr_set(err, c, "control character");
		else if (quoted && *c->p == '\n')
			return perr_set(err, c, "line end in quotes");
	}
	if (quoted)
		return perr_set(err, c, "missing '\"'");
	*out = trim((struct str){ from, (size_t)(c->p - from) });
	return true;
}

/* "..." around all of it, with nothing quoted apart inside */
static bool
unquote(struct str *s, char room[TEXT_MAX])
{
	size_t n = 0;

	if (s->n < 2 || s->p[0] != '"' || s->p[s->n - 1] != '"' || s->n > TEXT_MAX)
		return false;
	for (size_t i = 1; i < s->n - 1; i++) {
		if (s->p[i] == '"')
			return false;
		if (s->p[i] == '\\' && i + 1 < s->n - 1)
			i++;
		room[n++] = s->p[i];
	}
	*s = (struct str){ room, n };
	return true;
}

static bool
address_plausible(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (is_blank(s.p[i]) || strchr("<>()[]:;,|", s.p[i]) != NULL)) {
			ssize_t at = str_rchr(s, '@');		/* user@[192.0.2.1] */

			if (is_blank(s.p[i]) || at < 0 || i < (size_t)at)
				return false;
		}
	}
	return s.n > 0 && s.p[0] != '@' && s.p[s.n - 1] != '@';
}

void
target_error_text(struct str s, struct buf *out)
{
	struct str status = {}, code = {};
	size_t word = 0;

	s = trim(s);
	while (word < s.n && s.p[word] != ':' && s.p[word] != '"' && !is_blank(s.p[word]))
		word++;
	if (word > 4 && s.p[1] == '.' && ascii_isdigit(s.p[0])) {
		status = str_sub(s, 0, word);
		s = trim(str_skip(s, word + 1));
	} else if (word > 0 && ascii_isalpha(s.p[0]) && word < s.n && s.p[word] != '"') {
		struct str name = str_sub(s, 0, word);		/* sendmail's words */

		status = str_ieq(name, STR("nouser")) ? STR("5.1.1") :
		    str_ieq(name, STR("nohost")) ? STR("5.1.2") :
		    str_ieq(name, STR("tempfail")) ? STR("4.0.0") :
		    str_ieq(name, STR("unavailable")) ? STR("5.5.0") : (struct str){};
		if (status.n > 0)
			s = trim(str_skip(s, word + 1));
	}
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = trim(str_sub(s, 1, s.n - 2));
	if (s.n >= 3 && (s.p[0] == '4' || s.p[0] == '5') && ascii_isdigit(s.p[1]) &&
	    ascii_isdigit(s.p[2]) && (s.n == 3 || is_blank(s.p[3]))) {
		code = str_sub(s, 0, 3);
		s = trim(str_skip(s, 3));
	}
	buf_put(out, code.n ? code : status.n && status.p[0] == '4' ? STR("450") : STR("550"));
	if (status.n > 0)
		buf_putc(out, ' ');
	buf_put(out, status);
	if (s.n > 0)
		buf_putc(out, ' ');
	for (size_t i = 0; i < s.n; i++)		/* one line, whatever was written */
		buf_putc(out, ascii_iscntrl(s.p[i]) ? ' ' : s.p[i]);
}

static void
put_target(struct buf *out, enum target_kind kind, struct str text)
{
	char head[5];

	head[0] = (char)kind;
	put_le32(head + 1, (uint32_t)text.n);
	buf_put(out, (struct str){ head, sizeof head });
	buf_put(out, text);
}

static bool
put_error(struct buf *out, struct str s)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	target_error_text(s, &text);
	if (!text.failed)
		put_target(out, TARGET_ERROR, buf_str(&text));
	buf_done(&text);
	return !out->failed;
}

static bool
classify(struct cur *c, struct str s, struct buf *out, struct perr *err)
{
	char room[TEXT_MAX];
	struct str whole = s;
	bool quoted;

	if (s.n > TEXT_MAX)
		return perr_set(err, c, "target too long");
	if (str_istarts(s, STR("error:")))
		return put_error(out, str_skip(s, 6)) || perr_set(err, c, "too long");
	quoted = unquote(&s, room);
	if (str_starts(s, STR("|"))) {
		s = trim(str_skip(s, 1));
		if (s.n == 0)
			return perr_set(err, c, "'|' without a program");
		put_target(out, TARGET_PROGRAM, s);
	} else if (str_starts(s, STR("/"))) {
		put_target(out, TARGET_FILE, s);
	} else if (str_istarts(s, STR(":include:"))) {
		s = trim(str_skip(s, 9));
		if (s.n == 0 || s.p[0] != '/')
			return perr_set(err, c, ":include: needs an absolute path");
		put_target(out, TARGET_INCLUDE, s);
	} else if (!quoted && s.n > 1 && s.p[0] == '\\') {
		if (!address_plausible(str_skip(s, 1)))
			return perr_set(err, c, "not an address");
		put_target(out, TARGET_EXACT, str_skip(s, 1));
	} else {
		if (s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
			whole = s = str_sub(s, 1, s.n - 2);
		if (quoted ? s.n == 0 : !address_plausible(s))
			return perr_set(err, c, "not an address");
		put_target(out, TARGET_ADDRESS, quoted ? whole : s);
	}
	return true;
}

bool
targets_parse(struct str list, struct buf *out, struct perr *err)
{
	struct cur c = cur_of(list);
	size_t from = out->n;

	for (unsigned n = 0; n < TARGETS_MAX; n++) {
		struct str one;

		if (!take_one(&c, &one, err))
			break;
		if (one.n > 0 && !classify(&c, one, out, err))
			break;
		if (out->failed) {
			(void)perr_set(err, &c, "list too long");
			break;
		}
		if (c.p == c.end)
			return true;
		c.p++;						/* the comma */
	}
	if (err->what == NULL)
		(void)perr_set(err, &c, "list too long");
	out->n = from;
	return false;
}

bool
targets_next(struct str *packed, struct target *out)
{
	uint32_t n;

	if (packed->n < 5)
		return false;
	n = get_le32(packed->p + 1);
	if ((unsigned char)packed->p[0] > TARGET_ERROR || n > packed->n - 5)
		return false;
	*out = (struct target){ (enum target_kind)packed->p[0], str_sub(*packed, 5, n) };
	*packed = str_skip(*packed, 5 + (size_t)n);
	return true;
}
