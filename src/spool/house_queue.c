/* SPDX-License-Identifier: ISC */
/*
 * house_queue: the least that a queue must do to keep the spool's promises.
 *
 * Reads segments to their committed end (seals first), checks and "delivers" each message at a
 * drawn time, journals DONE, and FINISHED when a closed segment has nothing left; the pool hears
 * of a big file or a segment only after the journal is synced.  A snapshot holds the DONEs of
 * unfinished segments and the FINISHEDs of segments that were not recycled yet, nothing else.
 */
#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "spool/break.h"
#include "spool/house_int.h"

enum { ENTRY_DONE = 1, ENTRY_FINISHED = 2, PATIENCE_MS = 5, SEALS_MAX = 64 };

struct mail {
	struct link link;		/* in seg.mail */
	uint64_t id;
	struct content_ref ref;
	int64_t due_ms;
	bool done, durable;
};

struct seg {
	struct link link;
	uint64_t n, gen, next, limit;
	bool closed;
	struct link mail;
	size_t left;			/* not durably done */
};

struct seal_note {
	struct spool_seal seal;
	uint64_t by_n, by_gen;		/* the segment it stands in */
};

struct finished {
	uint64_t n, gen;
	int64_t due_ms;			/* when the pool is told */
	bool told, unwritten;
};

struct queue {
	struct life *l;
	struct group *group;
	struct spool_reader *sr;
	struct journal *j;
	struct link seg;
	struct seal_note seal[SEALS_MAX];
	size_t nseal;
	uint64_t *done;			/* replayed */
	size_t ndone;
	struct finished *finished;	/* not recycled yet */
	size_t nfinished;
	bool stop;
};

static struct seg *
seg_find(struct queue *q, uint64_t n, uint64_t gen)
{
	LIST_EACH(l, &q->seg) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (s->n == n && s->gen == gen)
			return s;
	}
	return NULL;
}

static struct seg *
seg_get(struct queue *q, uint64_t n, uint64_t gen)
{
	struct seg *s = seg_find(q, n, gen);

	if (s)
		return s;
	s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->n = n;
	s->gen = gen;
	link_init(&s->mail);
	list_push(&q->seg, &s->link);
	return s;
}

static bool
is_finished(const struct queue *q, uint64_t n, uint64_t gen)
{
	for (size_t i = 0; i < q->nfinished; i++)
		if (q->finished[i].n == n && q->finished[i].gen == gen)
			return true;
	return false;
}

static void
finished_add(struct queue *q, uint64_t n, uint64_t gen)
{
	int64_t due = now_ms() + (int64_t)house_draw(q->l->h, 400);

	if (is_finished(q, n, gen))
		return;
	q->finished = realloc(q->finished, (q->nfinished + 1) * sizeof *q->finished);
	if (!q->finished)
		abort();
	q->finished[q->nfinished++] = (struct finished){ .n = n, .gen = gen, .due_ms = due,
		.unwritten = BROKEN(BREAK_FINISH_WRITE) };
}

void
queue_recycled(struct queue *q, uint64_t n, uint64_t gen)
{
	for (size_t i = 0; q && i < q->nfinished; i++)
		if (q->finished[i].n == n && q->finished[i].gen == gen)
			q->finished[i--] = q->finished[--q->nfinished];
}

void
queue_notice(struct queue *q, const struct sw_notice *n)
{
	struct seg *s = seg_get(q, n->segno, n->gen);

	s->limit = n->committed;
}

void
queue_closed(struct queue *q, uint64_t n, uint64_t gen)
{
	seg_get(q, n, gen)->closed = true;
}

static void
append(struct queue *q, uint16_t sub, uint64_t id, struct str payload)
{
	jr_append(q->j, &(struct journal_entry){ .sub = sub, .id = id, .payload = payload });
}

static bool
was_done(const struct queue *q, uint64_t id)
{
	for (size_t i = 0; i < q->ndone; i++)
		if (q->done[i] == id)
			return true;
	return false;
}

struct scanning {
	struct queue *q;
	struct seg *s;
};

