/* SPDX-License-Identifier: ISC */
/*
 * reader: see reader.h.
 *
 * A life of a file ends by rewriting its head first.  So bytes read while the head still names
 * the life, looked at *after* the read, are bytes of that life; a record whose checksums,
 * generation and place are right in our copy needs no second look at the file at all.
 */
#include "spool/reader_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "rt/co.h"
#include "rt/disk.h"
#include "rt/work.h"
#include "spool/files.h"

enum { DIRECT_MAX = 256 << 10, RECORD_GUESS = 8 << 10 };

struct spool_reader *
sr_new(int spool_dirfd, unsigned fds_max)
{
	struct spool_reader *sr = calloc(1, sizeof *sr);

	if (!sr)
		abort();
	sr->nfile = MAX(fds_max, 2u);
	sr->file = calloc(sr->nfile, sizeof *sr->file);
	if (!sr->file)
		abort();
	sr->dir[0] = -1;
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		sr->dir[k] = disk_openat(spool_dirfd, file_dir((enum spool_kind)k),
		    O_RDONLY | O_DIRECTORY, 0);
	if (sr->dir[SPOOL_SEGMENT] >= 0)
		return sr;
	sr_free(sr);
	return NULL;
}

void
sr_free(struct spool_reader *sr)
{
	if (!sr)
		return;
	for (unsigned i = 0; i < sr->nfile; i++)
		if (sr->file[i].open)
			(void)disk_close(sr->file[i].fd);
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL; k++)
		if (sr->dir[k] >= 0)
			(void)disk_close(sr->dir[k]);
	free(sr->spare);
	free(sr->file);
	free(sr);
}

struct sr_fd *
sr_pin(struct spool_reader *sr, enum spool_kind kind, uint64_t n)
{
	char name[FILE_NAME_MAX];
	struct sr_fd *oldest = NULL;
	int fd;

	for (unsigned i = 0; i < sr->nfile; i++) {
		struct sr_fd *f = &sr->file[i];

		if (f->open && f->n == n && f->kind == kind) {
			f->used = ++sr->uses;
			f->pins++;
			return f;
		}
		if (f->pins == 0 && (!oldest || f->used < oldest->used))
			oldest = f;
	}
	if (!oldest)
		return NULL;
	file_name(kind, n, name);
	fd = disk_openat(sr->dir[kind], name, O_RDONLY, 0);
	if (fd < 0)
		return NULL;
	if (oldest->open)
		(void)disk_close(oldest->fd);
	*oldest = (struct sr_fd){
		.kind = kind, .n = n, .used = ++sr->uses, .fd = fd, .pins = 1, .open = true };
	return oldest;
}

static void
read_run(void *arg)
{
	struct sr_call *c = arg;

	c->got = disk_pread(c->fd, c->p, c->n, c->at);
}

/* suspends when it is much */
ssize_t
sr_read(struct sr_fd *f, struct sr_call c)
{
	c.fd = f->fd;
	if (c.n > DIRECT_MAX && co_self())
		work_call(read_run, &c);
	else
		read_run(&c);
	return c.got;
}

enum sr
sr_life(struct sr_fd *f, uint64_t gen)
{
	struct spool_head h;
	int res = file_head(f->fd, f->kind, f->n, &h);

	if (res < 0)
		return SR_IO;
	return res == 0 && h.gen == gen ? SR_OK : SR_GONE;
}

char *
sr_block_get(struct spool_reader *sr, size_t n)
{
	char *p = sr->spare;

	if (n <= SR_BLOCK && p) {
		sr->spare = NULL;
		return p;
	}
	p = malloc(MAX(n, (size_t)SR_BLOCK));
	if (!p)
		abort();
	return p;
}

void
sr_block_put(struct spool_reader *sr, char *p, size_t n)
{
	if (n <= SR_BLOCK && !sr->spare)
		sr->spare = p;
	else
		free(p);
}

enum parsed { PARSED_MORE, PARSED_END, PARSED_STOPPED };

/* Records of one block that begins at s->next; *need: bytes the next block must hold. */
static enum parsed
scan_block(struct sr_scan *s, struct str block, size_t *need)
{
	struct spool_rec rec;

	while (block.n) {
		struct rec_place at = { s->segno, s->gen, s->next };

		switch (rec_get(block, at, &rec, need)) {
		case REC_SHORT:
			return PARSED_MORE;
		case REC_INVALID:
			return PARSED_END;
		case REC_VALID:
			break;
		}
		s->next += rec.len;
		block = str_skip(block, rec.len);
		if (rec.type != REC_PAD && !s->on_rec(s->ctx, &rec))
			return PARSED_STOPPED;
	}
	*need = SPOOL_HEAD;
	return PARSED_MORE;
}

/* Block after block.  suspends */
static enum sr
scan_file(struct sr_fd *f, struct sr_scan *s, char **p, size_t *cap)
{
	while (s->next < s->to) {
		size_t want = (size_t)MIN((uint64_t)*cap, s->to - s->next), need;
		ssize_t got = sr_read(f, (struct sr_call){ .p = *p, .n = want, .at = s->next });
		enum sr life;

		if (got < 0)
			return SR_IO;
		life = sr_life(f, s->gen);
		if (life != SR_OK)
			return life;
		switch (scan_block(s, str_from(*p, (size_t)got), &need)) {
		case PARSED_STOPPED:
			return SR_STOPPED;
		case PARSED_END:
			return s->to == UINT64_MAX ? SR_OK : SR_DAMAGED;
		case PARSED_MORE:
			break;
		}
		if ((size_t)got < want || (need > SPOOL_HEAD && need > s->to - s->next))
			return s->to == UINT64_MAX ? SR_OK : SR_DAMAGED;
		if (need > *cap) {
			free(*p);
			*cap = need;
			*p = malloc(need);
			if (!*p)
				abort();
		}
		if (co_self())
			co_worked((size_t)got);
	}
	return SR_OK;
}

