/* SPDX-License-Identifier: ISC */
/*
 * guard: see guard.h.
 *
 * A bucket's level falls by its limit in one window; levels are kept in thousandths.
 */
#include "sasl/guard.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/num.h"

enum { SPRAY_USERS = 32, DELAY_DOUBLINGS = 5 };

#define KNOWN_LIFE_MS	(30ll * 86'400 * 1000)

enum kind { K_ADDRESS = 1, K_NETWORK, K_USER, K_SPRAY, K_PAIR, K_HOPE };

struct bucket {
	struct link age;		/* in its shelf, least recently touched first */
	uint64_t key;
	int64_t touched_ms;
	uint64_t level;			/* thousandths of a failure */
	uint32_t nuser;
	uint64_t user[];		/* SPRAY: hashes of those tried */
};

struct shelf {
	struct idmap by_key;
	struct link age;
	size_t room;
};

struct guard {
	const struct limits *lim;
	uint64_t secret[2];
	struct shelf tried, sprays, known;
};

static void
shelf_init(struct shelf *s, size_t room)
{
	*s = (struct shelf){ .room = room };
	link_init(&s->age);
}

static void
forget(struct shelf *s, struct bucket *b)
{
	list_remove(&b->age);
	(void)idmap_del(&s->by_key, b->key);
	free(b);
}

static void
shelf_done(struct shelf *s)
{
	struct link *l;

	while ((l = list_first(&s->age)) != NULL)
		forget(s, CONTAINER_OF(l, struct bucket, age));
	idmap_done(&s->by_key);
}

struct guard *
guard_new(const struct limits *lim, size_t room)
{
	struct guard *g = calloc(1, sizeof *g);

	if (g == NULL || RAND_bytes((unsigned char *)g->secret, sizeof g->secret) != 1)
		abort();
	g->lim = lim;
	shelf_init(&g->tried, room);
	shelf_init(&g->sprays, room / 8 + 1);
	shelf_init(&g->known, room);
	return g;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	shelf_done(&g->tried);
	shelf_done(&g->sprays);
	shelf_done(&g->known);
	free(g);
}

size_t
guard_count(const struct guard *g)
{
	return g->tried.by_key.n + g->sprays.by_key.n + g->known.by_key.n;
}

/* ---- keys ---- */

static uint64_t
hash(const struct guard *g, enum kind kind, struct str a, struct str b)
{
	uint64_t part[3] = { (uint64_t)kind, siphash13(g->secret, a), siphash13(g->secret, b) };
	uint64_t h = siphash13(g->secret, str_from(part, sizeof part));

	return h != 0 ? h : 1;
}

/* One IPv6 customer has a /64, so that is the address. */
static struct str
address_of(const struct ip *ip, char b[17])
{
	b[0] = ip->v6 ? 6 : 4;
	memcpy(b + 1, ip->b, ip->v6 ? 8 : 4);
	return str_from(b, ip->v6 ? 9 : 5);
}

static struct str
network_of(const struct ip *ip, char b[17])
{
	b[0] = ip->v6 ? 16 : 14;
	memcpy(b + 1, ip->b, ip->v6 ? 6 : 3);
	return str_from(b, ip->v6 ? 7 : 4);
}

static uint64_t
key_of(const struct guard *g, enum kind kind, const struct guard_try *t)
{
	char b[17];

	switch (kind) {
	case K_ADDRESS:
	case K_HOPE:	return hash(g, kind, address_of(&t->ip, b), STR(""));
	case K_NETWORK:	return hash(g, kind, network_of(&t->ip, b), STR(""));
	case K_USER:	return hash(g, kind, t->user, STR(""));
	case K_SPRAY:	return hash(g, kind, t->password, STR(""));
	case K_PAIR:	return hash(g, kind, address_of(&t->ip, b), t->user);
	}
	return 1;
}

static uint64_t
limit_of(const struct guard *g, enum kind kind)
{
	switch (kind) {
	case K_ADDRESS:	return g->lim->auth_ip;
	case K_NETWORK:	return g->lim->auth_net;
	case K_USER:	return g->lim->auth_user;
	case K_SPRAY:	return MIN(g->lim->auth_spray, (uint64_t)SPRAY_USERS);
	case K_PAIR:
	case K_HOPE:	break;
	}
	return 1;
}

/* ---- buckets ---- */

