/* SPDX-License-Identifier: ISC */
/*
 * finish: gives segments and big files back, in the only safe order.
 *
 * The journal says "finished", that is synced, then the pool hears of it.  A big file is finished
 * with the J_DONE record of the one message that names it.
 */
#include "queue/parts.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/clock.h"
#include "rt/log.h"

enum { BATCH = 64, GATHER_MS = 50 };

void
finish_big(struct queue *q, uint64_t n, uint64_t gen)
{
	if (q->nbigs + 2 > q->capbigs) {
		q->capbigs = q->capbigs ? q->capbigs * 2 : 32;
		q->bigs = realloc(q->bigs, q->capbigs * sizeof *q->bigs);
		if (!q->bigs)
			abort();
	}
	q->bigs[q->nbigs++] = n;
	q->bigs[q->nbigs++] = gen;
	task_wake(&q->finisher);
}

/* Does it hold the seal of a life that may still be read? */
static bool
guards_another(const struct queue *q, const struct seg *s)
{
	const struct seg *x = s->seals_n ? seg_find(q, s->seals_n, s->seals_gen) : NULL;

	return x && x != s && !x->finished;
}

static unsigned
collect(struct queue *q, struct seg *out[BATCH])
{
	unsigned n = 0;

	LIST_EACH(l, &q->segs) {
		struct seg *s = CONTAINER_OF(l, struct seg, link);

		if (n == BATCH)
			break;
		if (!s->scanned || s->live > 0 || s->finished || s->reading || !s->known)
			continue;
		if (guards_another(q, s))
			continue;
		out[n++] = s;
	}
	return n;
}

static void
segment_finished(struct queue *q, struct seg *s)
{
	seg_done_free(s);
	log_begin(LOG_DEBUG, "segment_finished");
	log_u("segment", s->n);
	log_u("generation", s->gen);
	log_u("messages", s->total);
	log_end();
	q->ops.finished(q->ctx, SPOOL_SEGMENT, s->n, s->gen);
}

/* True: there may be more at once. */
static bool
finish_some(struct queue *q)
{
	struct seg *seg[BATCH];
	uint64_t big[2 * BATCH];
	unsigned n = collect(q, seg);
	size_t nbig = MIN(q->nbigs, COUNT(big));

	if (n == 0 && nbig == 0)
		return false;
	state_flush(q);
	for (unsigned i = 0; i < n; i++) {
		seg[i]->finished = true;	/* keeps it from being forgotten, read, carried */
		state_segfin(q, seg[i]);
	}
	memcpy(big, q->bigs ? q->bigs : big, nbig * sizeof *big);
	if (jr_sync(q->journal) != SPOOL_OK) {
		for (unsigned i = 0; i < n; i++)
			seg[i]->finished = false;
		(void)co_sleep(1000);
		return true;
	}
	q->nbigs -= nbig;
	memmove(q->bigs ? q->bigs : big, q->bigs ? q->bigs + nbig : big,
	    q->nbigs * sizeof *big);
	for (unsigned i = 0; i < n; i++)
		segment_finished(q, seg[i]);
	for (size_t i = 0; i + 1 < nbig; i += 2)
		q->ops.finished(q->ctx, SPOOL_BIG, big[i], big[i + 1]);
	return true;
}

void
finish_run(void *arg)
{
	struct queue *q = arg;

	while (task_wait(q, &q->finisher, 60'000)) {
		/* Many segments and big files end together: one sync for them. */
		if (co_sleep(GATHER_MS) == WAKE_CANCELLED)
			break;
		while (!q->stopping && finish_some(q))
			continue;
	}
}
