/* SPDX-License-Identifier: ISC */
/*
 * test: what the table-driven unit tests share, on top of cmocka.
 *
 * A case names its input: T_CASE(name) notes it, and a failing check prints it with the line.
 * Checks assert at once; call them on the main stack only (cmocka leaves by longjmp).
 * Included by *_test.c alone.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/str.h"

static const char *t_case_name = "";

#define T_CASE(name) (t_case_name = (name))

__attribute__((unused)) static void
t_fail(const char *what, const char *file, int line)
{
	print_error("case '%s': %s\n", t_case_name, what);
	_fail(file, line);
}

#define t_true(cond) \
	do { if (!(cond)) t_fail("not true: " #cond, __FILE__, __LINE__); } while (0)

#define t_false(cond) t_true(!(cond))

/* Integers, compared as signed 64 bit. */
#define t_int(got, want) t_int_at((int64_t)(got), (int64_t)(want), __FILE__, __LINE__)

__attribute__((unused)) static void
t_int_at(int64_t got, int64_t want, const char *file, int line)
{
	char text[80];

	if (got == want)
		return;
	(void)snprintf(text, sizeof text, "got %lld, want %lld", (long long)got, (long long)want);
	t_fail(text, file, line);
}

/* A slice against a C string. */
#define t_str(got, want) t_str_at((got), str_of(want), __FILE__, __LINE__)
/* Two slices. */
#define t_streq(got, want) t_str_at((got), (want), __FILE__, __LINE__)

__attribute__((unused)) static void
t_str_at(struct str got, struct str want, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("got  \"" STR_F "\" (%zu)\nwant \"" STR_F "\" (%zu)\n",
	    STR_A(got), got.n, STR_A(want), want.n);
	t_fail("strings differ", file, line);
}

#endif
