/* SPDX-License-Identifier: ISC */
/*
 * slab: objects of one size in 64 KiB chunks, without a header each.
 *
 * A million queue entries must cost what their structs cost.  A chunk that empties goes back to
 * the system (one is kept), so a queue that drained is small again.  Objects come zeroed.
 */
#ifndef QUEUE_SLAB_H
#define QUEUE_SLAB_H

#include <stddef.h>

#include "base/list.h"

struct slab {
	size_t size;			/* of an object, a multiple of 8 */
	struct link partial;		/* chunks with room */
	struct link full;
	size_t nchunk, nused;
};

/* size <= 4096 */
void slab_init(struct slab *s, size_t size);
/* Frees everything, also what is in use. */
void slab_done(struct slab *s);

void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *object);

#endif
