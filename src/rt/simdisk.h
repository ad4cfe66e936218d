/* SPDX-License-Identifier: ISC */
/*
 * simdisk: a disk in memory behind disk.h that can lose what was not synced.
 *
 * 1. Contents are pages of 4 KiB; what was written and not synced survives a crash by choice, each
 *    sector of 512 bytes on its own (torn pages).
 * 2. Names are operations on directories: each that was not synced survives by choice; a rename is
 *    whole or not at all.  Syncing a file does not sync its name: that needs its directory.
 * 3. A failed sync marks pages clean although some never reached the disk, as Linux does: they read
 *    back until the crash, later syncs do not write them.
 * 4. Everything is drawn from the seed: the same run gives the same disk.
 */
#ifndef RT_SIMDISK_H
#define RT_SIMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simdisk;

enum disk_op {
	DISK_READ, DISK_WRITE, DISK_SYNC, DISK_CREATE, DISK_RENAME, DISK_LINK, DISK_UNLINK,
	DISK_RESIZE, DISK_OPS
};

struct simdisk *simdisk_new(uint64_t seed);
struct simdisk *simdisk_copy(const struct simdisk *d);	/* open files are not copied */
void simdisk_free(struct simdisk *d);

/* disk.h speaks to this disk from now on (NULL: to the kernel).  Not owned. */
void simdisk_mount(struct simdisk *d);

/* Operations that change something (all but reads) so far. */
uint64_t simdisk_ops(const struct simdisk *d);

/* Operation number n (from 0) and all later ones do not happen any more: the caller's coroutine
 * is left standing there and no other runs on.  UINT64_MAX: never. */
void simdisk_crash_at(struct simdisk *d, uint64_t n);
bool simdisk_crashed(const struct simdisk *d);
/* After a crash: operations answer -EIO instead of standing, so that coroutines unwind. */
void simdisk_unwind(struct simdisk *d);

enum survive { SURVIVE_NONE, SURVIVE_ALL, SURVIVE_RANDOM, SURVIVE_CHOICE };
struct survival {
	enum survive how;
	uint64_t seed;				/* SURVIVE_RANDOM */
	/* SURVIVE_CHOICE: does the nth unsynced thing survive?  A page is asked once (is_name
	 * false), a directory operation once (true), in their order of age. */
	bool (*choose)(void *arg, uint64_t nth, bool is_name);
	void *arg;
};

/* The power fails: only what was synced and what the survival keeps is left, all of it durable;
 * open files are gone and the disk works again.  Returns how many unsynced things there were. */
uint64_t simdisk_crash(struct simdisk *d, const struct survival *s);

/* The kernel writes back early: when a dirty page is written again its former state reaches the
 * disk with this chance in percent (default 0). */
void simdisk_writeback(struct simdisk *d, unsigned percent);

/* After skip further operations of that kind, the next count answer -err (EIO, ENOSPC, EDQUOT). */
void simdisk_fault(struct simdisk *d, enum disk_op op, uint64_t skip, uint64_t count, int err);

/* Pages and names that exist and may exist; beyond: ENOSPC.  Default 1 GiB. */
void simdisk_capacity(struct simdisk *d, uint64_t bytes);

#endif
