/* SPDX-License-Identifier: ISC */
/*
 * replay: which journal file is the truth, and what it says.
 *
 * Every file is walked once to see whether it is usable and whether another one voids it; then the
 * one is walked again for its entries.  A torn end is normal: the walk stops there.
 */
#include <stdlib.h>

#include "base/num.h"
#include "rt/disk.h"
#include "spool/journal_int.h"

struct candidate {
	uint64_t seq;
	bool begun, ended;
};

struct survey {
	struct candidate *file;		/* as journal.former */
	struct candidate *now;
	uint64_t *voided;
	size_t nvoided;
};

static bool
on_survey(void *ctx, const struct spool_rec *rec)
{
	struct survey *s = ctx;
	uint64_t seq;

	if (rec->type != REC_CHECKPOINT || rec->version != 1 || rec->meta.n != 8)
		return true;
	seq = get_le64(rec->meta.p);
	switch (rec->sub) {
	case CHECKPOINT_BEGIN:
		s->now->begun = true;
		s->now->seq = seq;
		break;
	case CHECKPOINT_END:
		s->now->ended = s->now->begun && seq == s->now->seq;
		break;
	case CHECKPOINT_VOID:
		s->voided = realloc(s->voided, (s->nvoided + 1) * sizeof *s->voided);
		if (!s->voided)
			abort();
		s->voided[s->nvoided++] = seq;
		break;
	}
	return true;
}

static bool
is_voided(const struct survey *s, uint64_t seq)
{
	for (size_t i = 0; i < s->nvoided; i++)
		if (s->voided[i] == seq)
			return true;
	return false;
}

static void
on_former(void *ctx, uint64_t n, const struct spool_head *head)
{
	struct journal *j = ctx;

	(void)n;
	if (!head)
		return;
	j->former = realloc(j->former, (j->nformer + 1) * sizeof *j->former);
	if (!j->former)
		abort();
	j->former[j->nformer++] = *head;
}

struct player {
	void (*on_entry)(void *ctx, const struct journal_entry *e);
	void *ctx;
};

static bool
on_play(void *ctx, const struct spool_rec *rec)
{
	struct player *p = ctx;

	if (rec->type == REC_ENTRY && rec->version == 1)
		p->on_entry(p->ctx, &(struct journal_entry){
			.sub = rec->sub, .id = rec->id, .payload = rec->meta });
	return true;
}

/* suspends */
static enum sr
walk(struct journal *j, size_t i, struct sr_scan s)
{
	s.segno = j->former[i].n;
	s.gen = j->former[i].gen;
	s.to = UINT64_MAX;
	return sr_scan_journal(j->sr, &s);
}

/* Index of the truth in j->former, or -1: there is none.  suspends */
static enum spool
survey(struct journal *j, ssize_t *truth)
{
	struct survey s = { .file = calloc(j->nformer + 1, sizeof *s.file) };
	enum spool res = SPOOL_OK;

	if (!s.file)
		abort();
	*truth = -1;
	for (size_t i = 0; i < j->nformer; i++) {
		s.now = &s.file[i];
		if (walk(j, i, (struct sr_scan){ .on_rec = on_survey, .ctx = &s }) == SR_IO)
			res = SPOOL_IO;
		j->seq = MAX(j->seq, s.now->seq);
	}
	for (size_t i = 0; i < j->nformer; i++)
		if (s.file[i].ended && !is_voided(&s, s.file[i].seq) &&
		    (*truth < 0 || s.file[i].seq > s.file[*truth].seq))
			*truth = (ssize_t)i;
	free(s.file);
	free(s.voided);
	return res;
}

enum spool
jr_replay(struct journal *j, void (*on_entry)(void *ctx, const struct journal_entry *e), void *ctx)
{
	struct player p = { on_entry, ctx };
	ssize_t truth;
	enum spool res;

	if (sr_list(j->sr, SPOOL_JOURNAL, &(struct sr_list){ on_former, j }) != SR_OK)
		return SPOOL_IO;
	res = survey(j, &truth);
	if (res != SPOOL_OK || truth < 0)
		return res;
	switch (walk(j, (size_t)truth, (struct sr_scan){ .on_rec = on_play, .ctx = &p })) {
	case SR_OK:
	case SR_STOPPED:
	case SR_DAMAGED:
		return SPOOL_OK;
	case SR_GONE:
	case SR_IO:
		break;
	}
	return SPOOL_IO;
}

void
jr_drop_former(struct journal *j)
{
	for (size_t i = 0; i < j->nformer; i++)
		if (j->former[i].n != j->now.file.n || j->former[i].gen != j->now.file.gen)
			j->ops.drop_file(j->ctx, j->former[i].n, j->former[i].gen);
	free(j->former);
	j->former = NULL;
	j->nformer = 0;
}
