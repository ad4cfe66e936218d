/* SPDX-License-Identifier: ISC */
/*
 * draft: a message while it arrives: in memory up to inline_max, then streamed to a big file.
 *
 * 1. A big file is synced before the record that names it is written.
 * 2. Two blocks per big draft: one fills while the other is written and checksummed by a work
 *    thread.
 * 3. A file whose write or sync failed is never used again here; one that was only given up is
 *    kept for the next big draft: no record names that life of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/num.h"
#include "rt/disk.h"
#include "rt/work.h"
#include "spool/break.h"
#include "spool/writer_int.h"

enum { DRAFT_FIRST = 8 << 10, DRAFT_KEEP = 16 << 10 };

struct draft_big {
	struct spool_file file;
	char *block[2];
	unsigned filling;		/* which of the two */
	size_t n;			/* bytes in it */
	uint64_t sent;			/* content bytes handed to the disk */
	struct work_item item;		/* the other one, while busy */
	size_t item_n;
	uint64_t item_at;
	uint32_t crc;			/* of what was sent; the work thread's while busy */
	int err;
	bool busy, no_sync, sync;
	struct co *waiter;
};

struct spool_draft {
	struct link link;
	struct spool_writer *sw;
	uint64_t id, len;
	char *p;			/* content so far, when not big */
	size_t n, cap;
	struct draft_big *big;
	enum spool failed;
};

struct spool_draft *
sd_begin(struct spool_writer *sw, enum spool *why)
{
	struct spool_draft *d;

	*why = sw_state(sw);
	if (*why != SPOOL_OK)
		return NULL;
	if (!list_empty(&sw->spare_draft)) {
		d = CONTAINER_OF(list_pop(&sw->spare_draft), struct spool_draft, link);
		sw->nspare_draft--;
	} else {
		d = calloc(1, sizeof *d);
		if (!d || !(d->p = malloc(DRAFT_FIRST)))
			abort();
		d->cap = DRAFT_FIRST;
	}
	link_init(&d->link);
	d->sw = sw;
	d->id = sw_mint(sw);
	d->len = d->n = 0;
	d->failed = SPOOL_OK;
	sw->memory += d->cap;
	sw->ndrafts++;
	return d;
}

struct spool_draft *
sd_begin_as(struct spool_writer *sw, uint64_t id, enum spool *why)
{
	struct spool_draft *d = sd_begin(sw, why);

	if (d)
		d->id = id;
	return d;
}

uint64_t
sd_id(const struct spool_draft *d)
{
	return d->id;
}

uint64_t
sd_len(const struct spool_draft *d)
{
	return d->len;
}

bool
sd_memory(const struct spool_draft *d, struct str *out)
{
	*out = (struct str){ d->p, d->n };
	return d->big == NULL;
}

/* In a work thread. */
static void
big_write(void *arg)
{
	struct draft_big *b = arg;
	char *p = b->block[!b->filling];
	size_t end = num_round_up(b->item_n, SPOOL_BLOCK);

	b->crc = crc32c(b->crc, p, b->item_n);
	memset(p + b->item_n, 0, end - b->item_n);	/* whole pages: nothing to read first */
	if (b->item_n)
		b->err = disk_pwrite(b->file.fd, p, end, SPOOL_BLOCK + b->item_at);
	if (b->err == 0 && !b->sync)
		(void)disk_writeback(b->file.fd, SPOOL_BLOCK + b->item_at, end);
	if (b->err == 0 && b->sync && !b->no_sync)
		b->err = disk_fdatasync(b->file.fd);
}

static void
big_written(void *arg)
{
	struct draft_big *b = arg;

	b->busy = false;
	if (b->waiter)
		co_wake(b->waiter);
}

/* suspends */
static void
big_wait(struct draft_big *b)
{
	b->waiter = co_self();
	while (b->busy)
		co_park_hard();
	b->waiter = NULL;
}

/* Send the block that fills, go on in the other.  suspends */
static enum spool
big_send(struct draft_big *b, bool sync)
{
	big_wait(b);
	if (b->err)
		return spool_of_errno(b->err);
	b->item_n = b->n;
	b->item_at = b->sent;
	b->sent += b->n;
	b->n = 0;
	b->filling = !b->filling;
	b->sync = sync;
	b->no_sync = BROKEN(BREAK_BIG_SYNC);
	b->busy = true;
	b->item = (struct work_item){ .fn = big_write, .done = big_written, .arg = b };
	work_submit(&b->item);
	return SPOOL_OK;
}

