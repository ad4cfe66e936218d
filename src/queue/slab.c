/* SPDX-License-Identifier: ISC */
/*
 * slab: chunks are aligned to their size, so an object finds its chunk by masking its address.
 *
 * Each chunk has its own free list through its free objects.
 */
#include "queue/slab.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 65536 };

struct chunk {
	struct link link;
	void *free;			/* first free object; each holds the next */
	unsigned used, fresh;		/* fresh: objects never handed out start here */
};

static size_t
chunk_room(const struct slab *s)
{
	return (CHUNK - sizeof(struct chunk)) / s->size;
}

void
slab_init(struct slab *s, size_t size)
{
	assert(size >= sizeof(void *) && size % 8 == 0 && size <= 4096);
	*s = (struct slab){ .size = size };
	link_init(&s->partial);
	link_init(&s->full);
}

void
slab_done(struct slab *s)
{
	struct link *l;

	while ((l = list_pop(&s->partial)) || (l = list_pop(&s->full)))
		free(CONTAINER_OF(l, struct chunk, link));
	slab_init(s, s->size);
}

static struct chunk *
chunk_new(struct slab *s)
{
	struct chunk *c = aligned_alloc(CHUNK, CHUNK);

	if (!c)
		abort();
	*c = (struct chunk){};
	list_push_front(&s->partial, &c->link);
	s->nchunk++;
	return c;
}

void *
slab_get(struct slab *s)
{
	struct link *l = list_first(&s->partial);
	struct chunk *c = l ? CONTAINER_OF(l, struct chunk, link) : chunk_new(s);
	void *p = c->free;

	if (p)
		memcpy(&c->free, p, sizeof c->free);
	else
		p = (char *)(c + 1) + c->fresh++ * s->size;
	s->nused++;
	if (++c->used == chunk_room(s)) {
		list_remove(&c->link);
		list_push(&s->full, &c->link);
	}
	memset(p, 0, s->size);
	return p;
}

void
slab_put(struct slab *s, void *object)
{
	struct chunk *c = (struct chunk *)((uintptr_t)object & ~(uintptr_t)(CHUNK - 1));
	bool was_full = c->used == chunk_room(s);

	memcpy(object, &c->free, sizeof c->free);
	c->free = object;
	c->used--;
	s->nused--;
	if (was_full) {
		list_remove(&c->link);
		list_push_front(&s->partial, &c->link);
	}
	if (c->used == 0 && s->nchunk > 1) {
		list_remove(&c->link);
		free(c);
		s->nchunk--;
	}
}
