/* SPDX-License-Identifier: ISC */
/*
 * cmd_data: DATA (RFC 5321 4.1.1.4) and BDAT (RFC 3030).
 *
 * 1. Only CR LF . CR LF ends DATA; a message with any other line end or a NUL is read to its real
 *    end, refused, and the connection closed, so that nothing behind it is ever a command.
 * 2. The octets a BDAT announced are always taken, whatever the reply, up to a cap beyond which
 *    the connection ends: command and content never get mixed up.
 */
#include "smtpd/session.h"

#include "base/num.h"
#include "rt/clock.h"
#include "smtpd/filters.h"

/* How far beyond the limit a client may go on before we hang up on it. */
static uint64_t
swallow_max(const struct session *s)
{
	return s->lim->message_size * 2 + (1 << 20);
}

static void
pace(struct session *s, bool on)
{
	conn_deadline(s->c, now_ms() + s->lim->cmd_ms);
	if (on)
		conn_rate(s->c, (uint32_t)s->lim->data_rate, (uint32_t)s->lim->data_rate_ms);
	else
		conn_rate(s->c, 0, 0);
}

static struct reply
lost(enum io why)
{
	switch (why) {
	case IO_TIMEOUT:
		return REPLY_BYE(421, 4, 4, 2, "too slow");
	case IO_CANCELLED:
		return REPLY_BYE(421, 4, 3, 2, "shutting down");
	case IO_TOOLONG:
		return REPLY_BYE(552, 5, 3, 4, "message too big");
	case IO_OK:
	case IO_EOF:
	case IO_BROKEN:
		break;
	}
	return (struct reply){ .close = true };		/* nobody left to tell */
}

/* suspends.  The message up to and with its final dot. */
static enum io
read_dotted(struct session *s)
{
	struct dot_in *d = &s->tx->dot;

	for (;;) {
		struct str in, run;
		size_t had;
		enum dot k;
		enum io got;

		conn_deadline(s->c, now_ms() + s->lim->cmd_ms);
		got = conn_block(s->c, &in);
		if (got != IO_OK)
			return got;
		had = in.n;
		while ((k = dot_in_next(d, &in, &run)) == DOT_RUN)
			content_put(s, run);
		conn_consume(s->c, had - in.n);
		if (k == DOT_END)
			return IO_OK;
		if (s->tx->content.size > swallow_max(s))
			return IO_TOOLONG;
	}
}

static void
gather_data(struct session *s)
{
	s->f.nrcpt = s->tx->nrcpt;
	s->f.spool_full = sw_state(s->srv->sw) == SPOOL_FULL;
}

/* suspends.  A refusal ends the transaction; else code 0. */
static struct reply
ask_filters(struct session *s)
{
	struct verdict v = filters_data(s);

	if (v.act == ACT_ACCEPT)
		return (struct reply){};
	(void)session_verdict(s, &v);
	tx_reset(s);
	return v.reply;
}

struct reply
on_data(struct session *s, struct str args)
{
	struct verdict v;
	struct reply r;
	enum io got;

	if (args.n > 0)
		return REPLY(501, 5, 5, 4, "DATA has no argument");
	if (!s->tx)
		return REPLY(503, 5, 5, 1, "say MAIL and RCPT first");
	if (s->tx->chunked || s->tx->m.body == BODY_BINARYMIME)
		return REPLY(503, 5, 5, 1, "BDAT goes on with BDAT");	/* RFC 3030 2, 3 */
	gather_data(s);
	v = decide_data(s->srv->policy, &s->f);
	if (v.act != ACT_ACCEPT)
		return session_verdict(s, &v);
	if (!content_begin(s)) {
		r = content_store_reply(s->tx->store);
		tx_reset(s);
		return r;
	}
	r = ask_filters(s);
	if (r.code != 0)
		return r;
	session_reply(s, &v.reply);
	pace(s, true);
	got = conn_flush(s->c);
	if (got == IO_OK)
		got = read_dotted(s);
	pace(s, false);
	return got == IO_OK ? content_end(s, true) : lost(got);
}

/* suspends.  Exactly size octets; they are content when take is set. */
static enum io
read_chunk(struct session *s, uint64_t size, bool take)
{
	while (size > 0) {
		struct str in;
		enum io got;

		conn_deadline(s->c, now_ms() + s->lim->cmd_ms);
		got = conn_block(s->c, &in);
		if (got != IO_OK)
			return got;
		in = str_sub(in, 0, size < in.n ? (size_t)size : in.n);
		if (take) {
			dot_check(&s->tx->dot, in);
			content_put(s, in);
		}
		conn_consume(s->c, in.n);
		size -= in.n;
	}
	return IO_OK;
}

/* The octets must come off the line before we may say why they were not wanted. */
static struct reply
refuse_chunk(struct session *s, uint64_t size, struct reply r)
{
	enum io got;

	if (size > swallow_max(s))
		return REPLY_BYE(552, 5, 3, 4, "message too big");
	pace(s, true);
	got = read_chunk(s, size, false);
	pace(s, false);
	return got == IO_OK ? r : lost(got);
}

static struct reply
chunk_begin(struct session *s)
{
	struct verdict v;
	struct reply r;

	if (!s->extended)
		return REPLY(503, 5, 5, 1, "say EHLO first");
	if (!s->tx)
		return REPLY(503, 5, 5, 1, "say MAIL and RCPT first");
	if (s->tx->chunked)
		return (struct reply){};
	gather_data(s);
	v = decide_data(s->srv->policy, &s->f);
	if (v.act != ACT_ACCEPT)
		return session_verdict(s, &v);
	if (!content_begin(s)) {
		r = content_store_reply(s->tx->store);
		tx_reset(s);
		return r;
	}
	s->tx->chunked = true;
	return ask_filters(s);
}

static struct reply
chunk_taken(struct session *s, bool last)
{
	struct tx *tx = s->tx;

	if (last) {
		dot_check_end(&tx->dot);
		return content_end(s, true);
	}
	/* Full, broken or forbidden already: the rest need not come. */
	if (!tx->draft || tx->dot.faults) {
		struct reply r = tx->store != SPOOL_OK ? content_store_reply(tx->store) :
		    content_end(s, false);

		tx_reset(s);
		return r;
	}
	return REPLY(250, 2, 0, 0, "chunk ok");
}

struct reply
on_bdat(struct session *s, struct str args)
{
	struct perr err = {};
	struct reply r;
	uint64_t size;
	enum io got;
	bool last;

	if (!smtp_bdat_parse(args, &size, &last, &err)) {
		/* Where the chunk ends is unknown, so nothing behind it can be read. */
		r = reply_of_perr(&err);
		r.close = true;
		return r;
	}
	if (size >= 1024 && s->commands > 0)
		s->commands--;					/* big chunks are no idle talk */
	r = chunk_begin(s);
	if (r.code != 0)
		return refuse_chunk(s, size, r);
	if (s->tx->content.size + size > swallow_max(s) || size > swallow_max(s)) {
		tx_reset(s);
		return REPLY_BYE(552, 5, 3, 4, "message too big");
	}
	pace(s, true);
	got = read_chunk(s, size, true);
	pace(s, false);
	return got == IO_OK ? chunk_taken(s, last) : lost(got);
}