static size_t
big_memory(const struct spool_writer *sw)
{
	return 2 * sw->conf.big_block;
}

/* suspends */
static enum spool
big_open(struct spool_draft *d)
{
	struct spool_writer *sw = d->sw;
	struct draft_big *b;
	enum spool res = SPOOL_OK;

	if (sw->memory + big_memory(sw) > sw->conf.budget)
		return SPOOL_BUSY;
	sw->memory += big_memory(sw);
	b = calloc(1, sizeof *b);
	if (!b)
		abort();
	if (sw->nspare_big)
		b->file = sw->spare_big[--sw->nspare_big];
	else
		res = sw->ops.get_big(sw->ctx, &b->file);
	if (res != SPOOL_OK) {
		sw->memory -= big_memory(sw);
		free(b);
		return res;
	}
	for (unsigned i = 0; i < 2; i++)
		if (!(b->block[i] = malloc(sw->conf.big_block)))
			abort();
	d->big = b;
	return SPOOL_OK;
}

/* suspends */
static enum spool
big_put(struct spool_draft *d, struct str bytes)
{
	struct draft_big *b = d->big;

	while (bytes.n) {
		size_t n = MIN(bytes.n, d->sw->conf.big_block - b->n);

		memcpy(b->block[b->filling] + b->n, bytes.p, n);
		b->n += n;
		bytes = str_skip(bytes, n);
		if (b->n == d->sw->conf.big_block) {
			enum spool res = big_send(b, false);

			if (res != SPOOL_OK)
				return res;
		}
	}
	return SPOOL_OK;
}

/* Everything out and synced.  suspends */
static enum spool
big_finish(struct spool_draft *d, struct content_ref *ref)
{
	struct draft_big *b = d->big;
	enum spool res = big_send(b, true);

	if (res != SPOOL_OK)
		return res;
	big_wait(b);
	ref->big_n = b->file.n;
	ref->big_gen = b->file.gen;
	ref->big_len = b->sent;
	ref->big_crc = b->crc;
	return spool_of_errno(b->err);
}

static bool
mem_grow(struct spool_draft *d, size_t need)
{
	size_t cap = d->cap;

	while (cap < need)
		cap *= 2;
	if (d->sw->memory + (cap - d->cap) > d->sw->conf.budget)
		return false;
	d->sw->memory += cap - d->cap;
	d->p = realloc(d->p, cap);
	if (!d->p)
		abort();
	d->cap = cap;
	return true;
}

enum spool
sd_write(struct spool_draft *d, struct str bytes)
{
	if (d->failed != SPOOL_OK)
		return d->failed;
	if (!d->big && d->n + bytes.n <= d->sw->conf.inline_max) {
		if (d->n + bytes.n > d->cap && !mem_grow(d, d->n + bytes.n))
			return d->failed = SPOOL_BUSY;
		if (bytes.n)
			memcpy(d->p + d->n, bytes.p, bytes.n);
		d->n += bytes.n;
		d->len += bytes.n;
		return SPOOL_OK;
	}
	if (!d->big) {
		d->failed = big_open(d);
		if (d->failed == SPOOL_OK)
			d->failed = big_put(d, (struct str){ d->p, d->n });
		d->n = 0;
	}
	if (d->failed == SPOOL_OK)
		d->failed = big_put(d, bytes);
	if (d->failed == SPOOL_OK)
		d->len += bytes.n;
	return d->failed;
}

/* Lay the record into the filling batch; the one copy a message makes. */
static void
record_lay(struct spool_draft *d, const struct spool_env *env, struct str prepend,
    const struct content_ref *ref)
{
	struct spool_rec r = {
		.type = REC_MSG, .version = SPOOL_FORMAT, .id = d->id,
		.meta.n = msg_encoded_len(env), .data.n = prepend.n + d->n,
	};
	char *p, *data;

	r.data_crc = crc32c(crc32c(0, prepend.p, prepend.n), d->p, d->n);
	p = batch_add(&d->sw->filling, &r);
	msg_encode(p + SPOOL_HEAD, env, ref);
	data = p + SPOOL_HEAD + r.meta.n;
	if (prepend.n)
		memcpy(data, prepend.p, prepend.n);
	if (d->n)
		memcpy(data + prepend.n, d->p, d->n);
}

