/* SPDX-License-Identifier: ISC */
/*
 * simdisk_impl: the simulated disk's insides, for simdisk*.c only.
 *
 * 1. Inodes are named by their index; none is freed before the disk is.
 * 2. A page has two contents: `now`, which programs see, and `disk`, which a crash leaves.  They
 *    are the same pointer while the page is clean; NULL is a page of zeros.
 * 3. A directory has two lists of names likewise; what lies between them is in `ops`, in order.
 * 4. seq numbers unsynced things by age.
 */
#ifndef RT_SIMDISK_IMPL_H
#define RT_SIMDISK_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "rt/simdisk.h"

enum { PAGE = 4096, SECTOR = 512, SIM_FD = 1 << 20, NO_INODE = -1, ROOT_INODE = 0 };

struct page {
	char *now, *disk;
	uint64_t seq;			/* when it became dirty; 0: clean */
};

struct name {
	char *name;
	int ino;
};

struct names {
	struct name *at;
	size_t n;
};

struct inode {
	bool dir;
	unsigned links, opens;
	uint64_t size, disk_size, size_seq;
	struct page *page;
	size_t npages;
	struct names now, disk;		/* of a directory */
};

enum nameop_kind { NAME_SET, NAME_CLEAR, NAME_MOVE };

struct nameop {
	enum nameop_kind kind;
	uint64_t seq;
	int dir, todir, ino;
	char *name, *toname;
};

struct fault {
	uint64_t skip, count;
	int err;
};

struct simdisk {
	uint64_t random;
	struct inode *ino;
	size_t nino;
	struct nameop *op;
	size_t nops;
	int *open;			/* inode by descriptor - SIM_FD; NO_INODE: free */
	size_t nopen;
	uint64_t seq, done, crash_at, capacity, used;	/* capacity and used in pages */
	bool crashed, unwinding;
	struct link standing;		/* coroutines that met the crash */
	unsigned writeback;
	struct fault fault[DISK_OPS];
};

int inode_new(struct simdisk *d, bool dir);

/* Index in the list, or -1. */
long names_find(const struct names *list, const char *name, size_t n);
void names_set(struct names *list, const char *name, int ino);
void names_clear(struct names *list, const char *name);
void names_free(struct names *list);

/* Does to the durable names what the operation did to those that programs see. */
void nameop_apply(struct simdisk *d, const struct nameop *op);
void nameop_free(struct nameop *op);

void page_set(char **to, const char *from);	/* a copy; NULL stays NULL */
void page_free(struct page *p);

/* All of one inode reaches the disk (its names, if it is a directory). */
void inode_sync(struct simdisk *d, int ino);
/* A sync that fails: some of it reaches the disk, all of it is clean. */
void inode_sync_fails(struct simdisk *d, int ino);

void *sim_grow(void *p, size_t n, size_t each);	/* room for n; aborts without memory */

#endif
