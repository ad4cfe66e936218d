/* SPDX-License-Identifier: ISC */
/*
 * sandbox: what a role gives up before it looks at a byte from outside.
 *
 * The table of rights is sandbox_table.c.  Layers, in this order: user and groups, capabilities,
 * no-new-privileges, limits, Landlock (as much as the kernel knows), work threads are made, then
 * the system call filter, over all threads.  A layer that the kernel lacks is logged and left out;
 * one that fails ends the process.
 */
#ifndef MAIN_SANDBOX_H
#define MAIN_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/role.h"

/* Sets of system calls beyond those every role has (sandbox_calls.c). */
enum {
	CALLS_ACCEPT = 1 << 0,		/* accept connections on given sockets */
	CALLS_CONNECT = 1 << 1,		/* make TCP, UDP and Unix sockets and connect them */
	CALLS_OPEN_READ = 1 << 2,	/* open files for reading (Landlock says which) */
	CALLS_OPEN_WRITE = 1 << 3,	/* open, make, rename and remove files */
	CALLS_WRITE = 1 << 4,		/* positioned writes and syncs on given descriptors */
	CALLS_PREPARE = 1 << 5,		/* allocate and truncate files */
	CALLS_MEMFD = 1 << 6,		/* make sealed images */
	CALLS_FORK = 1 << 7,		/* children without exec */
	CALLS_USERS = 1 << 8,		/* become another user */
	CALLS_MLOCK = 1 << 9,
	CALLS_WATCH = 1 << 10,		/* inotify */
	CALLS_REMOVE = 1 << 11,		/* rename and remove files */
};

/* Which paths Landlock leaves, resolved from the configuration. */
enum {
	PATH_SPOOL_READ = 1 << 0,
	PATH_SPOOL_WRITE = 1 << 1,
	PATH_TABLES = 1 << 2,		/* files that the configuration names as tables: read */
	PATH_DATA = 1 << 3,		/* data_dir: write */
	PATH_MAILBOXES = 1 << 4,	/* where maildirs are: write */
	PATH_SYSTEM_USERS = 1 << 5,	/* /etc: read */
	PATH_DROP = 1 << 6,		/* what sendmail left: take it away */
};

struct sandbox_spec {
	const char *why;		/* one sentence for the auditor */
	unsigned calls;
	unsigned paths;
	uint64_t capabilities;		/* kept when started as root; bit numbers of capability.h */
	bool spool_group;		/* may read what pool writes */
	unsigned open_files;		/* RLIMIT_NOFILE; 0: 1024 */
	bool filters;			/* may connect to the filters of the configuration */
	bool makes_files;		/* false: RLIMIT_FSIZE as needed for the log pipe only */
};

const struct sandbox_spec *sandbox_spec(enum role_kind role);

/* All layers but the filter.  False: said in the log. */
bool sandbox_enter(const struct role_env *env);
/* The filter, after the threads were made. */
bool sandbox_filter(const struct role_env *env);

/* ---- the layers ---- */
/* The rules are gathered before the user changes (folders above may be closed to the new one).
 * *ruleset is -1 where the kernel has no Landlock. */
bool landlock_prepare(const struct role_env *env, const struct sandbox_spec *spec, int *ruleset);
bool landlock_enter(int ruleset);
bool seccomp_enter(const struct sandbox_spec *spec);

#endif
