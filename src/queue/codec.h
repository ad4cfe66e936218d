/* SPDX-License-Identifier: ISC */
/*
 * codec: numbers and strings of the queue's journal records.
 *
 * Numbers are LEB128 (seven bits a byte, least first) or little-endian of a stated width; strings
 * are a length and their bytes.  Readers never pass the end: they set bad and answer zero.
 */
#ifndef QUEUE_CODEC_H
#define QUEUE_CODEC_H

#include "base/buf.h"
#include "base/num.h"

static inline void
put_var(struct buf *b, uint64_t v)
{
	do {
		char c = (char)(v & 0x7f);

		v >>= 7;
		(void)buf_putc(b, v ? (char)(c | (char)0x80) : c);
	} while (v);
}

static inline void
put_u32(struct buf *b, uint32_t v)
{
	char *p = buf_reserve(b, 4);

	if (p) {
		put_le32(p, v);
		buf_add(b, 4);
	}
}

static inline void
put_u64(struct buf *b, uint64_t v)
{
	char *p = buf_reserve(b, 8);

	if (p) {
		put_le64(p, v);
		buf_add(b, 8);
	}
}

static inline void
put_string(struct buf *b, struct str s)
{
	put_var(b, s.n);
	(void)buf_put(b, s);
}

struct taker {
	struct str rest;
	bool bad;
};

static inline uint64_t
take_var(struct taker *t)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char c;

		if (t->rest.n == 0)
			break;
		c = (unsigned char)t->rest.p[0];
		t->rest = str_skip(t->rest, 1);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return v;
	}
	t->bad = true;
	return 0;
}

static inline struct str
take_bytes(struct taker *t, uint64_t n)
{
	struct str s;

	if (t->bad || n > t->rest.n) {
		t->bad = true;
		return (struct str){};
	}
	s = str_sub(t->rest, 0, (size_t)n);
	t->rest = str_skip(t->rest, (size_t)n);
	return s;
}

static inline uint32_t
take_le32(struct taker *t)
{
	struct str s = take_bytes(t, 4);

	return s.n == 4 ? get_le32(s.p) : 0;
}

static inline uint64_t
take_le64(struct taker *t)
{
	struct str s = take_bytes(t, 8);

	return s.n == 8 ? get_le64(s.p) : 0;
}

static inline struct str
take_string(struct taker *t)
{
	return take_bytes(t, take_var(t));
}

#endif
