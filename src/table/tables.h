/* SPDX-License-Identifier: ISC */
/*
 * tables: the administrator's tables as smtpd and queue see them: one image of all of them.
 *
 * lookup reads the files, builds the image and sends it; everybody else only asks.  A table that
 * was never read well is not in the image: then the answer is "later", never "no".  Keys are
 * compared in lower case.  Slices point into the image; it is replaced as a whole (tables_take),
 * so no slice is kept across a suspension.
 */
#ifndef TABLE_TABLES_H
#define TABLE_TABLES_H

#include "conf/config.h"
#include "table/image.h"
#include "table/target.h"

enum find { FIND_NO, FIND_YES, FIND_LATER };

struct tables {
	struct image img;
	uint64_t generation;
};

struct user_entry {
	struct str name;
	struct str scheme, hash;	/* not in images */
	bool has_ids, disabled;
	uint32_t uid, gid;
	struct str home;
};

/* Replaces the image by the one in fd, which it closes; false: bad, the old one stays. */
bool tables_take(struct tables *t, int fd, uint64_t generation);
void tables_done(struct tables *t);

/* An empty name asks for the first user of the file: its name is in out->home. */
enum find tables_user(const struct tables *t, struct str file, struct str name,
    struct user_entry *out);
/* In lookup's own table of passwords (sources_passwords), which nobody else ever gets: name,
 * scheme, hash, disabled.  An empty name asks for the first user. */
enum find tables_password(const struct tables *t, struct str file, struct str name,
    struct user_entry *out);
/* The packed targets of an alias; key is a local part, with or without detail. */
enum find tables_alias(const struct tables *t, struct str file, struct str key, struct str *out);
/* ... of an :include: file */
enum find tables_include(const struct tables *t, struct str file, struct str *out);
/* sendmail's virtusertable: user+detail@domain, user+*@domain, user@domain, @domain, @.parent.
 * out gets packed targets with %0 to %3 filled in; it is the caller's buffer. */
enum find tables_virtuser(const struct tables *t, struct str file, struct str local,
    struct str domain, struct buf *out);
/* sendmail's mailertable: the name, .parents, "."; the text of a hop. */
enum find tables_route(const struct tables *t, struct str file, struct str domain,
    struct str *out);
/* The n-th confirmed forward of a user; only: without a copy here. */
enum find tables_forward(const struct tables *t, struct str file, struct str user, unsigned n,
    struct str *target, bool *only);
/* Is that key in a list of one key a line (recipients FILE)? */
enum find tables_listed(const struct tables *t, struct str file, struct str key);

/* ---- building ---- */

/* Parses text as a file of that kind into the builder; mistakes go to errs with their lines, and
 * make it false: then nothing of this file may be used (start again without it). */
enum table_kind {
	TABLE_USERS = 'u', TABLE_ALIASES = 'a', TABLE_INCLUDE = 'i', TABLE_VIRTUSERS = 'v',
	TABLE_ROUTES = 'm', TABLE_LIST = 'r', TABLE_ACCESS = 'x', TABLE_PASSWORDS = 'p',
	TABLE_FORWARDS = 'f',
};
bool table_build(struct image_builder *b, enum table_kind kind, struct str file, struct str text,
    struct conf_errors *errs);

/* The :include: files that an aliases text names, to be read too. */
void table_includes(struct str text, void (*found)(void *arg, struct str path), void *arg);

#endif
