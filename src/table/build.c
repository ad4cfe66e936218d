/* SPDX-License-Identifier: ISC */
/*
 * build: from the text of a table file to entries of an image.
 *
 * Every mistake of a file is reported with its line; one that is not just a repeated key makes the
 * whole file bad, because half a table is a wrong table.  Runs on a worker thread of lookup:
 * touches nothing but its arguments.
 */
#include <stdlib.h>

#include "base/ascii.h"
#include "conf/errors.h"
#include "conf/value.h"
#include "table/access_build.h"
#include "table/forwards.h"
#include "table/key.h"
#include "table/lines.h"
#include "table/users.h"

enum { LIST_MAX = 16 << 20 };

struct building {
	struct image_builder *b;
	enum table_kind kind;
	struct str file;
	struct conf_errors *errs;
	struct buf value;		/* reused for every line */
	bool bad, first_done;
	uint64_t room[512];		/* for values of one line */
};

static void
mistake(struct building *w, unsigned line, const char *what)
{
	conf_error_add(w->errs, line, 1, "%s", what);
	w->bad = true;
}

static void
add(struct building *w, unsigned line, struct str key, struct str value)
{
	struct key k;

	key_begin(&k, (int)w->kind, w->file);
	if (!key_put(&k, key))
		mistake(w, line, "name too long");
	else if (!image_add(w->b, key_str(&k), value))
		conf_error_add(w->errs, line, 1,
		    "'" STR_F "' was already given; the first one holds",
		    (int)MIN(key.n, (size_t)100), key.p);
}

static void
build_user(struct building *w, unsigned line, struct str text)
{
	struct perr err = {};
	struct user_entry u;
	char head[9];

	if (!user_line_parse(text, &u, &err)) {
		mistake(w, line, err.what);
		return;
	}
	head[0] = (char)((u.has_ids ? 1 : 0) | (u.disabled ? 2 : 0));
	put_le32(head + 1, u.uid);
	put_le32(head + 5, u.gid);
	buf_put(&w->value, (struct str){ head, sizeof head });
	buf_put(&w->value, u.home);
	add(w, line, u.name, buf_str(&w->value));
	if (!w->first_done) {			/* who reads for postmaster when nobody else does */
		struct key k;

		w->first_done = true;
		w->value.n = sizeof head;
		buf_put(&w->value, u.name);
		key_begin(&k, (int)w->kind, w->file);
		(void)image_add(w->b, key_str(&k), buf_str(&w->value));
	}
}

/* "name: targets"; the name may be quoted */
static void
build_alias(struct building *w, unsigned line, struct str text)
{
	struct perr err = {};
	bool quoted = false;
	size_t n = 0;

	for (; n < text.n && (quoted || text.p[n] != ':'); n++)
		if (text.p[n] == '"')
			quoted = !quoted;
	if (n == text.n) {
		mistake(w, line, "no ':' behind the name");
		return;
	}
	struct str name = lines_trim(str_sub(text, 0, n));

	if (name.n >= 2 && name.p[0] == '"' && name.p[name.n - 1] == '"')
		name = str_sub(name, 1, name.n - 2);
	if (name.n == 0)
		mistake(w, line, "empty name");
	else if (memchr(name.p, '\n', name.n) != NULL)
		mistake(w, line, "no ':' behind the name");
	else if (!targets_parse(str_skip(text, n + 1), &w->value, &err))
		mistake(w, line, err.what);
	else
		add(w, line, name, buf_str(&w->value));
}

/* A list of addresses a line; lines gather in value, the file is one entry. */
static void
build_include(struct building *w, unsigned line, struct str text)
{
	struct perr err = {};
	size_t from = w->value.n;

	if (!targets_parse(text, &w->value, &err)) {
		mistake(w, line, err.what);
		return;
	}
	struct str added = str_skip(buf_str(&w->value), from);
	struct target t;

	while (targets_next(&added, &t))
		if (t.kind == TARGET_PROGRAM || t.kind == TARGET_FILE)
			mistake(w, line, "programs and files are taken from the aliases file only");
}

static void
build_virtuser(struct building *w, unsigned line, struct str text)
{
	struct str key = lines_word(&text);
	struct perr err = {};

	if (str_chr(key, '@') < 0 || key.p[key.n - 1] == '@') {
		mistake(w, line, "the key must be user@domain or @domain");
	} else if (text.n == 0) {
		mistake(w, line, "nothing behind the key");
	} else if (!targets_parse(text, &w->value, &err)) {
		mistake(w, line, err.what);
	} else {
		struct str packed = buf_str(&w->value);
		struct target t;

		while (targets_next(&packed, &t))
			if (t.kind == TARGET_PROGRAM || t.kind == TARGET_FILE)
				mistake(w, line, "programs and files are for aliases only");
		add(w, line, key, buf_str(&w->value));
	}
}

