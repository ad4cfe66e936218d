/* SPDX-License-Identifier: ISC */
/*
 * files: names and heads of spool files on the disk.
 *
 * log/<n>.log, big/<n>.msg, journal/<n>.log; n in decimal without leading zeros.  Blocking calls.
 */
#ifndef SPOOL_FILES_H
#define SPOOL_FILES_H

#include "spool/record.h"

enum { FILE_NAME_MAX = 32 };

const char *file_dir(enum spool_kind kind);		/* "log", "big", "journal" */
/* NUL-terminated. */
void file_name(enum spool_kind kind, uint64_t n, char out[FILE_NAME_MAX]);
/* False: not a name of that kind. */
[[nodiscard]] bool file_name_parse(enum spool_kind kind, const char *name, uint64_t *n);
/* The head of an open file.  0, 1 when it is not a valid head of that kind and number, or
 * -errno. */
[[nodiscard]] int file_head(int fd, enum spool_kind kind, uint64_t n, struct spool_head *out);

struct file_entry {
	uint64_t n;
	bool readable;			/* head is set */
	struct spool_head head;
};
struct file_list {
	struct file_entry *p;		/* the caller frees */
	size_t n, cap, strange;
	void (*on_strange)(void *ctx, enum spool_kind kind, const char *name);
	void *ctx;
	enum spool_kind kind;
};
/* All files of list->kind in the directory, in the order of their numbers.  0 or -errno. */
[[nodiscard]] int file_list(int dirfd, struct file_list *list);

#endif
