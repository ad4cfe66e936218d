/* SPDX-License-Identifier: ISC */
/*
 * check: verifies a spool directory while no server uses it, and says what is in it as JSON.
 *
 * Reads only.  Run as a command on the main thread, without a loop.
 */
#ifndef SPOOL_CHECK_H
#define SPOOL_CHECK_H

#include "base/buf.h"

struct spool_check {
	uint64_t files, records, messages, journal_entries, bytes;
	uint64_t damaged;		/* places that must have been valid and are not */
	/* valid records behind an end: a torn batch, or damage before them */
	uint64_t unreachable;
	uint64_t strange;		/* names that do not belong */
	bool journal_usable;
};

/* False: the directory cannot be read at all.  json may be NULL. */
[[nodiscard]] bool spool_check(int spool_dirfd, struct spool_check *out, struct buf *json);

#endif
