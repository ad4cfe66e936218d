/* SPDX-License-Identifier: ISC */
/*
 * switch: leave one stack and go on on another.
 *
 * Assembly on x86-64 and aarch64: callee-saved registers only; the floating point control words
 * are nobody's to change here.  Elsewhere (or with RT_UCONTEXT) ucontext, with its two system
 * calls per switch.  The first frame of a new stack has a return address of zero, so that
 * debuggers see where it ends.
 *
 * Knows nothing of scheduling or sanitizers: that is co.c.
 */
#ifndef RT_SWITCH_H
#define RT_SWITCH_H

#include <stddef.h>
#include <ucontext.h>

/* A context over ucontext: always built, so that it is always tested. */
struct uctx {
	ucontext_t uc;
	void (*fn)(void *arg);
	void *arg;
};

void uctx_make(struct uctx *c, void *stack, size_t size, void (*fn)(void *), void *arg);
void uctx_switch(struct uctx *from, struct uctx *to);

#if !defined(RT_UCONTEXT) && (defined(__x86_64__) || defined(__aarch64__))

struct ctx {
	void *sp;
};

/* Prepares a context that will call fn(arg) on that stack; fn must never return. */
void ctx_make(struct ctx *c, void *stack, size_t size, void (*fn)(void *), void *arg);

/* In switch_*.S: saves into *save, goes on at to. */
void rt_switch(void **save, void *to);
void rt_entry(void);

static inline void
ctx_switch(struct ctx *from, struct ctx *to)
{
	rt_switch(&from->sp, to->sp);
}

/* What lies below is free while the context is suspended; NULL: not known. */
static inline const char *
ctx_sp(const struct ctx *c)
{
	return c->sp;
}

#else

struct ctx {
	struct uctx u;
};

static inline void
ctx_make(struct ctx *c, void *stack, size_t size, void (*fn)(void *), void *arg)
{
	uctx_make(&c->u, stack, size, fn, arg);
}

static inline void
ctx_switch(struct ctx *from, struct ctx *to)
{
	uctx_switch(&from->u, &to->u);
}

static inline const char *
ctx_sp(const struct ctx *c)
{
	(void)c;
	return NULL;
}

#endif
#endif