static uint64_t
level_now(const struct guard *g, const struct bucket *b, enum kind kind, int64_t now)
{
	uint64_t gone = (uint64_t)MAX(now - b->touched_ms, (int64_t)0) * 1000 * limit_of(g, kind) /
	    (uint64_t)g->lim->auth_window_ms;

	return b->level > gone ? b->level - gone : 0;
}

static bool
is_full(const struct guard *g, enum kind kind, const struct guard_try *t)
{
	const struct bucket *b = idmap_get(&g->tried.by_key, key_of(g, kind, t));

	return b != NULL &&
	    level_now(g, b, kind, t->now_ms) + 1000 > limit_of(g, kind) * 1000;
}

static struct bucket *
touch(struct shelf *s, uint64_t key, size_t users)
{
	struct bucket *b = idmap_get(&s->by_key, key);

	if (b != NULL) {
		list_remove(&b->age);
	} else {
		if (s->by_key.n >= s->room)
			forget(s, CONTAINER_OF(list_first(&s->age), struct bucket, age));
		b = calloc(1, sizeof *b + users * sizeof b->user[0]);
		if (b == NULL)
			abort();
		b->key = key;
		(void)idmap_put(&s->by_key, key, b);
	}
	list_push(&s->age, &b->age);
	return b;
}

static uint64_t
pour(struct guard *g, enum kind kind, const struct guard_try *t)
{
	struct bucket *b = touch(&g->tried, key_of(g, kind, t), 0);
	uint64_t most = limit_of(g, kind) * 1000;

	b->level = MIN(level_now(g, b, kind, t->now_ms) + 1000, most);
	b->touched_ms = t->now_ms;
	return b->level / 1000;
}

/* ---- sprays ---- */

static const struct bucket *
spray_of(const struct guard *g, const struct guard_try *t)
{
	const struct bucket *b = idmap_get(&g->sprays.by_key, key_of(g, K_SPRAY, t));

	return b != NULL && t->now_ms - b->touched_ms < g->lim->auth_window_ms ? b : NULL;
}

static bool
is_spray(const struct guard *g, const struct guard_try *t)
{
	const struct bucket *b = t->password.n > 0 ? spray_of(g, t) : NULL;

	return b != NULL && b->nuser >= limit_of(g, K_SPRAY);
}

static void
note_spray(struct guard *g, const struct guard_try *t)
{
	bool old = spray_of(g, t) != NULL;
	struct bucket *b = touch(&g->sprays, key_of(g, K_SPRAY, t), SPRAY_USERS);
	uint64_t user = key_of(g, K_USER, t);

	if (!old)
		b->nuser = 0;
	b->touched_ms = t->now_ms;
	for (uint32_t i = 0; i < b->nuser; i++)
		if (b->user[i] == user)
			return;
	if (b->nuser < SPRAY_USERS)
		b->user[b->nuser++] = user;
}

/* ---- questions ---- */

static bool
is_known(const struct guard *g, enum kind kind, const struct guard_try *t)
{
	const struct bucket *b = idmap_get(&g->known.by_key, key_of(g, kind, t));

	return b != NULL && t->now_ms - b->touched_ms < KNOWN_LIFE_MS;
}

enum guard_why
guard_ask(struct guard *g, const struct guard_try *t)
{
	if (is_known(g, t->user.n > 0 ? K_PAIR : K_HOPE, t))
		return GUARD_GO;
	if (is_full(g, K_ADDRESS, t))
		return GUARD_ADDRESS;
	if (is_full(g, K_NETWORK, t))
		return GUARD_NETWORK;
	if (t->user.n > 0 && is_full(g, K_USER, t))
		return GUARD_USER;
	return is_spray(g, t) ? GUARD_SPRAY : GUARD_GO;
}

int64_t
guard_failed(struct guard *g, const struct guard_try *t)
{
	uint64_t n = pour(g, K_ADDRESS, t);

	(void)pour(g, K_NETWORK, t);
	if (t->user.n > 0)
		(void)pour(g, K_USER, t);
	if (t->user.n > 0 && t->password.n > 0)
		note_spray(g, t);
	n = n > 0 ? n - 1 : 0;
	return g->lim->auth_delay_ms << MIN(n, (uint64_t)DELAY_DOUBLINGS);
}

void
guard_good(struct guard *g, const struct guard_try *t)
{
	touch(&g->known, key_of(g, K_PAIR, t), 0)->touched_ms = t->now_ms;
	touch(&g->known, key_of(g, K_HOPE, t), 0)->touched_ms = t->now_ms;
}
