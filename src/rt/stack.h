/* SPDX-License-Identifier: ISC */
/*
 * stack: memory for coroutines, each region over a guard that no access survives.
 *
 * 1. Regions are carved from slabs that are never unmapped before stacks_done.
 * 2. A returned region is reused, the last first; beyond a few warm ones its pages go back to the
 *    system at once.
 * 3. The guard needs no mapping of its own where the kernel can (MADV_GUARD_INSTALL, 6.13);
 *    elsewhere each region is two mappings, so vm.max_map_count bounds them to about 32,000.
 */
#ifndef RT_STACK_H
#define RT_STACK_H

#include <stddef.h>

struct stack {
	char *low;			/* the lowest usable byte; the guard is below */
	size_t size;
	struct stack *next;		/* in the pool */
	unsigned valgrind_id;
};

/* Usable bytes of each region; before the first stack_get. */
void stacks_size(size_t bytes);

/* NULL: the system gives no more. */
struct stack *stack_get(void);
void stack_put(struct stack *s);

/* Gives the pages that lie wholly within [low, below) back to the system. */
void stack_trim(struct stack *s, const char *below);

size_t stacks_out(void);

/* Unmaps all; every region must have been put back. */
void stacks_done(void);

#endif
