/* SPDX-License-Identifier: ISC */
/*
 * replay: see replay.h.
 */
#include "smtpd/replay.h"

#include <stdlib.h>

enum { SETS = 4096, WAYS = 8, DAY_S = 86'400 };

struct seen { uint64_t key; uint32_t count, day; };

struct replay { struct seen seen[SETS][WAYS]; };

struct replay *
replay_new(void)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	return r;
}

void
replay_free(struct replay *r)
{
	free(r);
}

static uint64_t
mix(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return h;
}

uint64_t
replay_key(struct str domain, struct str b)
{
	uint64_t h = mix(mix(1469598103934665603u, domain) ^ '/', b);

	return (h ^ h >> 29) | 1;			/* 0: nothing */
}

static uint32_t
day_of(int64_t now_s)
{
	return (uint32_t)(now_s / DAY_S);
}

static bool
fresh(const struct seen *s, int64_t now_s)
{
	return s->count > 0 && day_of(now_s) - s->day <= REPLAY_DAYS;
}

uint32_t
replay_seen(const struct replay *r, uint64_t key, int64_t now_s)
{
	const struct seen *set = r->seen[key % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key == key && fresh(&set[i], now_s))
			return set[i].count;
	return 0;
}

/* The one, else the place of the oldest or rarest. */
void
replay_add(struct replay *r, uint64_t key, int64_t now_s)
{
	struct seen *set = r->seen[key % SETS], *to = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key && fresh(&set[i], now_s)) {
			if (set[i].count < UINT32_MAX)
				set[i].count++;
			return;
		}
		if (!fresh(&set[i], now_s))
			set[i].count = 0;
		if (set[i].count < to->count)
			to = &set[i];
	}
	*to = (struct seen){ .key = key, .count = 1, .day = day_of(now_s) };
}