static bool
on_rec(void *ctx, const struct spool_rec *rec)
{
	struct scanning *c = ctx;
	struct house *h = c->q->l->h;
	struct spool_msg m;
	struct arena a;
	struct mail *mail;

	if (rec->type != REC_MSG)
		return true;
	arena_init(&a, 1 << 20);
	mail = calloc(1, sizeof *mail);
	if (!mail)
		abort();
	if (!msg_decode(rec, &a, &m))
		house_bad(h, "a message that cannot be decoded", rec->id);
	*mail = (struct mail){ .id = rec->id, .ref = m.ref,
		.done = was_done(c->q, rec->id), .durable = was_done(c->q, rec->id),
		.due_ms = now_ms() + (int64_t)house_draw(h, 300) };
	arena_done(&a);
	if (!mail->done)
		note_seen(h, rec->id);
	list_push(&c->s->mail, &mail->link);
	c->s->left += !mail->durable;
	return true;
}

/* suspends */
static void
scan(struct queue *q, struct seg *s)
{
	struct scanning c = { q, s };
	struct sr_scan sc = { .segno = s->n, .gen = s->gen, .from = s->next, .to = s->limit,
		.on_rec = on_rec, .ctx = &c };
	enum sr res;

	if (s->next >= s->limit)
		return;
	res = sr_scan(q->sr, &sc);
	s->next = sc.next;
	if (q->l->dead)
		return;
	if (res != SR_OK && (res != SR_IO || q->l->plan.faults == 0))
		house_bad(q->l->h, "a segment cannot be read to its end", s->n);
	if (s->limit == UINT64_MAX && res == SR_OK)
		s->limit = s->next;
}

/* A big file that was dropped because the commit failed may be another's by now: then the
 * message, which was refused, is nothing. */
static bool
content_right(struct queue *q, const struct note *n, const struct mail *m)
{
	char *want = malloc(n->len + 1);
	struct arena a;
	struct str got;
	bool right = false;
	enum sr res;

	if (!want)
		abort();
	arena_init(&a, 1 << 20);
	note_content(n, want);
	res = sr_whole(q->sr, &m->ref, &a, &got);
	if (res == SR_OK)
		right = sr_verify(q->sr, &m->ref) == SR_OK && str_eq(got, str_from(want, n->len));
	else if (res == SR_GONE)
		right = n->fate == FATE_REFUSED;
	arena_done(&a);
	free(want);
	return right;
}

/* suspends */
static void
deliver(struct queue *q, struct seg *s, struct mail *m)
{
	struct house *h = q->l->h;
	struct note *n = note_find(h, m->id);
	bool sync_now = m->ref.big_len || house_draw(h, 2);

	if (!n)
		return;
	if (!m->done && !content_right(q, n, m) && !q->l->dead)
		house_bad(h, "content is not what was sent", m->id);
	if (q->l->dead)
		return;
	if (!m->done) {
		n = note_find(h, m->id);	/* the ledger may have grown */
		n->delivered++;
		n->done = true;
		h->delivered++;
		m->done = true;
		append(q, ENTRY_DONE, m->id, (struct str){});
	}
	if (m->ref.big_len && BROKEN(BREAK_FINISH_SYNC)) {
		(void)pool_finished(q->l->pool, SPOOL_BIG, m->ref.big_n, m->ref.big_gen);
		m->durable = true;
		s->left--;
		return;
	}
	if (!sync_now || jr_sync(q->j) != SPOOL_OK || q->l->dead)
		return;
	note_find(h, m->id)->durable = true;
	m->durable = true;
	s->left--;
	if (m->ref.big_len)
		(void)pool_finished(q->l->pool, SPOOL_BIG, m->ref.big_n, m->ref.big_gen);
}

/* A seal must outlive what it seals. */
static bool
seals_needed(struct queue *q, const struct seg *s)
{
	for (size_t i = 0; i < q->nseal; i++)
		if (q->seal[i].by_n == s->n && q->seal[i].by_gen == s->gen &&
		    seg_find(q, q->seal[i].seal.n, q->seal[i].seal.gen))
			return true;
	return false;
}

static void
seg_free(struct seg *s)
{
	list_remove(&s->link);
	for (struct link *m; (m = list_pop(&s->mail)) != NULL; )
		free(CONTAINER_OF(m, struct mail, link));
	free(s);
}

