/* SPDX-License-Identifier: ISC */
/*
 * iobuf: two free lists.  See iobuf.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/num.h"
#include "rt/iobuf.h"

static struct {
	size_t payload, warm_max;
	struct iobuf *free;
	size_t nfree;
} kind[] = {
	{ .payload = IOBUF_SMALL - sizeof(struct iobuf), .warm_max = 64 },
	{ .payload = IOBUF_BIG, .warm_max = 16 },
};

static size_t out;

struct iobuf *
iobuf_get(size_t want)
{
	size_t k = want > kind[0].payload;
	struct iobuf *b = kind[k].free;

	assert(want <= IOBUF_BIG);
	out++;
	if (b != NULL) {
		kind[k].free = b->next;
		kind[k].nfree--;
		return b;
	}
	b = malloc(sizeof *b + kind[k].payload);
	if (b == NULL)
		abort();
	b->cap = kind[k].payload;
	return b;
}

void
iobuf_put(struct iobuf *b)
{
	size_t k;

	if (b == NULL)
		return;
	assert(out > 0);
	out--;
	k = b->cap > kind[0].payload;
	if (kind[k].nfree == kind[k].warm_max) {
		free(b);
		return;
	}
	b->next = kind[k].free;
	kind[k].free = b;
	kind[k].nfree++;
}

size_t
iobufs_out(void)
{
	return out;
}

void
iobufs_done(void)
{
	for (size_t k = 0; k < COUNT(kind); k++) {
		while (kind[k].free != NULL) {
			struct iobuf *b = kind[k].free;

			kind[k].free = b->next;
			free(b);
		}
		kind[k].nfree = 0;
	}
}