static void
build_route(struct building *w, unsigned line, struct str text)
{
	struct str key = lines_word(&text), name = key;
	/* An arena over room that never asks for more: the pool of chunks is the loop's alone. */
	struct arena a = { .at = (char *)w->room, .end = (char *)w->room + sizeof w->room,
	    .limit = sizeof w->room };
	struct hop hop;
	const char *bad = NULL;

	if (text.n == 0) {
		mistake(w, line, "nothing behind the domain");
		return;
	}
	if (name.n > 1 && name.p[0] == '.')
		name = str_skip(name, 1);
	if (!str_eq(name, STR(".")))
		bad = value_domain(name, &a, &name);
	if (bad == NULL)
		bad = value_hop(text, &a, &hop);
	if (bad != NULL)
		mistake(w, line, bad);
	else
		add(w, line, key, text);
}

/* Only what was confirmed gets into the image, numbered by user. */
static void
build_forward(struct building *w, unsigned line, struct str text)
{
	struct perr err = {};
	struct forward_line f;
	struct key k;

	if (!forward_line_parse(text, &f, &err)) {
		mistake(w, line, err.what);
		return;
	}
	if (!f.confirmed)
		return;
	(void)buf_putc(&w->value, f.only ? 'o' : 'c');
	(void)buf_put(&w->value, f.target);
	for (char n = '0'; n < '0' + FORWARDS_PER_USER; n++) {
		key_begin(&k, TABLE_FORWARDS, w->file);
		if (key_put(&k, str_from(&n, 1)) && key_put(&k, f.user) &&
		    image_add(w->b, key_str(&k), buf_str(&w->value)))
			return;
	}
	mistake(w, line, "too many forwards of one user");
}

static void
build_line(struct building *w, unsigned line, struct str text)
{
	if (w->kind != TABLE_INCLUDE)
		buf_reset(&w->value);
	switch (w->kind) {
	case TABLE_USERS:
		build_user(w, line, text);
		break;
	case TABLE_ALIASES:
		build_alias(w, line, text);
		break;
	case TABLE_INCLUDE:
		build_include(w, line, text);
		break;
	case TABLE_VIRTUSERS:
		build_virtuser(w, line, text);
		break;
	case TABLE_ROUTES:
		build_route(w, line, text);
		break;
	case TABLE_FORWARDS:
		build_forward(w, line, text);
		break;
	case TABLE_PASSWORDS:			/* made by sources_passwords */
		break;
	case TABLE_LIST:
		add(w, line, lines_word(&text), STR(""));
		break;
	case TABLE_ACCESS:				/* has a builder of its own */
		break;
	}
}

static void
build_mark(struct building *w)
{
	struct key mark;

	key_begin(&mark, TABLE_MARK, w->file);
	if (key_put(&mark, (struct str){ (const char[]){ (char)w->kind }, 1 }))
		(void)image_add(w->b, key_str(&mark), STR(""));
}

bool
table_build(struct image_builder *b, enum table_kind kind, struct str file, struct str text,
    struct conf_errors *errs)
{
	struct building *w = calloc(1, sizeof *w);
	struct lines l = lines_of(text);
	struct str line;
	unsigned number;
	bool bad;

	if (w == NULL)
		abort();
	*w = (struct building){ .b = b, .kind = kind, .file = file, .errs = errs };
	l.whole = kind == TABLE_USERS || kind == TABLE_INCLUDE || kind == TABLE_LIST ||
	    kind == TABLE_FORWARDS;
	buf_init(&w->value, LIST_MAX);
	if (kind == TABLE_ACCESS)
		w->bad = !access_build(b, file, text, errs);
	else
		while (lines_next(&l, &line, &number))
			build_line(w, number, line);
	if (kind == TABLE_INCLUDE && !w->bad)
		add(w, 0, STR(""), buf_str(&w->value));
	if (!w->bad)
		build_mark(w);
	buf_done(&w->value);
	bad = w->bad;
	free(w);
	return !bad;
}

static void
includes_of_line(struct str text, void (*found)(void *arg, struct str path), void *arg)
{
	static const struct str word = STR_INIT(":include:");

	for (ssize_t at; (at = str_find(text, word)) >= 0; ) {
		size_t n = 0;

		text = lines_trim(str_skip(text, (size_t)at + word.n));
		while (n < text.n && text.p[n] != ',' && text.p[n] != '"'
		    && !ascii_isspace(text.p[n]))
			n++;
		if (n > 0 && text.p[0] == '/')
			found(arg, str_sub(text, 0, n));
		text = str_skip(text, n);
	}
}

void
table_includes(struct str text, void (*found)(void *arg, struct str path), void *arg)
{
	struct lines l = lines_of(text);
	struct str line;
	unsigned number;

	while (lines_next(&l, &line, &number))
		includes_of_line(line, found, arg);
}
