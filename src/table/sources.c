/* SPDX-License-Identifier: ISC */
/*
 * sources: see sources.h.
 *
 * A changed file is built alone first; only when that is without mistakes does its text replace
 * the old one.  Files are recognised as changed by inode, size and change time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "conf/errors.h"
#include "table/key.h"
#include "table/lines.h"
#include "table/own.h"
#include "table/sources.h"
#include "table/users.h"

enum { SOURCES_MAX = 10'000, LOOKS_BETWEEN = 10 };

static void
add_source(struct sources *all, enum table_kind kind, struct str path)
{
	if (path.n == 0 || all->n >= SOURCES_MAX)
		return;
	for (size_t i = 0; i < all->n; i++)
		if (all->s[i].kind == kind && str_eq(str_of(all->s[i].path), path))
			return;
	if (all->n == all->cap) {
		all->cap = all->cap ? all->cap * 2 : 8;
		all->s = reallocarray(all->s, all->cap, sizeof *all->s);
	}
	char *copy = strndup(path.p, path.n);

	if (all->s == NULL || copy == NULL)
		abort();
	all->s[all->n++] = (struct source){ .kind = kind, .path = copy };
}

void
sources_of(struct sources *all, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->ndomain; i++) {
		const struct domain *d = &cfg->domain[i];

		if (d->users == USERS_FILE)
			add_source(all, TABLE_USERS, d->users_file);
		if (d->passwords == PW_FILE)
			add_source(all, TABLE_USERS, d->passwords_at);
		add_source(all, TABLE_ALIASES, d->aliases_file);
		add_source(all, TABLE_VIRTUSERS, d->virtusers_file);
		add_source(all, TABLE_FORWARDS, d->forwards_file);
	}
	add_source(all, TABLE_ROUTES, cfg->routes_file);
	add_source(all, TABLE_ACCESS, cfg->access_file);
	for (size_t i = 0; i < cfg->ngrant; i++)
		add_source(all, TABLE_LIST, cfg->grant[i].recipients_file);
}

void
sources_done(struct sources *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->s[i].path);
		buf_done(&all->s[i].text);
	}
	free(all->s);
	*all = (struct sources){};
}

static void
note_failure(struct source *s, const char *why, unsigned line)
{
	s->fresh_news = !s->bad_now || strcmp(s->why, why) != 0 || s->line != line;
	s->bad_now = true;
	s->line = line;
	(void)snprintf(s->why, sizeof s->why, "%s", why);
}

static bool
unchanged(const struct source *s, const struct stat *st)
{
	return s->ino == st->st_ino && s->size == st->st_size &&
	    s->changed.tv_sec == st->st_ctim.tv_sec && s->changed.tv_nsec == st->st_ctim.tv_nsec;
}

static void
report(const struct source *s, const struct conf_errors *found, struct conf_errors *errs)
{
	for (size_t i = 0; errs != NULL && i < found->n; i++)
		conf_error_add(errs, 0, 0, "%s:%u: " STR_F, s->path, found->e[i].line,
		    STR_A(found->e[i].text));
}

/* The new text is taken if it is good. */
static bool
try_text(struct source *s, struct buf *text, struct conf_errors *errs)
{
	struct image_builder *b = image_builder_new();
	struct conf_errors found = {};
	bool good;

	if (b == NULL)
		abort();
	good = table_build(b, s->kind, str_of(s->path), buf_str(text), &found);
	image_builder_free(b);
	report(s, &found, errs);
	if (good) {
		buf_done(&s->text);
		s->text = *text;
		*text = (struct buf){};
		s->fresh_news = s->bad_now;
		s->bad_now = false;
		s->good = true;
	} else {
		char why[400];

		(void)snprintf(why, sizeof why, STR_F, found.n ? (int)found.e[0].text.n : 0,
		    found.n ? found.e[0].text.p : "");
		note_failure(s, why, found.n ? found.e[0].line : 0);
	}
	conf_errors_done(&found);
	return good;
}

/* The image as it would be with that text of s. */
static bool
judged_good(const struct sources *all, struct source *s, struct buf *text)
{
	struct buf old = s->text, why;
	struct tables candidate = {};
	bool was_good = s->good, good;

	s->text = *text;
	s->good = true;
	good = tables_take(&candidate, sources_image(all), 1);
	s->text = old;
	s->good = was_good;
	buf_init(&why, 64 << 10);
	good = good && all->judge(all->ctx, &candidate, &why);
	tables_done(&candidate);
	if (!good) {
		struct str rest = buf_str(&why), first = str_sub(str_split(&rest, '\n'), 0, 300);
		char line[400];

		(void)snprintf(line, sizeof line, "refused: " STR_F, STR_A(first));
		note_failure(s, line, 0);
	}
	buf_done(&why);
	return good;
}

