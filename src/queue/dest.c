/* SPDX-License-Identifier: ISC */
/*
 * dest: rings, lanes, windows.
 *
 * The ring a destination stands in is that of the sender of its next unit at the moment it was put
 * there; with each turn it moves on.  Lanes are allotted by hashed sender: two senders may share
 * one, which is why the hash is salted per process.
 */
#include "queue/dest.h"
#include "base/num.h"
#include "queue/retry.h"

#include <assert.h>
#include <stdlib.h>

/* A mailbox store is not a host: it is asked again soon, and takes what its deliverer takes. */
enum { LOCAL_WINDOW = 1024, LOCAL_BACKOFF_S = 30 };

void
dests_init(struct dests *ds, const struct limits *lim, uint32_t now, uint32_t salt)
{
	*ds = (struct dests){ .lim = lim, .salt = salt };
	for (unsigned i = 0; i < DEST_RINGS; i++)
		link_init(&ds->ring[i]);
	link_init(&ds->idle);
	wheel_init(&ds->wheel, now);
}

static void
dest_free(struct dests *ds, struct dest *d)
{
	(void)map_del(&ds->by_key, d->key);
	if (d->dead)
		wheel_del(&ds->wheel, &d->due);
	if (link_linked(&d->idle)) {
		list_remove(&d->idle);
		ds->nidle--;
	}
	free(d->lane);
	free(d);
}

void
dests_done(struct dests *ds)
{
	size_t at = 0;
	struct str key;
	void *p;

	while (map_next(&ds->by_key, &at, &key, &p)) {
		free(((struct dest *)p)->lane);
		free(p);
	}
	map_done(&ds->by_key);
}

enum { KEY_MAX = 512 };

static struct str
make_key(char *to, enum transport t, struct str name)
{
	bool path = str_starts(name, STR("/"));		/* of a socket: as it is written */

	to[0] = (char)('a' + t);
	name = str_sub(name, 0, KEY_MAX - 1);
	for (size_t i = 0; i < name.n; i++)
		to[1 + i] = path ? name.p[i] : ascii_lower(name.p[i]);
	return (struct str){ to, name.n + 1 };
}

struct dest *
dest_find(const struct dests *ds, enum transport t, struct str name)
{
	char key[KEY_MAX];

	return map_get(&ds->by_key, make_key(key, t, name));
}

struct dest *
dest_get(struct dests *ds, enum transport t, struct str name)
{
	char key[KEY_MAX];
	struct str k = make_key(key, t, name);
	struct dest *d = map_get(&ds->by_key, k);

	if (d)
		return d;
	d = malloc(sizeof *d + k.n);
	if (!d)
		abort();
	*d = (struct dest){ .transport = (uint8_t)t };
	memcpy(d + 1, k.p, k.n);
	d->key = (struct str){ (char *)(d + 1), k.n };
	d->window = t == T_LOCAL ? LOCAL_WINDOW : (uint16_t)MAX(1U, ds->lim->dest_parallel_start);
	d->proven = t == T_LOCAL;
	link_init(&d->due.link);
	link_init(&d->active);
	link_init(&d->fifo);
	link_init(&d->idle);
	(void)map_put(&ds->by_key, d->key, d);
	return d;
}

struct str
dest_name(const struct dest *d)
{
	return str_skip(d->key, 1);
}

void
dest_ref(struct dests *ds, struct dest *d)
{
	if (d->nunit++ == 0 && link_linked(&d->idle)) {
		list_remove(&d->idle);
		ds->nidle--;
	}
}

void
dest_unref(struct dests *ds, struct dest *d)
{
	assert(d->nunit > 0);
	if (--d->nunit > 0)
		return;
	/* The one that became idle last is the last to go. */
	list_push(&ds->idle, &d->idle);
	if (++ds->nidle > DEST_IDLE_MAX)
		dest_free(ds, CONTAINER_OF(list_first(&ds->idle), struct dest, idle));
}

unsigned
dest_cap(const struct dests *ds, const struct dest *d)
{
	(void)ds;
	if (d->dead)
		return 0;
	if (d->rounds > 0)
		return 1;			/* the probe */
	if (d->transport == T_LOCAL)
		return d->window;
	return d->proven ? (unsigned)d->window * JOB_DEPTH : d->window;
}

static unsigned
lane_of(const struct dests *ds, const struct unit *u)
{
	return (unsigned)((u->entry->sender ^ ds->salt) * UINT32_C(2654435761) >> 27);
}

/* The first lane from the one whose turn it is that has something. */
static struct link *
lane_next(struct dest *d)
{
	if (!d->lane)
		return &d->fifo;
	for (unsigned i = 0; i < DEST_LANES; i++) {
		struct link *l = &d->lane[(d->next_lane + i) % DEST_LANES];

		if (!list_empty(l)) {
			d->next_lane = (uint8_t)((d->next_lane + i) % DEST_LANES);
			return l;
		}
	}
	return &d->fifo;
}

static struct unit *
unit_of(struct link *l)
{
	return CONTAINER_OF(l, struct unit, due.link);
}

static void
activate(struct dests *ds, struct dest *d)
{
	if (link_linked(&d->active) || d->nready == 0 || d->nflight >= dest_cap(ds, d))
		return;
	struct unit *head = unit_of(list_first(lane_next(d)));

	list_push(&ds->ring[lane_of(ds, head) % DEST_RINGS], &d->active);
	ds->nactive++;
}

