/* SPDX-License-Identifier: ISC */
/*
 * client: see client.h.  A question is a slot in the asker's arena, found by its number; the
 * answer's handler unpacks straight into the asker's arena and wakes it when all its questions
 * have one.
 */
#include "dns/client.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "dns/cache.h"
#include "ipc/ipc.h"
#include "rt/clock.h"
#include "rt/co.h"
#include "rt/log.h"

enum { CACHE_ENTRIES = 20'000, PENDING_MAX = 20'000, ASK_MS_MAX = 60'000 };
#define CACHE_BYTES ((size_t)16 << 20)

struct dns_client {
	struct ipc *ch;			/* NULL while the resolver is away */
	struct idmap pending;		/* number -> struct slot */
	size_t npending;
	uint32_t last;
	struct dns_cache cache;
	struct dns_ops ops;
	struct dns_client_stats stats;
};

struct wait {
	struct co *co;
	struct arena *arena;
	int64_t deadline;
	size_t left;
};

struct slot {
	uint32_t id;
	struct dns_question *q;
	struct wait *w;
};

static void
slot_send(struct dns_client *c, const struct slot *s)
{
	int64_t left = s->w->deadline - now_ms();

	if (!c->ch)
		return;				/* sent when the resolver is there again */
	left = left < 1 ? 1 : MIN(left, (int64_t)ASK_MS_MAX);
	(void)ipc_send(c->ch, MSG_dns_ask, &(struct msg_dns_ask){
		.qid = s->id, .type = s->q->type, .timeout_ms = (uint32_t)left, .name =
		    s->q->name });
}

static void
slot_close(struct dns_client *c, struct slot *s)
{
	(void)idmap_del(&c->pending, s->id);
	c->npending--;
	s->id = 0;
}

static void
on_answer(struct dns_client *c, const struct msg_dns_answer *m)
{
	struct slot *s = idmap_get(&c->pending, m->qid);

	if (!s)
		return;				/* its asker has gone */
	slot_close(c, s);
	if (!dns_unpack(m->packed, s->w->arena, &s->q->answer))
		s->q->answer = (struct dns_answer){ .res = DNS_TEMP };
	dns_cache_put(&c->cache, s->q, m->packed, now_ms());
	if (--s->w->left == 0)
		co_wake(s->w->co);
}

static void
on_msg(struct ipc *ch, enum msg_type type, uint64_t call_id, const union msg *m, int fd)
{
	(void)call_id;
	(void)fd;
	if (type == MSG_dns_answer)
		on_answer(ipc_arg(ch), &m->dns_answer);
}

static void
on_close(struct ipc *ch)
{
	struct dns_client *c = ipc_arg(ch);

	if (c->ch == ch)
		c->ch = NULL;
	ipc_close(ch);
}

static const struct ipc_ops client_ipc = { .on_msg = on_msg, .on_close = on_close };

void
dns_client_attach(struct dns_client *c, int fd, const char *peer_name)
{
	struct ipc *old = c->ch;
	uint64_t id;
	void *v;

	c->ch = ipc_new(fd, peer_name, &client_ipc, c);
	if (old)
		ipc_close(old);
	for (size_t it = 0; idmap_next(&c->pending, &it, &id, &v); )
		slot_send(c, v);
}

/* Opens slots for what the cache cannot answer; how many. */
static size_t
questions_open(struct dns_client *c, struct dns_question *q, size_t n, struct wait *w,
    struct slot *slot)
{
	for (size_t i = 0; i < n; i++) {
		slot[i] = (struct slot){ .q = &q[i], .w = w };
		q[i].answer = (struct dns_answer){ .res = DNS_TEMP };
		if (dns_cache_get(&c->cache, q[i].name, q[i].type, now_ms(), w->arena,
		    &q[i].answer)) {
			c->stats.hits++;
			continue;
		}
		if (c->npending >= PENDING_MAX || q[i].name.n > DNS_NAME_TEXT_MAX)
			continue;
		if (++c->last == 0)
			c->last = 1;
		(void)idmap_put(&c->pending, c->last, &slot[i]);
		slot[i].id = c->last;
		c->npending++;
		w->left++;
		c->stats.asked++;
		slot_send(c, &slot[i]);
	}
	return w->left;
}

static void
client_ask_many(void *ctx, struct dns_question *q, size_t n, int64_t deadline, struct arena *a)
{
	struct dns_client *c = ctx;
	struct wait w = { .co = co_self(), .arena = a, .deadline = deadline };
	struct slot one, *slot = n == 1 ? &one : arena_alloc(a, n * sizeof *slot);

	if (!slot) {
		for (size_t i = 0; i < n; i++)
			q[i].answer = (struct dns_answer){ .res = DNS_TEMP };
		return;
	}
	if (questions_open(c, q, n, &w, slot) == 0)
		return;
	while (w.left)
		if (co_park(deadline) != WAKE_OK && w.left) {
			c->stats.timeouts++;
			break;
		}
	for (size_t i = 0; i < n; i++)			/* no answer may find our stack later */
		if (slot[i].id)
			slot_close(c, &slot[i]);
}

static enum dns
client_ask(void *ctx, struct str name, uint16_t type, int64_t deadline, struct arena *a,
    struct dns_answer *out)
{
	struct dns_question q = { .name = name, .type = type };

	client_ask_many(ctx, &q, 1, deadline, a);
	*out = q.answer;
	return out->res;
}

struct dns_client *
dns_client_new(void)
{
	struct dns_client *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	dns_cache_init(&c->cache, CACHE_ENTRIES, CACHE_BYTES);
	c->ops = (struct dns_ops){ .ask = client_ask, .ask_many = client_ask_many, .ctx = c };
	return c;
}

void
dns_client_free(struct dns_client *c)
{
	if (!c)
		return;
	if (c->ch)
		ipc_close(c->ch);
	idmap_done(&c->pending);
	dns_cache_done(&c->cache);
	free(c);
}

const struct dns_ops *
dns_client_ops(struct dns_client *c)
{
	return &c->ops;
}

struct dns_client_stats
dns_client_stats(const struct dns_client *c)
{
	struct dns_client_stats s = c->stats;

	s.entries = c->cache.entries;
	s.bytes = c->cache.bytes;
	s.pending = c->npending;
	return s;
}
