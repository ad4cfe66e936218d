/* SPDX-License-Identifier: ISC */
/*
 * sandbox_table: what each role keeps.  This is the page to audit; all other rights are gone.
 *
 * Every role has: reading and writing the descriptors it was given, memory without execution, time,
 * epoll, random numbers.  No role may exec, trace, load, mount, or make namespaces: trying
 * kills it.  Signals to other processes are refused (local may signal its own children).
 */
#include <linux/capability.h>

#include "main/sandbox.h"

#define CAP(c) (1ull << (c))

static const struct sandbox_spec specs[ROLE_COUNT] = {
	[ROLE_KEEPER] = {
		.why = "starts the others; keeps what it was started with, reads nothing foreign",
	},
	[ROLE_POOL] = {
		.why = "the only one that makes, renames and removes spool files",
		.calls = CALLS_OPEN_READ | CALLS_OPEN_WRITE | CALLS_WRITE | CALLS_PREPARE,
		.paths = PATH_SPOOL_READ | PATH_SPOOL_WRITE,
		.spool_group = true, .makes_files = true,
	},
	[ROLE_SMTPD] = {
		.why = "talks to strangers: accepts, appends to its own segment; opens and "
		    "connects nothing",
		.calls = CALLS_ACCEPT | CALLS_WRITE,
		.open_files = 65'536, .makes_files = true,
	},
	[ROLE_QUEUE] = {
		.why = "reads the segments, writes its journal by given descriptors, takes away "
		    "what sendmail left; no network",
		.calls = CALLS_OPEN_READ | CALLS_WRITE | CALLS_REMOVE,
		.paths = PATH_SPOOL_READ | PATH_DROP, .spool_group = true,
		.open_files = 4096, .makes_files = true,
	},
	[ROLE_SMTPC] = {
		.why = "connects out, reads the segments, writes no file",
		.calls = CALLS_CONNECT | CALLS_OPEN_READ,
		.paths = PATH_SPOOL_READ, .spool_group = true,
		.open_files = 16'384,
	},
	[ROLE_RESOLVER] = {
		.why = "DNS sockets and nothing else",
		.calls = CALLS_CONNECT,
		.open_files = 8192,
	},
	[ROLE_VAULT] = {
		.why = "holds private keys that keeper opened; no files, no network",
		.calls = CALLS_MLOCK,
	},
	[ROLE_LOCAL] = {
		.why = "its children become the recipient's user and write mailboxes",
		.calls = CALLS_OPEN_READ | CALLS_OPEN_WRITE | CALLS_WRITE | CALLS_PREPARE |
		    CALLS_FORK | CALLS_USERS | CALLS_MEMFD,
		.paths = PATH_SPOOL_READ | PATH_MAILBOXES | PATH_SYSTEM_USERS,
		.capabilities = CAP(CAP_SETUID) | CAP(CAP_SETGID) | CAP(CAP_KILL),
		.spool_group = true, .open_files = 8192, .makes_files = true,
	},
	[ROLE_LOOKUP] = {
		.why = "opens the tables that the configuration names, hands out sealed images; "
		    "where there are filters, connects to them and hands out the sockets",
		.calls = CALLS_OPEN_READ | CALLS_OPEN_WRITE | CALLS_WRITE | CALLS_PREPARE |
		    CALLS_MEMFD | CALLS_WATCH,
		.paths = PATH_TABLES | PATH_DATA | PATH_SYSTEM_USERS,
		/* a table may be root's alone; Landlock holds this to the tables' folders */
		.capabilities = CAP(CAP_DAC_READ_SEARCH),
		.filters = true, .makes_files = true,
	},
	[ROLE_FETCH] = {
		.why = "has nothing to fetch yet, so it may do nothing",
	},
	[ROLE_ADMIN] = {
		.why = "answers on the control socket; asks queue, lookup and keeper by channel",
		.calls = CALLS_ACCEPT,
	},
};

const struct sandbox_spec *
sandbox_spec(enum role_kind role)
{
	return &specs[role];
}