/* suspends */
static bool
finish(struct queue *q, struct seg *s)
{
	char payload[16];
	uint64_t n = s->n, gen = s->gen;

	put_le64(payload, n);
	put_le64(payload + 8, gen);
	if (!BROKEN(BREAK_FINISH_WRITE))
		append(q, ENTRY_FINISHED, 0, str_from(payload, sizeof payload));
	finished_add(q, n, gen);
	if (!BROKEN(BREAK_FINISH_SYNC) && jr_sync(q->j) != SPOOL_OK)
		return false;			/* again later */
	if (q->l->dead)
		return false;
	LIST_EACH(l, &s->mail) {
		struct note *note = note_find(q->l->h,
		    CONTAINER_OF(l, struct mail, link)->id);

		if (note && note->done && !BROKEN(BREAK_FINISH_SYNC))
			note->durable = true;
	}
	seg_free(s);
	return true;
}

/* A while later: a pool may be slow to hear. */
static void
tell_pool(struct queue *q, bool all)
{
	for (size_t i = 0; i < q->nfinished; i++) {
		struct finished f = q->finished[i];

		if (f.told || (!all && now_ms() < f.due_ms) || seg_find(q, f.n, f.gen))
			continue;
		q->finished[i].told = true;
		(void)pool_finished(q->l->pool, SPOOL_SEGMENT, f.n, f.gen);
	}
}

static void
on_seal(void *ctx, const struct spool_seal *seal)
{
	struct queue *q = ctx;

	if (q->nseal == SEALS_MAX) {
		house_bad(q->l->h, "more seals than the model holds", 0);
		return;
	}
	q->seal[q->nseal++] = (struct seal_note){ .seal = *seal };
}

/* One thing to do in one segment.  False: nothing.  suspends */
static bool
step(struct queue *q, struct seg *s)
{
	scan(q, s);
	LIST_EACH(l, &s->mail) {
		struct mail *m = CONTAINER_OF(l, struct mail, link);

		if (!m->durable && now_ms() >= m->due_ms) {
			m->due_ms = now_ms() + 20;
			deliver(q, s, m);
			return true;
		}
	}
	return s->closed && s->next >= s->limit && s->left == 0 && !seals_needed(q, s) &&
	    finish(q, s);
}

static void
queue_run(void *arg)
{
	struct queue *q = arg;

	while (!q->stop && !co_cancelled()) {
		bool moved = false;

		tell_pool(q, false);
		LIST_EACH(l, &q->seg)
			if (!moved && step(q, CONTAINER_OF(l, struct seg, link)))
				moved = true;
		if (!moved && co_sleep(PATIENCE_MS) == WAKE_CANCELLED)
			return;
	}
}

bool
queue_idle(const struct queue *q)
{
	for (size_t i = 0; i < q->nfinished; i++)
		if (!q->finished[i].told)
			return false;
	return list_empty(&q->seg);
}

/* The journal. */

static enum spool
get_file(void *ctx, struct spool_file *out)
{
	struct queue *q = ctx;
	enum spool res = pool_take(q->l->pool, SPOOL_JOURNAL, 99, out);

	if (res == SPOOL_OK)
		life_taken(q->l, out);
	return res;
}

static void
drop_file(void *ctx, uint64_t n, uint64_t gen)
{
	struct queue *q = ctx;

	(void)pool_finished(q->l->pool, SPOOL_JOURNAL, n, gen);
}

static bool
snapshot(void *ctx, struct journal *j)
{
	struct queue *q = ctx;
	struct { uint64_t id; char payload[16]; } *all;
	size_t n = 0, cap = q->nfinished;
	bool ok = true;

	LIST_EACH(l, &q->seg)
		LIST_EACH(k, &CONTAINER_OF(l, struct seg, link)->mail)
			cap++, (void)k;
	all = calloc(cap + 1, sizeof *all);
	if (!all)
		abort();
	LIST_EACH(l, &q->seg)
		LIST_EACH(k, &CONTAINER_OF(l, struct seg, link)->mail)
			if (CONTAINER_OF(k, struct mail, link)->done)
				all[n++].id = CONTAINER_OF(k, struct mail, link)->id;
	for (size_t i = 0; i < q->nfinished; i++) {
		if (q->finished[i].unwritten)
			continue;
		put_le64(all[n].payload, q->finished[i].n);
		put_le64(all[n++].payload + 8, q->finished[i].gen);
	}
	for (size_t i = 0; i < n && ok; i++)
		ok = jr_snap(j, &(struct journal_entry){
			.sub = all[i].id ? ENTRY_DONE : ENTRY_FINISHED, .id = all[i].id,
			.payload = str_from(all[i].payload, all[i].id ? 0 : 16) });
	free(all);
	return ok;
}

