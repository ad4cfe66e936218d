/* SPDX-License-Identifier: ISC */
/*
 * drop: a message left by sendmail(1) while no server runs, for queue to take up at its start.
 *
 *	postern-drop 1 LF
 *	from ADDRESS LF			(empty: null sender)
 *	rcpt ADDRESS LF			one or more
 *	notify WORDS LF  ret WORD LF  envid XTEXT LF	(each optional)
 *	LF
 *	message with CRLF line ends
 *
 * 1. The directory can be written, not listed, by everybody (mode 3733, owner and group of
 *    queue), so a file's owner is who sent it: nothing in the file says who.
 * 2. A file is complete when it has its final name, "<time>.<pid>.<random>.msg"; before, it is
 *    called the same with ".new".  It was synced before it was renamed.
 * 3. Whoever reads trusts no byte of it.
 */
#ifndef SPOOL_DROP_H
#define SPOOL_DROP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cur.h"
#include "base/str.h"

enum { DROP_RCPT_MAX = 1000, DROP_HEAD_MAX = 1 << 20 };

struct drop {
	struct str from;
	struct str *rcpt;
	size_t nrcpt;
	struct str notify, ret, envid;	/* empty: not given */
	struct str message;
};

/* Slices point into text, rcpt into the arena.  False: *err says what is wrong. */
[[nodiscard]] bool drop_parse(struct str text, struct arena *a, struct drop *out, struct perr *err);

/* Write a whole drop file into the directory, synced, under its final name.  Blocking.
 * 0 or errno. */
[[nodiscard]] int drop_write(int dirfd, const struct drop *d);

/* "….msg": complete, to be taken up. */
bool drop_name_complete(const char *name);

#endif
