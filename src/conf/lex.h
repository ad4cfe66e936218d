/* SPDX-License-Identifier: ISC */
/*
 * lex: postern.conf as a tree of statements, before any word has a meaning.
 *
 *	statement = word *word [ block ] end		end = line end / ";" / "}"
 *	block     = "{" *statement "}"
 *	word      = 1*(any but blank, '"', ';', '#' at its start)  /  '"' *( char / "\" char ) '"'
 *
 * A brace is a token only where a word could begin, so "/var/mail/{domain}" is one word.  A
 * backslash at the end of a line joins the next.  Comments run from '#' to the end of the line.
 * The tree lives in the arena given; words without escapes are slices of the text.
 */
#ifndef CONF_LEX_H
#define CONF_LEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf/config.h"

struct word {
	struct str s;
	unsigned line, col;
	bool quoted;
};

struct node {
	struct word *word;		/* at least one */
	size_t nword;
	struct node *child;		/* statements of its block */
	struct node *next;
	bool block;			/* has one, perhaps empty */
};

/* Always gives the tree of what could be read; mistakes go to errs. */
struct node *lex_parse(struct str text, struct arena *a, struct conf_errors *errs);

#endif
