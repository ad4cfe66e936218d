/* SPDX-License-Identifier: ISC */
/*
 * cage: what a delivery child may still do: be its user, write below its base, answer its role.
 *
 * 1. setgroups, setresgid, setresuid (only when started as root), then no_new_privs.
 * 2. Landlock: files below the base directory and nothing else, where the kernel has it.
 * 3. seccomp: an allow-list of the calls that maildir makes; everything else ends the child.
 */
#ifndef LOCAL_CAGE_H
#define LOCAL_CAGE_H

#include <stdbool.h>
#include <sys/types.h>

/* Called in the child after fork.  False: it must not go on. */
bool cage_enter(uid_t uid, gid_t gid, const char *base);

#endif
