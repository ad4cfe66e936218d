/* SPDX-License-Identifier: ISC */
/*
 * replace: files of the administrator that a verb changes as a whole.
 *
 * The new text is written to a file beside the old one, synced, and renamed over it: who reads sees
 * either the old or the new.  Owner and mode stay.  The caller holds the lock.
 */
#ifndef MAIN_REPLACE_H
#define MAIN_REPLACE_H

#include "base/buf.h"

/* All of it; false: said on standard error, with the verb's name in front. */
bool replace_read(const char *verb, const char *path, struct buf *out);
bool replace_write(const char *path, struct str text);
/* The lock of a file that is changed: a descriptor to be closed; -1: no such file. */
int replace_lock(const char *path);

#endif
