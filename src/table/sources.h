/* SPDX-License-Identifier: ISC */
/*
 * sources: the files behind the image, each with its last good text.
 *
 * Blocking; one thread at a time: lookup calls it on a worker, `postern check` directly.  Owns the
 * texts.  What went wrong is kept with each source for whoever wants to log or print it.
 */
#ifndef TABLE_SOURCES_H
#define TABLE_SOURCES_H

#include <sys/types.h>
#include <time.h>

#include "table/file.h"
#include "table/tables.h"

struct source {
	enum table_kind kind;
	char *path;
	struct buf text;		/* last good */
	bool good;			/* text is there */
	bool bad_now;			/* the file as it is now was refused */
	bool fresh_news;		/* bad_now or its reason changed at the last look */
	char why[512];			/* ... for this reason */
	unsigned line;			/* ... in this line; 0: the file as a whole */
	/* as the file was when last looked at */
	ino_t ino;
	off_t size;
	struct timespec changed;
	unsigned skipped;		/* looks since a failure that left no trace in the file */
};

struct sources {
	struct source *s;
	size_t n, cap;
	uid_t owner;			/* trusted besides root and us */
	/* NULL, or: may an access map that reads well be used, with the other tables as they are?
	 * False: why; the last good text stays. */
	bool (*judge)(void *ctx, const struct tables *candidate, struct buf *why);
	void *ctx;
};

/* All tables that the configuration names, nothing read yet. */
void sources_of(struct sources *all, const struct config *cfg);
void sources_done(struct sources *all);

/* Looks at every file and reads those that changed; includes are found on the way.  True: some
 * text is new, an image should be built.  errs (may be NULL) gets every mistake as
 * "path:line: text" without a place. */
bool sources_look(struct sources *all, struct conf_errors *errs);

/* An image of all good texts; -1: no memory. */
int sources_image(const struct sources *all);

/* Of the good users files, what is kept of passwords; for tables_password.  -1: no memory. */
int sources_passwords(const struct sources *all);

#endif
