/* SPDX-License-Identifier: ISC */
/*
 * map: hash tables, open addressed: by string (struct map) and by 64-bit number (struct idmap).
 *
 * 1. Strings are hashed with SipHash-1-3 under a key drawn once per process: foreign text cannot
 *    choose collisions.  Numbers get a keyed mix: they are ours.
 * 2. Keys are not copied: the caller keeps the bytes for as long as the entry stands.
 * 3. Values are the caller's; NULL is not a value (it means absent).
 * 4. An empty table owns no memory; it grows at 3/4 and shrinks when 1/8 full.
 * Iteration: size_t at = 0; while (map_next(m, &at, &key, &value)) ...; no changes meanwhile.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_slot {
	struct str key;
	uint64_t hash;
	void *value;
};

struct map {
	struct map_slot *slot;
	size_t n, cap;
};

struct idmap_slot {
	uint64_t key;
	void *value;
};

struct idmap {
	struct idmap_slot *slot;
	size_t n, cap;
};

void *map_get(const struct map *m, struct str key);
/* Set; answers the former value or NULL.  The key bytes of the newest put are kept. */
void *map_put(struct map *m, struct str key, void *value);
/* Remove; answers the value or NULL. */
void *map_del(struct map *m, struct str key);
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);
void map_done(struct map *m);

void *idmap_get(const struct idmap *m, uint64_t key);
void *idmap_put(struct idmap *m, uint64_t key, void *value);
void *idmap_del(struct idmap *m, uint64_t key);
bool idmap_next(const struct idmap *m, size_t *at, uint64_t *key, void **value);
void idmap_done(struct idmap *m);

/* SipHash-1-3 under the process's key, and under a stated one (tests, stable hashes). */
uint64_t map_hash(struct str s);
uint64_t siphash13(const uint64_t key[2], struct str s);

#endif
