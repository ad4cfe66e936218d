/* SPDX-License-Identifier: ISC */
/*
 * sanitize: telling AddressSanitizer and valgrind which stack we are on.  Nothing in a plain
 * build; valgrind's header is optional and its requests cost a few instructions per new stack.
 *
 * Included by co.c and stack.c only.
 */
#ifndef RT_SANITIZE_H
#define RT_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define RT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RT_ASAN 1
#endif
#endif

#ifdef RT_ASAN

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

enum { STACK_SIZE_DEFAULT = 256 * 1024 };

/* fake: where the stack that is left keeps its fake frames; NULL when it is left for ever. */
#define fiber_leave(fake, low, size) __sanitizer_start_switch_fiber((fake), (low), (size))
#define fiber_arrive(fake, low, size) __sanitizer_finish_switch_fiber((fake), (low), (size))
#define stack_unpoison(low, size) __asan_unpoison_memory_region((low), (size))

#else

enum { STACK_SIZE_DEFAULT = 64 * 1024 };

#define fiber_leave(fake, low, size) ((void)(fake), (void)(low), (void)(size))
#define fiber_arrive(fake, low, size) ((void)(fake), (void)(low), (void)(size))
#define stack_unpoison(low, size) ((void)(low), (void)(size))

#endif

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#define RT_VALGRIND 1
#endif
#endif

#ifdef RT_VALGRIND
#include <valgrind/valgrind.h>

static inline unsigned
stack_register(char *low, size_t size)
{
	return VALGRIND_STACK_REGISTER(low, low + size);
}

static inline void
stack_unregister(unsigned id)
{
	VALGRIND_STACK_DEREGISTER(id);
}
#else
static inline unsigned
stack_register(char *low, size_t size)
{
	(void)low;
	(void)size;
	return 0;
}

static inline void
stack_unregister(unsigned id)
{
	(void)id;
}
#endif
#endif
