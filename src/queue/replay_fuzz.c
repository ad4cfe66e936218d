/* SPDX-License-Identifier: ISC */
/*
 * replay_fuzz: journal records of any bytes against the reader.
 *
 * First byte: the record's type; the rest is its payload.  What was read must survive being written
 * and read again, and leave nothing behind.
 */
#include <stdlib.h>

#include "base/num.h"
#include "queue/parts.h"
#include "rt/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct queue q;

static void
begin(void)
{
	static const struct limits lim = { .dest_parallel = 20, .dest_parallel_start = 5 };

	q = (struct queue){ .lim = &lim };
	index_init(&q.ix);
	dests_init(&q.dests, &lim, 0, 1);
	reasons_init(&q.reasons);
	wheel_init(&q.wheel, 0);
	link_init(&q.segs);
	buf_init(&q.done, 1 << 20);
}

static void
end(void)
{
	index_done(&q.ix);
	dests_done(&q.dests);
	reasons_done(&q.reasons);
	segs_free(&q);
	buf_done(&q.done);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct journal_entry je = { .sub = n ? (uint16_t)(p[0] % 6) : 0 };
	size_t at = 0, before;
	struct buf b;
	uint64_t id;
	void *e;

	if (n == 0 || n > 1 << 16)
		return 0;
	log_sink(-1);
	begin();
	je.payload = str_from(p + 1, n - 1);
	(void)replay_parse(&q, &je);
	buf_init(&b, 64 << 20);
	while (idmap_next(&q.ix.by_id, &at, &id, &e))
		if (!state_encode(&q, e, &b))
			abort();
	before = q.ix.by_id.n;
	je = (struct journal_entry){ .sub = J_ENTRIES, .payload = buf_str(&b) };
	if (!replay_parse(&q, &je) || q.ix.by_id.n != before)
		abort();
	buf_done(&b);
	end();
	return 0;
}
