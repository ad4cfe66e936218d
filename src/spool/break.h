/* SPDX-License-Identifier: ISC */
/*
 * break: build switches that leave out one sync, rename or write each, to prove the crash test.
 *
 * A normal build has none of them.  -DSPOOL_BREAK=n leaves out number n; the crash test's own build
 * sets it to a variable and tries all in turn.  Each must make the crash test fail.
 */
#ifndef SPOOL_BREAK_H
#define SPOOL_BREAK_H

enum spool_break {
	BREAK_NONE,
	BREAK_COMMIT_SYNC,		/* writer: fdatasync of a batch */
	BREAK_SEAL_WRITE,		/* writer: SEAL after a failed sync */
	BREAK_BIG_SYNC,			/* writer: content of a big file before its record */
	BREAK_CREATE_SYNC,		/* pool: a new file's zeros and head */
	BREAK_CREATE_RENAME,		/* pool: the new file's name */
	BREAK_CREATE_DIR_SYNC,		/* pool: the directory that holds the name */
	/* pool: the spool directory that holds log/ and the others */
	BREAK_MKDIR_SYNC,
	BREAK_RECYCLE_WRITE,		/* pool: the head with the new generation */
	BREAK_RECYCLE_SYNC,		/* pool: its sync */
	/* pool: zeros of a drained file before its head says clean */
	BREAK_ZERO_SYNC,
	BREAK_CLOCK_WRITE,		/* pool: the clock mark */
	BREAK_CLOCK_SYNC,		/* pool: its sync */
	BREAK_JOURNAL_SYNC,		/* journal: fdatasync of a batch */
	BREAK_JOURNAL_WRITE,		/* journal: the records of a batch */
	BREAK_CHECKPOINT_WRITE,		/* journal: the CHECKPOINT record */
	/* journal: the snapshot, before the former file is dropped */
	BREAK_CHECKPOINT_SYNC,
	BREAK_FINISH_WRITE,		/* queue: the record that a segment is finished */
	BREAK_FINISH_SYNC,		/* queue: its sync, before the pool hears of it */
	BREAK_END
};

#ifdef SPOOL_BREAK
extern unsigned spool_break_now;
#define BROKEN(n) ((SPOOL_BREAK) == (unsigned)(n))
#else
#define BROKEN(n) false
#endif

#endif
