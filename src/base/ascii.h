/* SPDX-License-Identifier: ISC */
/*
 * ascii: character classes and case of US-ASCII, whatever the locale says.
 *
 * Bytes above 127 belong to no class and have no case.  Header only; owns nothing.
 */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>

static inline bool
ascii_isdigit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_isupper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
ascii_islower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
ascii_isalpha(char c)
{
	return ascii_isupper(c) || ascii_islower(c);
}

static inline bool
ascii_isalnum(char c)
{
	return ascii_isalpha(c) || ascii_isdigit(c);
}

static inline bool
ascii_isxdigit(char c)
{
	return ascii_isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* SP and HTAB only: a line end is never white space. */
static inline bool
ascii_iswsp(char c)
{
	return c == ' ' || c == '\t';
}

/* SP, HTAB, CR, LF, VT, FF. */
static inline bool
ascii_isspace(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Visible characters, no space. */
static inline bool
ascii_isgraph(char c)
{
	return c > ' ' && c < 0x7f;
}

static inline bool
ascii_isprint(char c)
{
	return c >= ' ' && c < 0x7f;
}

static inline bool
ascii_iscntrl(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static inline char
ascii_lower(char c)
{
	return ascii_isupper(c) ? (char)(c | 0x20) : c;
}

static inline char
ascii_upper(char c)
{
	return ascii_islower(c) ? (char)(c & ~0x20) : c;
}

/* The value of a hexadecimal digit, or -1. */
static inline int
ascii_xval(char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
