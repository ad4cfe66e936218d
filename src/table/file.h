/* SPDX-License-Identifier: ISC */
/*
 * file: reading the administrator's files, and only if nobody else could have written them.
 *
 * Each directory of the path and the file itself must belong to root, to us, or to the owner
 * trusted, and be writable by nobody else; a sticky directory (/tmp) is good if what it holds is.
 * The file must be regular, not a symbolic link, without a second name.  The answer names the very
 * component that is wrong and the command that mends it.
 */
#ifndef TABLE_FILE_H
#define TABLE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

struct file_rules {
	uid_t owner;			/* trusted besides root and us; 0: none */
	bool secret;			/* readable by its owner alone, and by: */
	gid_t reader;			/* a group that may read a secret of root's; 0: none */
	size_t max;			/* bytes; 0: 1 GiB */
};

enum file { FILE_OK, FILE_MISSING, FILE_UNSAFE, FILE_TROUBLE };

/* The whole file into out (appended); why gets one line unless FILE_OK.  st may be NULL. */
enum file file_read(const char *path, const struct file_rules *rules, struct buf *out,
    struct buf *why, struct stat *st);
/* The checks alone. */
enum file file_check(const char *path, const struct file_rules *rules, struct buf *why);

#endif
