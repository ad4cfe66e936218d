/* SPDX-License-Identifier: ISC */
/*
 * stack: slabs, guards and the pool.  See stack.h.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rt/sanitize.h"
#include "rt/stack.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102		/* Linux 6.13; older headers do not name it */
#endif

enum { SLAB_STACKS = 16, WARM_MAX = 64 };

struct slab {
	struct slab *next;
	char *p;
	size_t n;
	struct stack stack[SLAB_STACKS];
};

static struct {
	size_t size;			/* usable bytes of each */
	size_t guard;
	struct slab *slabs;
	struct stack *warm, *cold;
	size_t nwarm, out;
	bool no_guard_markers;
} pool;

void
stacks_size(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	assert(pool.slabs == NULL);
	pool.guard = page;
	pool.size = (bytes + page - 1) / page * page;
}

static bool
guard_install(char *p)
{
	if (!pool.no_guard_markers) {
		if (madvise(p, pool.guard, MADV_GUARD_INSTALL) == 0)
			return true;
		pool.no_guard_markers = true;
	}
	return mprotect(p, pool.guard, PROT_NONE) == 0;
}

static bool
slab_new(void)
{
	size_t each = pool.guard + pool.size;
	struct slab *s = calloc(1, sizeof *s);

	if (s == NULL)
		return false;
	s->n = each * SLAB_STACKS;
	s->p = mmap(NULL, s->n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (s->p == MAP_FAILED) {
		free(s);
		return false;
	}
	/* One touched page must not become two megabytes. */
	(void)madvise(s->p, s->n, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < SLAB_STACKS; i++) {
		struct stack *st = &s->stack[i];

		if (!guard_install(s->p + i * each)) {
			(void)munmap(s->p, s->n);
			free(s);
			return false;
		}
		st->low = s->p + i * each + pool.guard;
		st->size = pool.size;
	}
	for (size_t i = SLAB_STACKS; i-- > 0; ) {
		struct stack *st = &s->stack[i];

		st->valgrind_id = stack_register(st->low, st->size);
		st->next = pool.cold;
		pool.cold = st;
	}
	s->next = pool.slabs;
	pool.slabs = s;
	return true;
}

struct stack *
stack_get(void)
{
	struct stack *s = pool.warm;

	if (pool.size == 0)
		stacks_size(STACK_SIZE_DEFAULT);
	if (s != NULL) {
		pool.warm = s->next;
		pool.nwarm--;
	} else {
		if (pool.cold == NULL && !slab_new())
			return NULL;
		s = pool.cold;
		pool.cold = s->next;
	}
	s->next = NULL;
	pool.out++;
	return s;
}

void
stack_put(struct stack *s)
{
	stack_unpoison(s->low, s->size);
	assert(pool.out > 0);
	pool.out--;
	if (pool.nwarm < WARM_MAX) {
		s->next = pool.warm;
		pool.warm = s;
		pool.nwarm++;
		return;
	}
	stack_trim(s, s->low + s->size);
	s->next = pool.cold;
	pool.cold = s;
}

void
stack_trim(struct stack *s, const char *below)
{
	size_t n = (size_t)(below - s->low) / pool.guard * pool.guard;

	if (n > 0)
		(void)madvise(s->low, n, MADV_DONTNEED);
}

size_t
stacks_out(void)
{
	return pool.out;
}

void
stacks_done(void)
{
	assert(pool.out == 0);
	while (pool.slabs != NULL) {
		struct slab *s = pool.slabs;

		pool.slabs = s->next;
		for (size_t i = 0; i < SLAB_STACKS; i++)
			stack_unregister(s->stack[i].valgrind_id);
		(void)munmap(s->p, s->n);
		free(s);
	}
	pool.warm = pool.cold = NULL;
	pool.nwarm = 0;
}
