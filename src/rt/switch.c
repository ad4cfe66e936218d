/* SPDX-License-Identifier: ISC */
/*
 * switch: how a new stack must look so that the first switch to it calls a function; and the
 * switch over ucontext for machines without assembly of their own.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rt/switch.h"

#if !defined(RT_UCONTEXT) && (defined(__x86_64__) || defined(__aarch64__))

#if defined(__x86_64__)
enum { FRAME = 7, AT_FN = 3, AT_ARG = 2, AT_PC = 6 };	/* words; see switch_x86_64.S */
#else
enum { FRAME = 20, AT_FN = 0, AT_ARG = 1, AT_PC = 11 };	/* see switch_aarch64.S */
#endif

void
ctx_make(struct ctx *c, void *stack, size_t size, void (*fn)(void *), void *arg)
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
	uintptr_t *frame = (uintptr_t *)top - FRAME;

	memset(frame, 0, FRAME * sizeof *frame);
	frame[AT_FN] = (uintptr_t)fn;
	frame[AT_ARG] = (uintptr_t)arg;
	frame[AT_PC] = (uintptr_t)rt_entry;
	c->sp = frame;
}

#endif

/* makecontext passes ints only: the pointer goes in two halves. */
static void
uctx_entry(unsigned low, unsigned high)
{
	struct uctx *c = (struct uctx *)((uintptr_t)low | (uintptr_t)high << 16 << 16);

	c->fn(c->arg);
	abort();			/* a context's function must not return */
}

void
uctx_make(struct uctx *c, void *stack, size_t size, void (*fn)(void *), void *arg)
{
	uintptr_t self = (uintptr_t)c;

	c->fn = fn;
	c->arg = arg;
	(void)getcontext(&c->uc);
	c->uc.uc_stack.ss_sp = stack;
	c->uc.uc_stack.ss_size = size;
	c->uc.uc_link = NULL;
	makecontext(&c->uc, (void (*)(void))(void *)uctx_entry, 2, (unsigned)self,
	    (unsigned)(self >> 16 >> 16));
}

void
uctx_switch(struct uctx *from, struct uctx *to)
{
	int rc = swapcontext(&from->uc, &to->uc);

	assert(rc == 0);
	(void)rc;
}
