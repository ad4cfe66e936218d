/* SPDX-License-Identifier: ISC */
/*
 * check: see check.h.
 *
 * Three walks: segments with the content of their messages, journals, big files by their heads.
 * What a reader of the running server would refuse is `damaged`; valid records behind an end are
 * told apart, for they are what a power cut in the middle of a commit, or a refused batch, leaves.
 */
#include "spool/check.h"

#include <stdlib.h>

#include "base/num.h"
#include "rt/disk.h"
#include "spool/files.h"
#include "spool/journal_int.h"
#include "spool/reader.h"

enum { ARENA_MAX = 16 << 20 };

struct checking {
	struct spool_reader *sr;
	struct spool_check *sum;
	struct buf *json;
	enum spool_kind kind;
	bool first;			/* the next JSON file is the first */
	/* of the present file */
	uint64_t records, damaged, gone;
	bool begun, ended;
};

static void
check_message(struct checking *c, const struct spool_rec *rec)
{
	struct arena a;
	struct spool_msg m;

	arena_init(&a, ARENA_MAX);
	c->sum->messages++;
	if (!msg_decode(rec, &a, &m))
		c->damaged++;
	else if (m.ref.big_len)
		switch (sr_verify(c->sr, &m.ref)) {
		case SR_OK:
		case SR_STOPPED:
			break;
		case SR_GONE:
			c->gone++;		/* done with, and its file recycled */
			break;
		case SR_DAMAGED:
		case SR_IO:
			c->damaged++;
			break;
		}
	arena_done(&a);
}

static bool
on_rec(void *ctx, const struct spool_rec *rec)
{
	struct checking *c = ctx;
	struct spool_seal seal;

	c->records++;
	c->sum->records++;
	c->sum->bytes += rec->len;
	switch (rec->type) {
	case REC_MSG:
		check_message(c, rec);
		break;
	case REC_SEAL:
		c->damaged += !seal_decode(rec, &seal);
		break;
	case REC_CHECKPOINT:
		c->begun = c->begun || rec->sub == CHECKPOINT_BEGIN;
		c->ended = c->ended || (c->begun && rec->sub == CHECKPOINT_END);
		break;
	case REC_ENTRY:
		c->sum->journal_entries++;
		break;
	case REC_PAD:
		break;
	}
	return true;
}

static uint64_t
unreachable(struct checking *c, const struct spool_head *h, uint64_t from)
{
	uint64_t n = 0;

	while ((from = sr_resync(c->sr, h, from)) != 0) {
		n++;
		from += SPOOL_BLOCK;
	}
	return n;
}

static void
put_file(struct checking *c, uint64_t n, const struct spool_head *h)
{
	if (!c->json)
		return;
	(void)buf_putf(c->json, "%s\n    {\"dir\":\"%s\",\"file\":%llu,\"readable\":%s",
	    c->first ? "" : ",", file_dir(c->kind), (unsigned long long)n, h ? "true" : "false");
	c->first = false;
	if (h)
		(void)buf_putf(c->json, ",\"generation\":\"%016llx\",\"size\":%llu",
		    (unsigned long long)h->gen, (unsigned long long)h->size);
}

static void
on_file(void *ctx, uint64_t n, const struct spool_head *h)
{
	struct checking *c = ctx;
	struct sr_scan s = { .to = UINT64_MAX, .on_rec = on_rec, .ctx = c };
	uint64_t behind = 0;
	enum sr res = SR_OK;

	c->sum->files++;
	c->records = c->damaged = c->gone = 0;
	c->begun = c->ended = false;
	put_file(c, n, h);
	if (!h) {
		c->damaged = 1;
	} else if (h->kind != SPOOL_BIG) {
		s.segno = h->n;
		s.gen = h->gen;
		res = c->kind == SPOOL_SEGMENT ? sr_scan(c->sr, &s) : sr_scan_journal(c->sr, &s);
		c->damaged += res != SR_OK;
		behind = unreachable(c, h, s.next);
		if (c->json)
			(void)buf_putf(c->json, ",\"records\":%llu,\"end\":%llu,\"behind\":%llu,"
			    "\"content_gone\":%llu", (unsigned long long)c->records,
			    (unsigned long long)s.next, (unsigned long long)behind,
			    (unsigned long long)c->gone);
	}
	c->sum->damaged += c->damaged;
	c->sum->unreachable += behind;
	c->sum->journal_usable = c->sum->journal_usable || c->ended;
	if (c->json)
		(void)buf_putf(c->json, ",\"damaged\":%llu}", (unsigned long long)c->damaged);
}

static void
on_strange(void *ctx, enum spool_kind kind, const char *name)
{
	struct checking *c = ctx;

	(void)kind;
	/* What a pool leaves that was stopped while it made a file. */
	if (!str_ends(str_of(name), STR(".tmp")))
		c->sum->strange++;
}

static bool
count_strange(struct checking *c, int spool_dirfd)
{
	struct file_list l = { .kind = c->kind, .on_strange = on_strange, .ctx = c };
	int fd = disk_openat(spool_dirfd, file_dir(c->kind), O_RDONLY | O_DIRECTORY, 0), err = fd;

	if (fd >= 0) {
		err = file_list(fd, &l);
		(void)disk_close(fd);
	}
	free(l.p);
	return err >= 0;
}

bool
spool_check(int spool_dirfd, struct spool_check *out, struct buf *json)
{
	struct checking c = { .sum = out, .json = json, .first = true };
	bool ok = true;

	*out = (struct spool_check){};
	c.sr = sr_new(spool_dirfd, 8);
	if (!c.sr)
		return false;
	if (json)
		(void)buf_puts(json, "{\n  \"files\": [");
	for (int k = SPOOL_SEGMENT; k <= SPOOL_JOURNAL && ok; k++) {
		c.kind = (enum spool_kind)k;
		ok = count_strange(&c, spool_dirfd) &&
		    sr_list(c.sr, c.kind, &(struct sr_list){ on_file, &c }) == SR_OK;
	}
	sr_free(c.sr);
	if (json)
		(void)buf_putf(json, "\n  ],\n  \"files_checked\": %llu,\n  \"records\": %llu,\n"
		    "  \"messages\": %llu,\n  \"journal_entries\": %llu,\n  \"bytes\": %llu,\n"
		    "  \"journal_usable\": %s,\n  \"behind_ends\": %llu,\n"
		    "  \"strange_names\": %llu,\n"
		    "  \"damaged\": %llu,\n  \"ok\": %s\n}\n", (unsigned long long)out->files,
		    (unsigned long long)out->records, (unsigned long long)out->messages,
		    (unsigned long long)out->journal_entries, (unsigned long long)out->bytes,
		    out->journal_usable ? "true" : "false",
		    (unsigned long long)out->unreachable, (unsigned long long)out->strange,
		    (unsigned long long)out->damaged, out->damaged ? "false" : "true");
	return ok;
}
