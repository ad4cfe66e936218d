/* SPDX-License-Identifier: ISC */
/*
 * wrap: see wrap.h.
 */
#include "queue/wrap.h"

#include <stdlib.h>

#include "base/msgid.h"
#include "base/num.h"
#include "mail/date.h"
#include "mail/header.h"
#include "rt/log.h"
#include "trust/bodyhash.h"

enum { HEAD_MAX = 256 << 10, BLOCK = 32 << 10, SUBJECT_MAX = 900 };

static struct str
main_domain(const struct queue *q)
{
	return q->cfg->ndomain > 0 ? q->cfg->domain[0].name : q->cfg->hostname;
}

/* The header section of the old message; empty: it cannot be read. */
static bool
old_header(struct queue *q, const struct wrapping *w, struct arena *a, struct header *h)
{
	size_t n = (size_t)MIN(content_len(&w->m->ref), (uint64_t)HEAD_MAX);
	char *p = arena_alloc(a, n + 1);

	return p != NULL &&
	    sr_content(q->reader, &w->m->ref, 0, (struct sr_bytes){ p, n }) == SR_OK &&
	    header_parse(str_from(p, n), a, 0, h);
}

static void
put_subject(struct buf *b, const struct header *h, struct arena *a)
{
	const struct field *f = header_find(h, STR("Subject"), 0);
	struct str s = f ? field_unfold(f, a) : STR("(no subject)");

	(void)buf_puts(b, "Subject: Fwd: ");
	for (size_t i = 0; i < s.n && i < SUBJECT_MAX; i++)
		(void)buf_putc(b, ascii_isprint(s.p[i]) ? s.p[i] : '?');
	(void)buf_puts(b, "\r\n");
}

static bool
new_header(struct queue *q, const struct wrapping *w, const struct header *h, uint64_t id,
    struct buf *b)
{
	struct str domain = main_domain(q);
	char text[MSGID_TEXT];
	struct arena a;

	arena_init(&a, HEAD_MAX);
	for (size_t n = 0; header_find(h, STR("Received"), n); n++)
		(void)buf_put(b, header_find(h, STR("Received"), n)->raw);
	(void)buf_putf(b, "From: \"Forwarded mail\" <postmaster@" STR_F ">\r\nTo: <" STR_F ">\r\n",
	    STR_A(domain), STR_A(w->to));
	if (!w->m->env.null_sender)
		(void)buf_putf(b, "Reply-To: <" STR_F ">\r\n", STR_A(w->m->env.sender));
	put_subject(b, h, &a);
	(void)buf_puts(b, "Date: ");
	(void)date_format(b, queue_wall_ms(q) / 1000, 0);
	(void)buf_putf(b, "\r\nMessage-ID: <" STR_F ".fwd@" STR_F ">\r\n",
	    STR_A(msgid_format(id, text)), STR_A(domain));
	(void)buf_putf(b, "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "Content-Description: mail for " STR_F ", as it was received\r\n\r\n",
	    w->m->env.body == SPOOL_7BIT ? "7bit" : "8bit", STR_A(w->at));
	arena_done(&a);
	return !b->failed;
}

static enum spool
copy_content(struct queue *q, const struct wrapping *w, struct spool_draft *d,
    struct body_hashes *body)
{
	uint64_t len = content_len(&w->m->ref);
	enum spool r = SPOOL_OK;
	char *p = malloc(BLOCK);

	for (uint64_t at = 0; p != NULL && r == SPOOL_OK && at < len; ) {
		size_t n = (size_t)MIN(len - at, (uint64_t)BLOCK);

		if (sr_content(q->reader, &w->m->ref, at, (struct sr_bytes){ p, n }) != SR_OK)
			r = SPOOL_IO;
		else
			r = sd_write(d, str_from(p, n));
		body_hash_feed(body, str_from(p, n));
		at += n;
	}
	free(p);
	return p != NULL ? r : SPOOL_BUSY;
}

static enum spool
commit(struct queue *q, const struct wrapping *w, struct spool_draft *d, struct str signature)
{
	struct spool_rcpt to = { .addr = w->to };
	struct spool_env env = {
		.sender = w->sender, .null_sender = w->sender.n == 0, .listener_kind = L_LOCAL,
		.smtputf8 = w->m->env.smtputf8, .listener = STR("queue.wrap"),
		.body = w->m->env.body == SPOOL_7BIT ? SPOOL_8BITMIME : w->m->env.body,
		.received_ms = queue_wall_ms(q), .with = STR("local"),
		.rule = STR("forward-unsigned-wrapped"), .rcpt = &to, .nrcpt = 1,
	};
	uint64_t id;
	enum spool r = sd_commit(d, &env, signature, &id);

	if (r != SPOOL_OK)
		return r;
	log_begin(LOG_INFO, "wrapped");
	log_id("id", w->m->id);
	log_id("as", id);
	log_s("rcpt", w->at);
	log_s("to", w->to);
	log_end();
	return SPOOL_OK;
}

/* The header as it will stand, and the body as it was copied. */
static struct str
signature(struct queue *q, struct str header, struct body_hashes *body, struct arena *a)
{
	struct str hash;
	uint64_t len;

	body_hash_end(body);
	hash = body_hash_get(body, 0, &len);
	return q->ops.sign != NULL && hash.n > 0 ? q->ops.sign(q->ctx, header, hash, a) : STR("");
}

enum spool
wrap_message(struct queue *q, const struct wrapping *w, struct arena *a)
{
	struct body_hashes body = {};
	struct header h;
	struct spool_draft *d;
	struct buf b;
	enum spool r = SPOOL_BUSY;

	if (!old_header(q, w, a, &h) || (d = sd_begin(q->writer, &r)) == NULL)
		return r;
	buf_init(&b, 2 * HEAD_MAX);
	r = new_header(q, w, &h, sd_id(d), &b) ? sd_write(d, buf_str(&b)) : SPOOL_BUSY;
	(void)body_hash_want(&body, (struct body_wish){ .relaxed = true });
	if (r == SPOOL_OK)
		r = copy_content(q, w, d, &body);
	if (r == SPOOL_OK)
		r = commit(q, w, d, signature(q, buf_str(&b), &body, a));
	body_hashes_done(&body);
	buf_done(&b);
	if (r != SPOOL_OK)
		sd_drop(d);
	return r;
}
