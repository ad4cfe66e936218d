/* SPDX-License-Identifier: ISC */
/*
 * filter_body: content on its way past the filters.
 *
 * The body goes into the draft.  One that outgrows STREAM_AT is told to all milters while it
 * arrives, because a big draft cannot be read again.
 */
#include "smtpd/filters_int.h"

/* One step of each milter that still listens; the first objection is kept for the end. */
static void
each(struct filters *fl, struct str part,
    enum milter_says (*fn)(struct filters *, struct filter_run *, struct str, struct reply *))
{
	for (size_t i = 0; i < fl->n && fl->discard.n == 0 && fl->bad.act == ACT_ACCEPT; i++) {
		struct filter_run *run = &fl->run[i];
		struct reply r = {};

		if (run->conf->kind == FILTER_MILTER && !run->over && !run->done)
			(void)filters_heed(fl, run, fn(fl, run, part, &r), &r, &fl->bad);
	}
}

static enum milter_says
begin_one(struct filters *fl, struct filter_run *run, struct str part, struct reply *r)
{
	(void)part;
	return talk_header(fl, run, r);
}

void
body_flush(struct filters *fl)
{
	each(fl, buf_str(&fl->chunk), talk_body);
	buf_reset(&fl->chunk);
}

static void
stream(struct filters *fl, struct str bytes)
{
	while (bytes.n > 0) {
		struct str part = str_sub(bytes, 0, MILTER_CHUNK - fl->chunk.n);

		(void)buf_put(&fl->chunk, part);
		bytes = str_skip(bytes, part.n);
		if (fl->chunk.n == MILTER_CHUNK)
			body_flush(fl);
	}
}

static void
stream_begin(struct filters *fl)
{
	struct str body;

	fl->streaming = true;
	each(fl, (struct str){}, begin_one);
	if (sd_memory(fl->s->tx->draft, &body))
		stream(fl, body);
}

/* Octets of the body, into the draft. */
static void
body_put(struct filters *fl, struct str bytes)
{
	struct session *s = fl->s;

	if (bytes.n == 0 || !s->tx->draft)
		return;
	if (!fl->streaming && sd_len(s->tx->draft) + bytes.n > STREAM_AT)
		stream_begin(fl);
	content_write(s, bytes);
	if (fl->streaming && s->tx->draft)
		stream(fl, bytes);
}

void
filters_body(struct session *s, struct str bytes)
{
	body_put(s->filters, bytes);
}
