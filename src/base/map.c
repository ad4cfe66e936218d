/* SPDX-License-Identifier: ISC */
/*
 * map: linear probing with backward-shift deletion, so there are no tombstones.
 *
 * Two tables with one shape; the code is written twice because the slots differ and a macro
 * would be harder to read than the second copy.  SipHash: Aumasson and Bernstein, 2012.
 */
#include "base/map.h"
#include "base/num.h"

#include <stdlib.h>
#include <sys/random.h>

static uint64_t hash_key[2];
static bool hash_keyed;

static void
hash_key_init(void)
{
	if (getrandom(hash_key, sizeof hash_key, 0) != (ssize_t)sizeof hash_key)
		abort();
	hash_keyed = true;
}

static inline uint64_t
rotl(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = rotl(v[1], 13); v[1] ^= v[0]; v[0] = rotl(v[0], 32);
	v[2] += v[3]; v[3] = rotl(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = rotl(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = rotl(v[1], 17); v[1] ^= v[2]; v[2] = rotl(v[2], 32);
}

uint64_t
siphash13(const uint64_t key[2], struct str s)
{
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t last = (uint64_t)s.n << 56;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		uint64_t m = get_le64(s.p + i);

		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	for (unsigned shift = 0; i < s.n; i++, shift += 8)
		last |= (uint64_t)(unsigned char)s.p[i] << shift;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int r = 0; r < 3; r++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
map_hash(struct str s)
{
	if (!hash_keyed)
		hash_key_init();
	return siphash13(hash_key, s);
}

static inline uint64_t
id_hash(uint64_t id)
{
	if (!hash_keyed)
		hash_key_init();
	id = (id ^ hash_key[0]) * UINT64_C(0x9e3779b97f4a7c15);
	return id ^ id >> 32;
}

/* The new capacity for n entries, or the old one when that will do. */
static size_t
new_cap(size_t n, size_t cap)
{
	if (n + 1 > cap - cap / 4)
		return cap ? cap * 2 : 8;
	if (cap > 64 && n < cap / 8)
		return cap / 2;
	return cap;
}

static void *
slots_new(size_t cap, size_t size)
{
	void *p = calloc(cap, size);

	if (!p)
		abort();
	return p;
}

static size_t
map_find(const struct map *m, struct str key, uint64_t hash)
{
	size_t mask = m->cap - 1, i = hash & mask;

	while (m->slot[i].value && !(m->slot[i].hash == hash && str_eq(m->slot[i].key, key)))
		i = (i + 1) & mask;
	return i;
}

static void
map_resize(struct map *m, size_t cap)
{
	struct map old = *m;

	if (cap == m->cap)
		return;
	m->slot = slots_new(cap, sizeof *m->slot);
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slot[i].value)
			m->slot[map_find(m, old.slot[i].key, old.slot[i].hash)] = old.slot[i];
	free(old.slot);
}

void *
map_get(const struct map *m, struct str key)
{
	if (m->n == 0)
		return NULL;
	return m->slot[map_find(m, key, map_hash(key))].value;
}

void *
map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_slot *s;
	void *old;

	map_resize(m, new_cap(m->n, m->cap));
	s = &m->slot[map_find(m, key, hash)];
	old = s->value;
	m->n += old == NULL;
	*s = (struct map_slot){ .key = key, .hash = hash, .value = value };
	return old;
}

void *
map_del(struct map *m, struct str key)
{
	size_t mask = m->cap - 1, i, j;
	void *old;

	if (m->n == 0)
		return NULL;
	i = map_find(m, key, map_hash(key));
	old = m->slot[i].value;
	if (!old)
		return NULL;
	/* Move back each follower that may not be found across the hole. */
	for (j = (i + 1) & mask; m->slot[j].value; j = (j + 1) & mask) {
		size_t home = m->slot[j].hash & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->slot[i] = m->slot[j];
			i = j;
		}
	}
	m->slot[i] = (struct map_slot){};
	if (--m->n == 0)
		map_done(m);
	else if (m->n < m->cap / 8)
		map_resize(m, new_cap(m->n, m->cap));
	return old;
}

bool
map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
	while (*at < m->cap) {
		const struct map_slot *s = &m->slot[(*at)++];

		if (s->value) {
			*key = s->key;
			*value = s->value;
			return true;
		}
	}
	return false;
}

void
map_done(struct map *m)
{
	free(m->slot);
	*m = (struct map){};
}

static size_t
idmap_find(const struct idmap *m, uint64_t key)
{
	size_t mask = m->cap - 1, i = id_hash(key) & mask;

	while (m->slot[i].value && m->slot[i].key != key)
		i = (i + 1) & mask;
	return i;
}

static void
idmap_resize(struct idmap *m, size_t cap)
{
	struct idmap old = *m;

	if (cap == m->cap)
		return;
	m->slot = slots_new(cap, sizeof *m->slot);
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slot[i].value)
			m->slot[idmap_find(m, old.slot[i].key)] = old.slot[i];
	free(old.slot);
}

void *
idmap_get(const struct idmap *m, uint64_t key)
{
	return m->n ? m->slot[idmap_find(m, key)].value : NULL;
}

void *
idmap_put(struct idmap *m, uint64_t key, void *value)
{
	struct idmap_slot *s;
	void *old;

	idmap_resize(m, new_cap(m->n, m->cap));
	s = &m->slot[idmap_find(m, key)];
	old = s->value;
	m->n += old == NULL;
	*s = (struct idmap_slot){ .key = key, .value = value };
	return old;
}

void *
idmap_del(struct idmap *m, uint64_t key)
{
	size_t mask = m->cap - 1, i, j;
	void *old;

	if (m->n == 0)
		return NULL;
	i = idmap_find(m, key);
	old = m->slot[i].value;
	if (!old)
		return NULL;
	for (j = (i + 1) & mask; m->slot[j].value; j = (j + 1) & mask) {
		size_t home = id_hash(m->slot[j].key) & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->slot[i] = m->slot[j];
			i = j;
		}
	}
	m->slot[i] = (struct idmap_slot){};
	if (--m->n == 0)
		idmap_done(m);
	else if (m->n < m->cap / 8)
		idmap_resize(m, new_cap(m->n, m->cap));
	return old;
}

bool
idmap_next(const struct idmap *m, size_t *at, uint64_t *key, void **value)
{
	while (*at < m->cap) {
		const struct idmap_slot *s = &m->slot[(*at)++];

		if (s->value) {
			*key = s->key;
			*value = s->value;
			return true;
		}
	}
	return false;
}

void
idmap_done(struct idmap *m)
{
	free(m->slot);
	*m = (struct idmap){};
}
