/* SPDX-License-Identifier: ISC */
/*
 * arena: chunks and their free list.
 *
 * A first chunk is small (1 KiB) because most lifetimes need little; later ones are 4 KiB, then
 * 16 KiB.  Anything that would waste half a chunk gets one of its own, from malloc.
 */
#include "base/arena.h"
#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>

struct arena_chunk {
	struct arena_chunk *next;
	unsigned class;			/* index into class_size, or CLASS_OWN */
	unsigned pad;
};

static const size_t class_size[] = { 1024, 4096, 16384 };
static const unsigned class_keep[] = { 1024, 256, 64 };		/* chunks pooled at most */

enum { NCLASS = 3, CLASS_OWN = NCLASS };

static _Thread_local struct {
	struct arena_chunk *first;
	unsigned n;
} pool[NCLASS];

static struct arena_chunk *
chunk_get(unsigned class, size_t size)
{
	struct arena_chunk *c;

	if (class < NCLASS && pool[class].first) {
		c = pool[class].first;
		pool[class].first = c->next;
		pool[class].n--;
		return c;
	}
	c = malloc(size);
	if (!c)
		abort();
	c->class = class;
	return c;
}

static void
chunk_put(struct arena_chunk *c)
{
	if (c->class < NCLASS && pool[c->class].n < class_keep[c->class]) {
		c->next = pool[c->class].first;
		pool[c->class].first = c;
		pool[c->class].n++;
		return;
	}
	free(c);
}

void *
arena_more(struct arena *a, size_t n)
{
	size_t want = num_round_up(n, 8);
	unsigned class = 0;
	struct arena_chunk *c;

	if (want < n || want > a->limit - a->used)
		return NULL;
	if (a->chunk)
		class = a->chunk->class >= 1 ? 2 : 1;
	while (class < NCLASS && want > class_size[class] - sizeof *c)
		class++;
	if (class == CLASS_OWN) {
		/* Behind the newest chunk, so that its room stays in use. */
		c = chunk_get(class, want + sizeof *c);
		if (a->chunk) {
			c->next = a->chunk->next;
			a->chunk->next = c;
		} else {
			c->next = NULL;
			a->chunk = c;
		}
		a->used += want;
		return c + 1;
	}
	c = chunk_get(class, class_size[class]);
	c->next = a->chunk;
	a->chunk = c;
	a->at = (char *)(c + 1);
	a->end = (char *)c + class_size[class];
	void *p = a->at;

	a->at += want;
	a->used += want;
	return p;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->chunk;

	while (c) {
		struct arena_chunk *next = c->next;

		chunk_put(c);
		c = next;
	}
	*a = (struct arena){ .limit = a->limit };
}

void
arena_done(struct arena *a)
{
	arena_reset(a);
}

void
arena_trim(void)
{
	for (unsigned i = 0; i < NCLASS; i++) {
		while (pool[i].first) {
			struct arena_chunk *c = pool[i].first;

			pool[i].first = c->next;
			free(c);
		}
		pool[i].n = 0;
	}
}

struct str
str_dup(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n);

	if (!p)
		return (struct str){};
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

char *
str_z(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (!p)
		return NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

struct str
str_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n);

	if (!p)
		return (struct str){};
	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	return (struct str){ p, s.n };
}

struct str
str_cat_n(struct arena *a, const struct str *s, size_t n)
{
	size_t total = 0;
	char *p, *to;

	for (size_t i = 0; i < n; i++)
		total += s[i].n;
	p = to = arena_alloc(a, total);
	if (!p)
		return (struct str){};
	for (size_t i = 0; i < n; i++) {
		if (s[i].n)
			memcpy(to, s[i].p, s[i].n);
		to += s[i].n;
	}
	return (struct str){ p, total };
}

struct str
str_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	int len;
	char *p;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return (struct str){};
	p = arena_alloc(a, (size_t)len + 1);
	if (!p)
		return (struct str){};
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)len };
}