static bool
encodable(const struct spool_draft *d, const struct spool_env *env, struct str prepend)
{
	for (size_t i = 0; i < env->nrcpt; i++)
		if (env->rcpt[i].addr.n > UINT16_MAX || env->rcpt[i].orcpt.n > UINT16_MAX)
			return false;
	return msg_encoded_len(env) <= SPOOL_META_MAX && prepend.n <= SPOOL_DATA_MAX &&
	    prepend.n + d->n <= SPOOL_DATA_MAX;
}

/* Wait until the filling batch takes n more bytes.  suspends */
static void
wait_room(struct spool_writer *sw, size_t n)
{
	while (sw->filling.n && sw->filling.n + n > sw->conf.batch_max) {
		struct sw_waiter w = { .co = co_self() };

		list_push(&sw->no_room, &w.link);
		while (!w.answered)
			co_park_hard();
	}
}

static void draft_free(struct spool_draft *d);

enum spool
sd_commit(struct spool_draft *d, const struct spool_env *env, struct str prepend, uint64_t *id)
{
	struct spool_writer *sw = d->sw;
	struct sw_waiter w = { .co = co_self() };
	struct content_ref ref = {};

	if (d->failed == SPOOL_OK && !encodable(d, env, prepend))
		d->failed = SPOOL_IO;
	if (d->failed == SPOOL_OK && d->big)
		d->failed = big_finish(d, &ref);
	if (d->failed != SPOOL_OK)
		return d->failed;
	wait_room(sw, rec_size(msg_encoded_len(env), prepend.n + d->n));
	if (!sw->committer)
		return d->failed = SPOOL_IO;	/* stopped */
	record_lay(d, env, prepend, &ref);
	list_push(&sw->waiting, &w.link);
	co_wake(sw->committer);
	while (!w.answered)
		co_park_hard();
	if (w.result != SPOOL_OK) {
		/* A record of this life of the file may stand in a refused tail: not to be
		 * reused. */
		return d->failed = w.result;
	}
	if (id)
		*id = d->id;
	if (d->big)
		(void)disk_close(d->big->file.fd);
	draft_free(d);
	return SPOOL_OK;
}

static void
draft_free(struct spool_draft *d)
{
	struct spool_writer *sw = d->sw;

	sw->ndrafts--;
	sw->memory -= d->cap;
	if (d->big) {
		sw->memory -= big_memory(sw);
		free(d->big->block[0]);
		free(d->big->block[1]);
		free(d->big);
		d->big = NULL;
	}
	if (d->cap <= DRAFT_KEEP && sw->nspare_draft < WRITER_SPARE_DRAFTS) {
		list_push(&sw->spare_draft, &d->link);
		sw->nspare_draft++;
		return;
	}
	free(d->p);
	free(d);
}

void
sd_drop(struct spool_draft *d)
{
	struct spool_writer *sw;

	if (!d)
		return;
	sw = d->sw;
	if (d->big) {
		struct spool_file f = d->big->file;

		big_wait(d->big);
		if (d->failed == SPOOL_OK && sw->nspare_big < WRITER_SPARE_BIG && !sw->stopping) {
			sw->spare_big[sw->nspare_big++] = f;
		} else {
			(void)disk_close(f.fd);
			sw->ops.drop_big(sw->ctx, f.n, f.gen, d->big->err != 0);
		}
	}
	draft_free(d);
}

void
drafts_free(struct spool_writer *sw)
{
	while (!list_empty(&sw->spare_draft)) {
		struct spool_draft *d =
		    CONTAINER_OF(list_pop(&sw->spare_draft), struct spool_draft, link);

		free(d->p);
		free(d);
	}
	while (sw->nspare_big) {
		struct spool_file *f = &sw->spare_big[--sw->nspare_big];

		(void)disk_close(f->fd);
		sw->ops.drop_big(sw->ctx, f->n, f->gen, false);
	}
}
