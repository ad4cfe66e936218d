/* SPDX-License-Identifier: ISC */
/*
 * text_decode: encoded-words of RFC 2047 in running text.
 *
 * Lenient about white space inside an encoded-word, because folding inside is common; charsets
 * beyond ASCII, UTF-8 and Latin-1 are decoded when what they hold is ASCII, else left as written.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"
#include "mail/addr.h"
#include "mail/text.h"

struct encoded_word {
	struct str charset, text;
	char encoding;			/* 'q' or 'b' */
	size_t n;			/* octets of the whole */
};

/* "=?" charset ["*" lang] "?" encoding "?" text "?="; at most this long, folding included */
enum { WORD_MAX = 2048 };

static bool
find_word(struct str s, struct encoded_word *w)
{
	size_t i = 2;

	if (!str_starts(s, STR("=?")))
		return false;
	while (i < s.n && ascii_isgraph(s.p[i]) && s.p[i] != '?' && i < 64)
		i++;
	if (i + 3 > s.n || i == 2 || s.p[i] != '?' || s.p[i + 2] != '?')
		return false;
	w->charset = str_sub(s, 2, i - 2);
	w->charset = str_split(&w->charset, '*');		/* RFC 2231 5: language */
	w->encoding = ascii_lower(s.p[i + 1]);
	w->text = str_sub(s, i + 3, WORD_MAX);
	for (size_t k = 0; k + 1 < w->text.n; k++) {
		if (w->text.p[k] == '?' && w->text.p[k + 1] == '=') {
			w->text.n = k;
			w->n = i + 3 + k + 2;
			return w->encoding == 'q' || w->encoding == 'b';
		}
	}
	return false;
}

size_t
text_word(struct str s)
{
	struct encoded_word w;

	return find_word(s, &w) ? w.n : 0;
}

static int
base64_value(char ch)
{
	if (ascii_isupper(ch))
		return ch - 'A';
	if (ascii_islower(ch))
		return ch - 'a' + 26;
	if (ascii_isdigit(ch))
		return ch - '0' + 52;
	return ch == '+' ? 62 : ch == '/' ? 63 : -1;
}

static void
put_base64(struct buf *b, struct str text)
{
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
		int v = base64_value(text.p[i]);

		if (v < 0)
			continue;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_putc(b, (char)(bits >> have & 0xff));
		}
	}
}

static void
put_q(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char ch = text.p[i];

		if (ch == '=' && i + 2 < text.n && ascii_xval(text.p[i + 1]) >= 0 &&
		    ascii_xval(text.p[i + 2]) >= 0) {
			ch = (char)(ascii_xval(text.p[i + 1]) << 4 |
				    ascii_xval(text.p[i + 2]));
			i += 2;
		} else if (ch == '\n') {		/* a fold, with blanks */
			while (i + 1 < text.n && ascii_iswsp(text.p[i + 1]))
				i++;
			continue;
		} else if (ch == '\r') {
			continue;
		} else if (ch == '_') {
			ch = ' ';
		}
		buf_putc(b, ch);
	}
}

bool
text_to_utf8(struct str charset, struct str in, struct buf *out)
{
	if (str_ieq(charset, STR("utf-8")) || str_ieq(charset, STR("utf8")))
		return utf8_valid(in) && buf_put(out, in);
	if (str_ieq(charset, STR("iso-8859-1")) || str_ieq(charset, STR("latin1"))) {
		for (size_t i = 0; i < in.n; i++)
			if (!utf8_put(out, (unsigned char)in.p[i]))
				return false;
		return true;
	}
	/* Escape sequences and '+' change the meaning of ASCII octets in these. */
	if (str_istarts(charset, STR("iso-2022")) || str_istarts(charset, STR("utf-")) ||
	    str_istarts(charset, STR("hz")))
		return false;
	return utf8_is_ascii(in) && buf_put(out, in);
}

/* Decodes into out; false leaves out as it was. */
static bool
decode_word(const struct encoded_word *w, const struct text_rules *rules, struct buf *out)
{
	struct buf raw = { .cap = w->text.n + 1, .max = w->text.n + 1 };
	size_t before = out->n;
	bool (*convert)(struct str, struct str, struct buf *) =
		rules->to_utf8 != NULL ? rules->to_utf8 : text_to_utf8;

	raw.p = rules->scratch;
	if (w->encoding == 'b')
		put_base64(&raw, w->text);
	else
		put_q(&raw, w->text);
	if (convert(w->charset, buf_str(&raw), out))
		return true;
	out->n = before;
	return false;
}

/* Moves over a fold: CRLF and the blanks around it; true when there was a line end. */
static bool
skip_fold(struct str s, size_t *i)
{
	size_t k = *i;
	bool fold = false;

	while (k < s.n && ascii_isspace(s.p[k])) {
		fold |= s.p[k] == '\n' || s.p[k] == '\r';
		k++;
	}
	if (fold)
		*i = k;
	return fold;
}

static void
drop_blanks(struct buf *b, size_t floor)
{
	while (b->n > floor && ascii_iswsp(b->p[b->n - 1]))
		b->n--;
}

static struct str
decode_slowly(struct str value, const struct text_rules *given, struct arena *a)
{
	/* Latin-1 doubles at most; a converter may triple. */
	size_t cap = 4 * value.n + 16, word_end = 0;
	struct text_rules rules = *given;
	struct buf b = { .p = arena_alloc(a, cap), .cap = cap, .max = cap };
	bool after_word = false;

	rules.scratch = arena_alloc(a, MIN(value.n, (size_t)WORD_MAX) + 16);
	if (b.p == NULL || rules.scratch == NULL)
		return (struct str){};
	for (size_t i = 0; i < value.n && !b.failed;) {
		struct encoded_word w;
		size_t keep = b.n;

		if (value.p[i] == '=' && find_word(str_skip(value, i), &w)) {
			/* 6.2: white space between two encoded-words is not shown */
			if (after_word)
				drop_blanks(&b, word_end);
			else if (b.n > 0 && !ascii_iswsp(b.p[b.n - 1]))
				buf_putc(&b, ' ');
			if (decode_word(&w, &rules, &b)) {
				i += w.n;
				after_word = true;
				word_end = b.n;
				continue;
			}
			b.n = keep;
		}
		if (skip_fold(value, &i)) {
			drop_blanks(&b, 0);
			if (b.n > 0)
				buf_putc(&b, ' ');
			continue;
		}
		after_word &= ascii_iswsp(value.p[i]);
		buf_putc(&b, value.p[i++]);
	}
	return str_trim(buf_str(&b));
}

struct str
text_decode_with(struct str value, const struct text_rules *rules, struct arena *a)
{
	if (str_find(value, STR("=?")) < 0 && str_chr(value, '\n') < 0 && str_chr(value, '\r') < 0)
		return str_trim(value);
	return decode_slowly(value, rules, a);
}

struct str
text_decode(struct str value, struct arena *a)
{
	struct text_rules none = {};

	return text_decode_with(value, &none, a);
}