static void
on_entry(void *ctx, const struct journal_entry *e)
{
	struct queue *q = ctx;

	if (e->sub == ENTRY_FINISHED && e->payload.n == 16) {
		finished_add(q, get_le64(e->payload.p), get_le64(e->payload.p + 8));
	} else if (e->sub == ENTRY_DONE) {
		q->done = realloc(q->done, (q->ndone + 1) * sizeof *q->done);
		if (!q->done)
			abort();
		q->done[q->ndone++] = e->id;
	} else {
		house_bad(q->l->h, "a journal entry nobody wrote", e->id);
	}
}

static void
on_file(void *ctx, const struct spool_head *h, bool held)
{
	struct queue *q = ctx;
	struct seg *s;

	if (h->kind != SPOOL_SEGMENT || held)
		return;
	s = seg_get(q, h->n, h->gen);
	s->limit = UINT64_MAX;
	s->closed = true;
}

/* Finished lives that are not on the disk any more need no mention. */
static void
finished_known(struct queue *q)
{
	for (size_t i = 0; i < q->nfinished; i++) {
		struct seg *s = seg_find(q, q->finished[i].n, q->finished[i].gen);

		if (s)
			seg_free(s);
		else
			q->finished[i--] = q->finished[--q->nfinished];
	}
}

/* suspends */
static void
read_seals(struct queue *q)
{
	LIST_EACH(l, &q->seg) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);
		struct spool_head h = { .kind = SPOOL_SEGMENT, .n = s->n, .gen = s->gen };
		size_t before = q->nseal;

		if (sr_seals(q->sr, &h, on_seal, q) != SR_OK && !q->l->dead)
			house_bad(q->l->h, "seals cannot be read", s->n);
		for (; before < q->nseal; before++) {
			q->seal[before].by_n = s->n;
			q->seal[before].by_gen = s->gen;
			q->l->h->sealed++;
		}
	}
	for (size_t i = 0; i < q->nseal; i++) {
		struct seg *s = seg_find(q, q->seal[i].seal.n, q->seal[i].seal.gen);

		if (s)
			s->limit = MIN(s->limit, q->seal[i].seal.at);
	}
}

/* suspends */
static bool
recover(struct queue *q)
{
	pool_each(q->l->pool, &(struct pool_visit){ on_file, q });
	if (jr_replay(q->j, on_entry, q) != SPOOL_OK)
		return false;
	finished_known(q);
	read_seals(q);
	LIST_EACH(l, &q->seg) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		scan(q, s);
		LIST_EACH(k, &s->mail) {
			struct mail *m = CONTAINER_OF(k, struct mail, link);

			if (!m->done && m->ref.big_len)
				pool_big_live(q->l->pool, m->ref.big_n, m->ref.big_gen);
		}
	}
	if (q->l->dead)
		return false;
	notes_recovered(q->l->h);
	if (jr_start(q->j) != SPOOL_OK)
		return false;
	pool_big_live_end(q->l->pool);
	tell_pool(q, true);
	return true;
}

bool
queue_start(struct life *l)
{
	static const struct journal_ops ops = {
		.get_file = get_file, .drop_file = drop_file, .snapshot = snapshot };
	static const struct journal_conf conf = {
		.lazy_ms = 40, .snap_block = 2048, .rotate_bytes = 12 << 10 };
	struct queue *q = calloc(1, sizeof *q);

	if (!q)
		abort();
	l->q = q;
	q->l = l;
	link_init(&q->seg);
	q->group = group_open(FOREVER);
	q->sr = sr_new(l->dirfd, 4);
	q->j = jr_new(l->dirfd, &ops, &conf, q);
	return q->sr && q->j && recover(q) && group_go(q->group, "queue", queue_run, q);
}

void
queue_free(struct queue *q)
{
	if (!q)
		return;
	q->stop = true;
	group_cancel(q->group);
	(void)group_wait(&q->group);
	if (q->j)
		q->l->h->rotations += jr_stats_get(q->j).rotations;
	jr_free(q->j);
	sr_free(q->sr);
	LIST_EACH(l, &q->seg)
		seg_free(CONTAINER_OF(l, struct seg, link));
	free(q->done);
	free(q->finished);
	free(q);
}
