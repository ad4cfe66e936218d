/* SPDX-License-Identifier: ISC */
/*
 * lex: characters to words, words to statements.
 *
 * Recursion is over blocks and bounded by DEPTH_MAX.  After a mistake reading goes on with the
 * next statement, so that one run shows all of them.  Memory: the arena of the snapshot.
 */
#include <string.h>

#include "base/utf8.h"
#include "conf/errors.h"
#include "conf/lex.h"

enum { DEPTH_MAX = 6, WORDS_MAX = 256 };

enum token { TOK_WORD, TOK_OPEN, TOK_CLOSE, TOK_NEWLINE, TOK_END };

struct lexer {
	const char *p, *end, *line_start;
	unsigned line;
	struct arena *a;
	struct conf_errors *errs;
	struct word word;		/* of the last TOK_WORD; place of any other token */
};

static unsigned
column(const struct lexer *l, const char *at)
{
	return (unsigned)(at - l->line_start) + 1;
}

static void
next_line(struct lexer *l)
{
	l->p++;
	l->line++;
	l->line_start = l->p;
}

/* Blanks, comments, a backslash that joins lines; control characters are a mistake and skipped. */
static void
skip_blank(struct lexer *l)
{
	for (; l->p < l->end; ) {
		if (*l->p == ' ' || *l->p == '\t' || *l->p == '\r') {
			l->p++;
		} else if (*l->p == '\\' && l->p + 1 < l->end && l->p[1] == '\n') {
			l->p++;
			next_line(l);
		} else if (*l->p == '#') {
			while (l->p < l->end && *l->p != '\n')
				l->p++;
		} else if (((unsigned char)*l->p < 0x20 && *l->p != '\n') || *l->p == 0x7f) {
			conf_error_add(l->errs, l->line, column(l, l->p),
			    "control character \\x%02x", (unsigned)(unsigned char)*l->p);
			l->p++;
		} else {
			return;
		}
	}
}

static void
take_quoted_word(struct lexer *l)
{
	const char *from = ++l->p;
	const char *eol = memchr(from, '\n', (size_t)(l->end - from));
	size_t max = (size_t)((eol ? eol : l->end) - from), n = 0;
	char *out = arena_alloc(l->a, max + 1);

	while (l->p < l->end && *l->p != '"' && *l->p != '\n') {
		if (*l->p == '\\' && l->p + 1 < l->end && l->p[1] != '\n')
			l->p++;
		if (out != NULL && n < max)
			out[n++] = *l->p;
		l->p++;
	}
	if (l->p < l->end && *l->p == '"')
		l->p++;
	else
		conf_error_add(l->errs, l->line, column(l, from - 1),
		    "string without its closing '\"'");
	if (out == NULL)
		n = 0;
	l->word.s = (struct str){ out, n };
	l->word.quoted = true;
}

static void
take_plain_word(struct lexer *l)
{
	const char *from = l->p;
	unsigned open = 0;

	for (; l->p < l->end; l->p++) {
		unsigned char c = (unsigned char)*l->p;

		if (c <= ' ' || c == ';' || c == '"' || c == 0x7f)
			break;
		if (c == '{')
			open++;
		if (c == '}' && open-- == 0)
			break;
	}
	l->word.s = (struct str){ from, (size_t)(l->p - from) };
	if (l->word.s.n > 1 && from[l->word.s.n - 1] == '{')
		conf_error_add(l->errs, l->line, column(l, l->p - 1), "put a blank before '{'");
}

/* "{user}" begins a word, "{" a block. */
static bool
at_variable(const struct lexer *l)
{
	const char *p = l->p + 1;

	while (p < l->end && ascii_islower(*p))
		p++;
	return p > l->p + 1 && p < l->end && *p == '}';
}

static enum token
take_token(struct lexer *l)
{
	skip_blank(l);
	l->word = (struct word){ .line = l->line, .col = column(l, l->p) };
	if (l->p == l->end)
		return TOK_END;
	switch (*l->p) {
	case '\n':
		next_line(l);
		return TOK_NEWLINE;
	case ';':
		l->p++;
		return TOK_NEWLINE;
	case '{':
		if (at_variable(l))
			break;
		l->p++;
		return TOK_OPEN;
	case '}':
		l->p++;
		return TOK_CLOSE;
	case '"':
		take_quoted_word(l);
		return TOK_WORD;
	default:
		break;
	}
	take_plain_word(l);
	return TOK_WORD;
}

static bool
node_close(struct lexer *l, struct node *n, const struct word *words, size_t nword)
{
	n->word = arena_alloc(l->a, nword * sizeof *n->word);
	if (n->word == NULL)
		return false;
	memcpy(n->word, words, nword * sizeof *n->word);
	n->nword = nword;
	return true;
}

static struct node *take_block(struct lexer *l, unsigned depth, struct word *scratch);

/* One statement whose first word has been read.  *closed: it ended with the block's brace. */
static struct node *
take_statement(struct lexer *l, unsigned depth, struct word *words, bool *closed)
{
	struct node *n = arena_zalloc(l->a, sizeof *n);
	size_t nword = 0;
	enum token t = TOK_WORD;

	if (n == NULL)
		return NULL;
	for (; t == TOK_WORD; t = take_token(l)) {
		if (nword < WORDS_MAX)
			words[nword++] = l->word;
		else
			conf_error_add(l->errs, l->word.line, l->word.col, "too many words");
	}
	if (!node_close(l, n, words, nword))
		return NULL;
	if (t == TOK_OPEN) {
		n->block = true;
		if (depth >= DEPTH_MAX)
			conf_error_add(l->errs, l->word.line, l->word.col, "blocks too deep");
		n->child = take_block(l, depth + 1, words);
	}
	*closed = t == TOK_CLOSE;
	return n;
}

/* Statements up to the closing brace (depth > 0) or the end of the text. */
static struct node *
take_block(struct lexer *l, unsigned depth, struct word *scratch)
{
	struct node *first = NULL, **tail = &first;
	unsigned line = l->word.line, col = l->word.col;
	bool closed = false;

	if (depth > DEPTH_MAX)
		return NULL;
	while (!closed) {
		enum token t = take_token(l);

		if (t == TOK_END)
			break;
		if (t == TOK_NEWLINE)
			continue;
		if (t == TOK_CLOSE && depth > 0)
			return first;
		if (t != TOK_WORD) {
			conf_error_add(l->errs, l->word.line, l->word.col,
			    t == TOK_OPEN ? "'{' without a statement" : "'}' without a '{'");
			continue;
		}
		struct node *n = take_statement(l, depth, scratch, &closed);

		if (n == NULL) {
			conf_error_add(l->errs, l->line, 1, "configuration too big");
			l->p = l->end;
			return first;
		}
		if (closed && depth == 0) {
			conf_error_add(l->errs, l->word.line, l->word.col, "'}' without a '{'");
			closed = false;
		}
		*tail = n;
		tail = &n->next;
	}
	if (depth > 0 && !closed)
		conf_error_add(l->errs, line, col, "block without its closing '}'");
	return first;
}

struct node *
lex_parse(struct str text, struct arena *a, struct conf_errors *errs)
{
	struct lexer l = { .p = text.p, .end = text.p + text.n, .line_start = text.p, .line = 1,
	    .a = a, .errs = errs };
	struct word *scratch = arena_alloc(a, WORDS_MAX * sizeof *scratch);

	if (scratch == NULL)
		return NULL;
	if (!utf8_valid(text))
		conf_error_add(errs, 0, 0, "not UTF-8 text");
	return take_block(&l, 0, scratch);
}
