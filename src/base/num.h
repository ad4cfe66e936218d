/* SPDX-License-Identifier: ISC */
/*
 * num: numbers from text, arithmetic that notices overflow, integers at unaligned places.
 *
 * Parsers take the whole slice or nothing: no sign, no space, no prefix, no trailing byte.
 * Owns nothing.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b) ({ __typeof__(a) min_a_ = (a); __typeof__(b) min_b_ = (b); \
	min_a_ < min_b_ ? min_a_ : min_b_; })
#define MAX(a, b) ({ __typeof__(a) max_a_ = (a); __typeof__(b) max_b_ = (b); \
	max_a_ > max_b_ ? max_a_ : max_b_; })

/* Decimal digits, all of s.  False (and *out untouched) when empty, foreign or too big. */
[[nodiscard]] bool num_parse_u64(struct str s, uint64_t *out);
[[nodiscard]] bool num_parse_u32(struct str s, uint32_t *out);
[[nodiscard]] bool num_parse_i64(struct str s, int64_t *out);	/* one leading '-' allowed */
[[nodiscard]] bool num_parse_hex(struct str s, uint64_t *out);

/* Write v in decimal into out (at least 20 bytes); answers the number of bytes. */
size_t num_format_u64(uint64_t v, char *out);

/* False when the exact result does not fit; *out is then not to be used. */
#define num_add(a, b, out) (!__builtin_add_overflow((a), (b), (out)))
#define num_sub(a, b, out) (!__builtin_sub_overflow((a), (b), (out)))
#define num_mul(a, b, out) (!__builtin_mul_overflow((a), (b), (out)))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NUM_LE(bits, v) (v)
#define NUM_BE(bits, v) __builtin_bswap##bits(v)
#else
#define NUM_LE(bits, v) __builtin_bswap##bits(v)
#define NUM_BE(bits, v) (v)
#endif

#define NUM_ACCESS(bits)						\
static inline uint##bits##_t						\
get_le##bits(const void *p)						\
{									\
	uint##bits##_t v;						\
	memcpy(&v, p, sizeof v);					\
	return NUM_LE(bits, v);						\
}									\
static inline uint##bits##_t						\
get_be##bits(const void *p)						\
{									\
	uint##bits##_t v;						\
	memcpy(&v, p, sizeof v);					\
	return NUM_BE(bits, v);						\
}									\
static inline void							\
put_le##bits(void *p, uint##bits##_t v)					\
{									\
	v = NUM_LE(bits, v);						\
	memcpy(p, &v, sizeof v);					\
}									\
static inline void							\
put_be##bits(void *p, uint##bits##_t v)					\
{									\
	v = NUM_BE(bits, v);						\
	memcpy(p, &v, sizeof v);					\
}

NUM_ACCESS(16)
NUM_ACCESS(32)
NUM_ACCESS(64)

/* The next multiple of align (a power of two) that is not below v. */
static inline size_t
num_round_up(size_t v, size_t align)
{
	return (v + align - 1) & ~(align - 1);
}

#endif
