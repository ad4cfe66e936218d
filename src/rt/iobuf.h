/* SPDX-License-Identifier: ISC */
/*
 * iobuf: the buffers of connections, taken when bytes come and given back when they have gone.
 *
 * Two sizes: 16 KiB for talk, 64 KiB for bulk and long lines.  A few of each stay warm; the rest
 * is the system's.  One thread only.  Used by conn*.c and simnet.c.
 */
#ifndef RT_IOBUF_H
#define RT_IOBUF_H

#include <stddef.h>

enum { IOBUF_SMALL = 16 << 10, IOBUF_BIG = 64 << 10 };

struct iobuf {
	struct iobuf *next;		/* in the pool */
	size_t cap;
	char p[];
};

/* Never NULL; cap is at least want, which is at most IOBUF_BIG. */
struct iobuf *iobuf_get(size_t want);
void iobuf_put(struct iobuf *b);	/* NULL is nothing */

/* Buffers now out. */
size_t iobufs_out(void);
void iobufs_done(void);

#endif
