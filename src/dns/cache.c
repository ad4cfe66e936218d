/* SPDX-License-Identifier: ISC */
/*
 * cache: see cache.h.  One heap block an entry: head, key, packed answer.
 */
#include "dns/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"

enum { KEY_MAX = 2 + DNS_NAME_TEXT_MAX, WORKER_TTL_MAX = 300 };

struct entry {
	struct link lru;
	int64_t expires;
	struct str key, packed;		/* behind this head */
};

static bool
key_make(char key[KEY_MAX], struct str name, uint16_t type, struct str *out)
{
	if (name.n > DNS_NAME_TEXT_MAX)
		return false;
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	key[0] = (char)(type & 255);
	key[1] = (char)(type >> 8);
	for (size_t i = 0; i < name.n; i++)
		key[2 + i] = ascii_lower(name.p[i]);
	*out = (struct str){ key, name.n + 2 };
	return true;
}

static size_t
entry_cost(const struct entry *e)
{
	return sizeof *e + e->key.n + e->packed.n + 64;		/* 64: about what the map takes */
}

static void
entry_drop(struct dns_cache *c, struct entry *e)
{
	(void)map_del(&c->map, e->key);
	list_remove(&e->lru);
	c->entries--;
	c->bytes -= entry_cost(e);
	free(e);
}

void
dns_cache_init(struct dns_cache *c, size_t entries_max, size_t bytes_max)
{
	*c = (struct dns_cache){ .entries_max = entries_max, .bytes_max = bytes_max };
	link_init(&c->lru);
}

void
dns_cache_done(struct dns_cache *c)
{
	while (!list_empty(&c->lru))
		entry_drop(c, CONTAINER_OF(c->lru.next, struct entry, lru));
	map_done(&c->map);
}

bool
dns_cache_get(struct dns_cache *c, struct str name, uint16_t type, int64_t now, struct arena *a,
    struct dns_answer *out)
{
	char space[KEY_MAX];
	struct str key;

	if (!key_make(space, name, type, &key))
		return false;
	struct entry *e = map_get(&c->map, key);
	if (!e)
		return false;
	if (e->expires <= now || !dns_unpack(e->packed, a, out)) {
		entry_drop(c, e);
		return false;
	}
	list_remove(&e->lru);
	list_push_front(&c->lru, &e->lru);
	out->ttl = (uint32_t)((e->expires - now) / 1000);
	return true;
}

void
dns_cache_put(struct dns_cache *c, const struct dns_question *q, struct str packed, int64_t now)
{
	uint32_t ttl = MIN(q->answer.ttl, (uint32_t)WORKER_TTL_MAX);
	char space[KEY_MAX];
	struct str key;

	if (q->answer.res == DNS_TEMP || q->answer.res == DNS_BOGUS || ttl == 0 ||
	    !key_make(space, q->name, q->type, &key))
		return;
	struct entry *old = map_get(&c->map, key);
	if (old)
		entry_drop(c, old);
	struct entry *e = malloc(sizeof *e + key.n + packed.n);
	if (!e)
		return;
	char *p = (char *)(e + 1);
	memcpy(p, key.p, key.n);
	memcpy(p + key.n, packed.p, packed.n);
	*e = (struct entry){ .expires = now + (int64_t)ttl * 1000, .key = { p, key.n },
	    .packed = { p + key.n, packed.n } };
	(void)map_put(&c->map, e->key, e);
	list_push_front(&c->lru, &e->lru);
	c->entries++;
	c->bytes += entry_cost(e);
	while (c->entries > c->entries_max || c->bytes > c->bytes_max)
		entry_drop(c, CONTAINER_OF(c->lru.prev, struct entry, lru));
}
