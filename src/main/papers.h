/* SPDX-License-Identifier: ISC */
/*
 * papers: certificates, keys and authorities of one generation, copied when it is made.
 *
 * 1. What was checked is what is used: files are copied into sealed memory descriptors, the copies
 *    are checked, and the roles get the copies, also those that are restarted later.
 * 2. keeper never has a key's bytes in its own memory: the kernel copies them, and a child that has
 *    given up its rights looks at them and ends.
 * 3. The files are watched.  A change is checked as a whole; a good one becomes a new generation by
 *    a reload with the same configuration, a bad one is an alarm, once.
 *
 * Owned by its generation.
 */
#ifndef MAIN_PAPERS_H
#define MAIN_PAPERS_H

#include "main/keeper.h"

struct paper {
	char *name;			/* as the role asks: "chain:/path", "secret:", "ca:" */
	const char *path;		/* within name */
	int fd;				/* -1: could not be read */
	uint64_t stamp;			/* of the file when it was copied */
	struct paper *next;
};

/* Copies and checks.  False: *why (to be freed by nobody) says what is wrong, one line a mistake.
 * change: they replace good ones, so there must be a reason to: not expired, our name. */
bool papers_load(struct generation *g, bool change, struct str *why);
void papers_free(struct generation *g);
/* Gives the child its papers by role. */
void papers_give(struct child *c, void (*give)(struct child *c, const char *name, int fd));
/* Watches the files of the current generation from now on. */
void papers_watch(struct keeper *k);

#endif