static enum sr
scan_kind(struct spool_reader *sr, enum spool_kind kind, struct sr_scan *s)
{
	struct sr_fd *f = sr_pin(sr, kind, s->segno);
	size_t cap = SR_BLOCK;
	char *p;
	enum sr res;

	s->next = MAX(s->from, (uint64_t)SPOOL_BLOCK);
	if (!f)
		return SR_GONE;
	p = sr_block_get(sr, cap);
	res = sr_life(f, s->gen);
	if (res == SR_OK)
		res = scan_file(f, s, &p, &cap);
	sr_block_put(sr, p, cap);
	sr_unpin(f);
	return res;
}

enum sr
sr_scan(struct spool_reader *sr, struct sr_scan *s)
{
	return scan_kind(sr, SPOOL_SEGMENT, s);
}

enum sr
sr_scan_journal(struct spool_reader *sr, struct sr_scan *s)
{
	return scan_kind(sr, SPOOL_JOURNAL, s);
}

static bool
any_record(void *ctx, const struct spool_rec *rec)
{
	(void)rec;
	*(bool *)ctx = true;
	return false;
}

uint64_t
sr_resync(struct spool_reader *sr, const struct spool_head *h, uint64_t from)
{
	struct sr_fd *f = sr_pin(sr, h->kind, h->n);
	uint64_t found = 0;
	int64_t size = f ? disk_fsize(f->fd) : 0;
	char head[SPOOL_HEAD];

	from = num_round_up(from, SPOOL_BLOCK);
	for (; f && !found && from < (uint64_t)MAX(size, 0); from += SPOOL_BLOCK) {
		struct sr_scan s = { .segno = h->n, .gen = h->gen, .from = from,
			.to = UINT64_MAX, .on_rec = any_record };
		struct rec_place at = { h->n, h->gen, from };
		struct spool_rec rec;
		size_t need;
		bool seen = false;

		if (disk_pread(f->fd, head, sizeof head, from) != SPOOL_HEAD ||
		    rec_get(str_from(head, sizeof head), at, &rec, &need) == REC_INVALID)
			continue;
		s.ctx = &seen;
		if (scan_kind(sr, h->kind, &s) == SR_STOPPED || s.next > from)
			found = from;
	}
	if (f)
		sr_unpin(f);
	return found;
}

struct seal_walk {
	void (*on_seal)(void *ctx, const struct spool_seal *seal);
	void *ctx;
};

static bool
on_seal_rec(void *ctx, const struct spool_rec *rec)
{
	struct seal_walk *w = ctx;
	struct spool_seal seal;

	if (!seal_decode(rec, &seal))
		return false;
	w->on_seal(w->ctx, &seal);
	return true;
}

enum sr
sr_seals(struct spool_reader *sr, const struct spool_head *h,
    void (*on_seal)(void *ctx, const struct spool_seal *seal), void *ctx)
{
	struct seal_walk w = { on_seal, ctx };
	struct sr_scan s = {
		.segno = h->n, .gen = h->gen, .to = 2 * SPOOL_BLOCK, .on_rec = on_seal_rec,
		.ctx = &w,
	};
	enum sr res = sr_scan(sr, &s);

	/* Anything but seals, also a large record cut off by `to`, ends the list. */
	return res == SR_STOPPED || res == SR_DAMAGED ? SR_OK : res;
}

/* The record at a place, validated, in p (RECORD_GUESS bytes) or where the arena puts it. */
enum sr
sr_record(struct sr_fd *f, struct rec_place at, struct arena *a, struct spool_rec *out)
{
	size_t n = RECORD_GUESS;

	for (;;) {
		char *p = arena_alloc(a, n);
		size_t need;
		ssize_t got;

		if (!p)
			return SR_IO;
		got = sr_read(f, (struct sr_call){ .p = p, .n = n, .at = at.offset });
		if (got < 0)
			return SR_IO;
		switch (rec_get(str_from(p, (size_t)got), at, out, &need)) {
		case REC_VALID:
			return SR_OK;
		case REC_SHORT:
			if (need > n) {
				n = need;
				continue;
			}
			break;
		case REC_INVALID:
			break;
		}
		return sr_life(f, at.gen) == SR_GONE ? SR_GONE : SR_DAMAGED;
	}
}

enum sr
sr_message(struct spool_reader *sr, struct rec_place at, struct arena *a, struct spool_msg *out)
{
	struct sr_fd *f = sr_pin(sr, SPOOL_SEGMENT, at.n);
	struct spool_rec rec;
	enum sr res;

	if (!f)
		return SR_GONE;
	res = sr_record(f, at, a, &rec);
	sr_unpin(f);
	if (res != SR_OK)
		return res;
	return msg_decode(&rec, a, out) ? SR_OK : SR_DAMAGED;
}
