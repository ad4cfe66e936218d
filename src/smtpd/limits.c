/* SPDX-License-Identifier: ISC */
/*
 * limits: a table by address, with idle entries in order of age.  See limits.h.
 */
#include "smtpd/limits.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/num.h"

enum { MINUTE_MS = 60'000 };

struct peer_count {
	struct link idle;		/* in limiter.idle when live == 0 */
	uint64_t key;
	uint64_t live, rate;
	int64_t minute_ms;		/* when the present minute began */
};

struct limiter {
	struct idmap peers;
	struct link idle;		/* oldest first */
	size_t max;
};

struct limiter *
limiter_new(size_t addresses_max)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (l) {
		l->max = addresses_max;
		link_init(&l->idle);
	}
	return l;
}

void
limiter_free(struct limiter *l)
{
	size_t at = 0;
	uint64_t key;
	void *v;

	if (!l)
		return;
	while (idmap_next(&l->peers, &at, &key, &v))
		free(v);
	idmap_done(&l->peers);
	free(l);
}

/* A v4 address, or the /64 of a v6 one: whoever has one address of it has them all. */
static uint64_t
key_of(struct ip ip)
{
	uint64_t k;

	if (!ip.v6)
		return get_be32(ip.b);
	k = get_be64(ip.b);
	return k >> 32 ? k : ~k;
}

static void
forget(struct limiter *l, struct peer_count *p)
{
	list_remove(&p->idle);
	(void)idmap_del(&l->peers, p->key);
	free(p);
}

static void
sweep(struct limiter *l, int64_t now)
{
	struct link *first;

	while ((first = list_first(&l->idle)) != NULL) {
		struct peer_count *p = CONTAINER_OF(first, struct peer_count, idle);

		if (now - p->minute_ms < MINUTE_MS && l->peers.n < l->max)
			return;
		forget(l, p);
	}
}

static struct peer_count *
peer_new(struct limiter *l, uint64_t key, int64_t now)
{
	struct peer_count *p;

	sweep(l, now);
	if (l->peers.n >= l->max || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->key = key;
	p->minute_ms = now;
	link_init(&p->idle);
	(void)idmap_put(&l->peers, key, p);
	return p;
}

struct peer_count *
limiter_enter(struct limiter *l, struct ip ip, int64_t now)
{
	uint64_t key = key_of(ip);
	struct peer_count *p = idmap_get(&l->peers, key);

	if (!p && (p = peer_new(l, key, now)) == NULL)
		return NULL;
	list_remove(&p->idle);
	if (now - p->minute_ms >= MINUTE_MS) {
		p->minute_ms = now;
		p->rate = 0;
	}
	p->live++;
	p->rate++;
	return p;
}

void
limiter_leave(struct limiter *l, struct peer_count *p, int64_t now)
{
	if (!p)
		return;
	if (--p->live == 0) {
		list_push(&l->idle, &p->idle);
		sweep(l, now);
	}
}

uint64_t
peer_live(const struct peer_count *p)
{
	return p->live;
}

uint64_t
peer_rate(const struct peer_count *p)
{
	return p->rate;
}

size_t
limiter_count(const struct limiter *l)
{
	return l->peers.n;
}
