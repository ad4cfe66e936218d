/* SPDX-License-Identifier: ISC */
/*
 * filesafe: opening directories and files in a place that somebody else may write to.
 *
 * 1. Below the base no symbolic link, mount trick or ".." is followed (openat2, RESOLVE_BENEATH |
 *    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS).
 * 2. A directory that we write into belongs to us and cannot be written by others.
 * 3. Every refusal names the path component.
 *
 * Runs as the recipient's user, in the delivery child; blocking calls.  Requirement F3.
 */
#ifndef LOCAL_FILESAFE_H
#define LOCAL_FILESAFE_H

#include <stdbool.h>
#include <stddef.h>

enum { FILESAFE_PATH_MAX = 1024 };

struct filesafe_error {
	int err;			/* errno of the call, or EPERM where a rule refused */
	const char *what;		/* constant text */
	char path[FILESAFE_PATH_MAX];	/* the component, from the base on */
};

/* Open the directory rel below the directory base (absolute), making those that are missing with
 * mode 0700.  Components of base are the administrator's and followed as they are.  -1: *e says. */
int filesafe_dir(const char *base, const char *rel, struct filesafe_error *e);

/* Open or make one directory name below dirfd with the same rules. */
int filesafe_subdir(int dirfd, const char *name, struct filesafe_error *e);

/* Make a new file, mode 0600; it must not exist.  -1 with errno. */
int filesafe_create(int dirfd, const char *name);

#endif