static bool
take_text(struct sources *all, struct source *s, struct buf *text, struct conf_errors *errs)
{
	if (all->judge != NULL && s->kind == TABLE_ACCESS && !judged_good(all, s, text))
		return false;
	return try_text(s, text, errs);
}

static bool
look(struct sources *all, struct source *s, struct conf_errors *errs)
{
	struct file_rules rules = { .owner = all->owner };
	struct buf text, why;
	struct stat st = {};
	bool there = stat(s->path, &st) == 0, new = false;

	s->fresh_news = false;
	if (there && unchanged(s, &st) && (!s->bad_now || ++s->skipped < LOOKS_BETWEEN))
		return false;
	s->skipped = 0;
	s->ino = st.st_ino;
	s->size = st.st_size;
	s->changed = st.st_ctim;
	buf_init(&text, (size_t)2 << 30);
	buf_init(&why, 400);
	if (file_read(s->path, &rules, &text, &why, NULL) == FILE_OK) {
		new = take_text(all, s, &text, errs);
	} else {
		(void)buf_putc(&why, '\0');
		note_failure(s, why.failed ? "cannot be read" : why.p, 0);
		if (errs != NULL)
			conf_error_add(errs, 0, 0, "%s", s->why);
	}
	buf_done(&text);
	buf_done(&why);
	return new;
}

struct found { struct sources *all; };

static void
include_found(void *arg, struct str path)
{
	add_source(((struct found *)arg)->all, TABLE_INCLUDE, path);
}

bool
sources_look(struct sources *all, struct conf_errors *errs)
{
	struct found f = { all };
	bool new = false;

	for (size_t i = 0; i < all->n; i++) {		/* grows while includes are found */
		if (!look(all, &all->s[i], errs))
			continue;
		new = true;
		if (all->s[i].kind == TABLE_ALIASES || all->s[i].kind == TABLE_INCLUDE ||
		    all->s[i].kind == TABLE_VIRTUSERS)
			table_includes(buf_str(&all->s[i].text), include_found, &f);
	}
	return new;
}

int
sources_image(const struct sources *all)
{
	struct image_builder *b = image_builder_new();
	struct conf_errors known = {};			/* reported when the text was tried */

	if (b == NULL)
		return -1;
	for (size_t i = 0; i < all->n; i++)
		if (all->s[i].good)
			(void)table_build(b, all->s[i].kind, str_of(all->s[i].path),
			    buf_str(&all->s[i].text), &known);
	own_addresses_build(b);
	conf_errors_done(&known);
	return image_finish(b);
}

/* ---- passwords ---- */

static void
add_password(struct image_builder *b, struct str file, const struct user_entry *u, bool first)
{
	struct buf value;
	struct key k;

	buf_init(&value, 8192);
	(void)buf_putc(&value, u->disabled ? 1 : 0);
	(void)buf_put(&value, u->scheme);
	(void)buf_putc(&value, '\n');
	(void)buf_put(&value, u->hash);
	key_begin(&k, TABLE_PASSWORDS, file);
	if (first)
		(void)image_add(b, key_str(&k), buf_str(&value));
	if (key_put(&k, u->name) && !value.failed)
		(void)image_add(b, key_str(&k), buf_str(&value));
	buf_done(&value);
}

static void
add_passwords(struct image_builder *b, const struct source *s)
{
	struct lines l = lines_of(buf_str(&s->text));
	char kind = TABLE_PASSWORDS;
	struct key mark;
	struct str line;
	unsigned number;
	bool first = true;

	key_begin(&mark, TABLE_MARK, str_of(s->path));
	if (key_put(&mark, str_from(&kind, 1)))
		(void)image_add(b, key_str(&mark), STR(""));
	l.whole = true;
	while (lines_next(&l, &line, &number)) {
		struct perr err = {};
		struct user_entry u;

		if (!user_line_parse(line, &u, &err))
			continue;
		add_password(b, str_of(s->path), &u, first);
		first = false;
	}
}

int
sources_passwords(const struct sources *all)
{
	struct image_builder *b = image_builder_new();

	if (b == NULL)
		return -1;
	for (size_t i = 0; i < all->n; i++)
		if (all->s[i].good && all->s[i].kind == TABLE_USERS)
			add_passwords(b, &all->s[i]);
	return image_finish(b);
}