static void
deactivate(struct dests *ds, struct dest *d)
{
	if (!link_linked(&d->active))
		return;
	list_remove(&d->active);
	ds->nactive--;
}

static void
to_lanes(struct dests *ds, struct dest *d)
{
	struct link *l;

	d->lane = malloc(DEST_LANES * sizeof *d->lane);
	if (!d->lane)
		abort();
	for (unsigned i = 0; i < DEST_LANES; i++)
		link_init(&d->lane[i]);
	while ((l = list_pop(&d->fifo)))
		list_push(&d->lane[lane_of(ds, unit_of(l))], l);
}

void
dest_push(struct dests *ds, struct unit *u, bool front)
{
	struct dest *d = u->dest;
	struct link *to = &d->fifo;

	if (!d->lane && d->nready >= DEST_SINGLE)
		to_lanes(ds, d);
	if (d->lane)
		to = &d->lane[lane_of(ds, u)];
	if (front)
		list_push_front(to, &u->due.link);
	else
		list_push(to, &u->due.link);
	d->nready++;
	activate(ds, d);
}

void
dest_pull(struct dests *ds, struct unit *u)
{
	struct dest *d = u->dest;

	list_remove(&u->due.link);
	if (--d->nready > 0)
		return;
	deactivate(ds, d);
	free(d->lane);
	d->lane = NULL;
}

static struct unit *
take_from(struct dests *ds, struct dest *d)
{
	struct unit *u = unit_of(list_first(lane_next(d)));

	deactivate(ds, d);
	d->next_lane = (uint8_t)((d->next_lane + 1) % DEST_LANES);
	dest_pull(ds, u);
	d->nflight++;
	activate(ds, d);
	return u;
}

struct unit *
dest_next(struct dests *ds, bool (*may)(void *arg, const struct dest *d), void *arg)
{
	if (ds->nactive == 0)
		return NULL;
	for (unsigned i = 0; i < DEST_RINGS; i++) {
		struct link *ring = &ds->ring[(ds->next_ring + i) % DEST_RINGS];

		LIST_EACH(l, ring) {
			struct dest *d = CONTAINER_OF(l, struct dest, active);

			if (!may(arg, d))
				continue;
			ds->next_ring = (ds->next_ring + i + 1) % DEST_RINGS;
			return take_from(ds, d);
		}
	}
	return NULL;
}

void
dest_each(struct dest *d, void (*fn)(void *arg, struct unit *u), void *arg)
{
	/* fn may pull the last unit, and the lanes with it. */
	for (unsigned i = 0; d->lane && i < DEST_LANES; i++) {
		struct link *lane = &d->lane[i];
		size_t left = d->nready;
		struct link *l = lane->next;

		while (l != lane && left-- > 0) {
			struct link *next = l->next;
			bool last = next == lane;

			fn(arg, unit_of(l));
			if (last || !d->lane)
				break;
			l = next;
		}
	}
	LIST_EACH(f, &d->fifo)
		fn(arg, unit_of(f));
}

static void
succeed(struct dests *ds, struct dest *d)
{
	unsigned max = (unsigned)MAX(ds->lim->dest_parallel, UINT64_C(1));

	d->bad = 0;
	d->rounds = 0;
	d->delivered++;
	if (!d->proven)
		d->proven = true;
	else if (d->transport != T_LOCAL && d->window < max && d->delivered % d->window == 0)
		d->window++;
}

static void
die(struct dests *ds, struct dest *d, uint32_t now, uint32_t random)
{
	int64_t wait_s = LOCAL_BACKOFF_S;

	if (d->rounds < UINT8_MAX)
		d->rounds++;
	if (d->transport != T_LOCAL)
		wait_s = (retry_wait_ms(ds->lim, CLASS_CONNECT, d->rounds, random) + 999) / 1000;
	d->dead = true;
	d->proven = d->transport == T_LOCAL;
	if (d->transport != T_LOCAL)
		d->window = (uint16_t)MAX(1U, ds->lim->dest_parallel_start);
	d->due.at = now + (uint32_t)MAX(wait_s, INT64_C(1));
	deactivate(ds, d);
	wheel_add(&ds->wheel, &d->due);
}

bool
dest_landed(struct dests *ds, struct dest *d, bool host_failed, uint32_t now, uint32_t random)
{
	bool died = false;

	assert(d->nflight > 0);
	d->nflight--;
	if (!host_failed) {
		succeed(ds, d);
	} else {
		d->failed++;
		if (d->bad < UINT8_MAX)
			d->bad++;
		if (d->transport != T_LOCAL)
			d->window = (uint16_t)MAX(1, d->window / 2);
		if (!d->dead && (d->bad >= 2 || d->rounds > 0 || d->nflight == 0)) {
			die(ds, d, now, random);
			died = true;
		}
	}
	activate(ds, d);
	return died;
}

void
dest_returned(struct dests *ds, struct dest *d)
{
	assert(d->nflight > 0);
	d->nflight--;
	activate(ds, d);
}

struct dest *
dest_revive(struct dests *ds, uint32_t now)
{
	struct due *due = wheel_take(&ds->wheel, now);
	struct dest *d;

	if (!due)
		return NULL;
	d = CONTAINER_OF(due, struct dest, due);
	d->dead = false;
	activate(ds, d);
	return d;
}

void
dest_wake(struct dests *ds, struct dest *d)
{
	if (!d->dead)
		return;
	wheel_del(&ds->wheel, &d->due);
	d->dead = false;
	activate(ds, d);
}
