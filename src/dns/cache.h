/* SPDX-License-Identifier: ISC */
/*
 * cache: packed DNS answers by name and type, bounded, the least recently used go first.
 *
 * Time is given by the caller in ms, so that a simulated clock can drive it.  Owns its memory.
 */
#ifndef DNS_CACHE_H
#define DNS_CACHE_H

#include "base/list.h"
#include "base/map.h"
#include "dns/dns.h"

struct dns_cache {
	struct map map;
	struct link lru;		/* most recent first */
	size_t entries, bytes, entries_max, bytes_max;
};

void dns_cache_init(struct dns_cache *c, size_t entries_max, size_t bytes_max);
void dns_cache_done(struct dns_cache *c);
/* True: *out is a copy in a, its ttl what is left of it. */
bool dns_cache_get(struct dns_cache *c, struct str name, uint16_t type, int64_t now,
    struct arena *a, struct dns_answer *out);
/* packed is an answer as dns_pack made it, ans the same unpacked. */
void dns_cache_put(struct dns_cache *c, const struct dns_question *q, struct str packed,
    int64_t now);

#endif
