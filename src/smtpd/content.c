/* SPDX-License-Identifier: ISC */
/*
 * content: the octets of a message on their way into the spool, and its end.
 *
 * 1. Everything is looked at once, while it arrives: limits, loops, header counts.
 * 2. What is refused is still counted to its real end, but no longer stored.
 * 3. 250 is said after sd_commit answered SPOOL_OK, and never else.
 */
#include "smtpd/session.h"

#include "base/msgid.h"
#include "base/num.h"
#include "mail/received.h"
#include "policy/entitle.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "smtpd/authors.h"
#include "smtpd/checked.h"
#include "smtpd/filters.h"
#include "smtpd/sign.h"

enum { PREPEND_MAX = 4096, START_MS = 10'000 };

/* At the start the pool is still looking at its files: a client that comes so early waits. */
static void
wait_for_pool(const struct spool_writer *sw)
{
	int64_t until = deadline_in(START_MS);

	while (!sw_clock_known(sw) && now_ms() < until)
		if (co_sleep(10) == WAKE_CANCELLED)
			return;
}

bool
content_begin(struct session *s)
{
	struct tx *tx = s->tx;

	wait_for_pool(s->srv->sw);
	dot_in_init(&tx->dot, s->lim->body_line);
	buf_init(&tx->copy, 256 << 20);
	section_init(&tx->sec, s->lim->header_bytes + SECTION_ROOM);
	tx->store = SPOOL_OK;
	tx->draft = sd_begin(s->srv->sw, &tx->store);
	tx->begun = tx->draft != NULL;
	return tx->begun;
}

struct reply
content_store_reply(enum spool store)
{
	switch (store) {
	case SPOOL_BUSY:
		return REPLY(452, 4, 3, 1, "too much mail at once, try again later");
	case SPOOL_FULL:
		return REPLY(452, 4, 3, 1, "no space, try again later");
	case SPOOL_OK:
	case SPOOL_IO:
		return REPLY(451, 4, 3, 0, "could not store the message, try again later");
	}
	return REPLY(451, 4, 3, 0, "could not store the message, try again later");
}

static void
drop_draft(struct tx *tx)
{
	struct spool_draft *d = tx->draft;

	tx->draft = NULL;
	if (d)
		sd_drop(d);
	buf_done(&tx->copy);
}

void
content_spoil(struct session *s, unsigned fault)
{
	s->tx->content.faults |= fault;
	drop_draft(s->tx);
}

void
content_tail(char tail[2], struct str bytes)
{
	if (bytes.n >= 2) {
		tail[0] = bytes.p[bytes.n - 2];
		tail[1] = bytes.p[bytes.n - 1];
	} else if (bytes.n == 1) {
		tail[0] = tail[1];
		tail[1] = bytes.p[0];
	}
}

void
content_write(struct session *s, struct str bytes)
{
	struct tx *tx = s->tx;

	if (!tx->draft || bytes.n == 0)
		return;
	tx->store = sd_write(tx->draft, bytes);
	if (tx->store != SPOOL_OK)
		drop_draft(tx);
	else if (s->srv->accepted_fd >= 0)
		(void)buf_put(&tx->copy, bytes);
}

void
content_replaced(struct session *s, size_t head)
{
	struct tx *tx = s->tx;
	struct str body;

	tx->content.size = head + sd_len(tx->draft);
	buf_reset(&tx->copy);
	if (s->srv->accepted_fd >= 0 && sd_memory(tx->draft, &body))
		(void)buf_put(&tx->copy, body);
	sign_replaced(s);
}

static void
store_body(struct session *s, struct str bytes)
{
	if (bytes.n == 0)
		return;
	checked_body(s, bytes);
	sign_body(s, bytes);
	if (filters_watch(s))
		filters_body(s, bytes);
	else
		content_write(s, bytes);
}

/* The header section is complete, whatever came. */
static void
section_done(struct session *s)
{
	struct tx *tx = s->tx;
	struct str rest;

	if (tx->sec.done)
		return;
	if (tx->sec.text.failed)
		content_spoil(s, CONTENT_HEADER);
	rest = section_cut(&tx->sec, &s->mem);
	if (tx->sec.text.failed && tx->draft) {
		tx->store = SPOOL_BUSY;
		content_spoil(s, 0);
	}
	checked_head(s);
	sign_head(s);
	store_body(s, rest);
}

static void
store(struct session *s, struct str bytes)
{
	s->tx->content.size += bytes.n;
	if (!s->tx->draft || bytes.n == 0)
		return;
	content_tail(s->tx->tail, bytes);
	if (!s->tx->sec.done) {
		if (!section_feed(&s->tx->sec, &bytes))
			return;
		section_done(s);
	}
	store_body(s, bytes);
}

/* A listed network's bare LF becomes CR LF in the content.  The end of data is unmoved by it: only
 * CR LF . CR LF ever is one, so nothing can be smuggled. */
static void
store_mended(struct session *s, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t nl = str_chr(bytes, '\n');
		bool cr = nl > 0 ? bytes.p[nl - 1] == '\r' : s->tx->mend_cr;
		size_t n = nl < 0 ? bytes.n : (size_t)nl;

		store(s, str_sub(bytes, 0, n));
		if (nl < 0) {
			s->tx->mend_cr = bytes.p[bytes.n - 1] == '\r';
			return;
		}
		store(s, cr ? STR("\n") : STR("\r\n"));
		s->tx->mend_cr = false;
		bytes = str_skip(bytes, n + 1);
	}
}

static void
check_header(struct session *s, struct str bytes)
{
	struct header_scan *h = &s->tx->header;

	if (h->done)
		return;
	(void)header_scan_feed(h, bytes);
	if (h->size > s->lim->header_bytes || h->fields > s->lim->header_fields)
		content_spoil(s, CONTENT_HEADER);
	if (h->count[HDR_RECEIVED] >= s->lim->received_max)
		content_spoil(s, CONTENT_LOOP);
}

void
content_put(struct session *s, struct str bytes)
{
	if (s->tx->content.size + bytes.n > s->lim->message_size)
		content_spoil(s, CONTENT_SIZE);
	check_header(s, bytes);
	if (s->mend)
		store_mended(s, bytes);
	else
		store(s, bytes);
}

static void
gather_content(struct session *s)
{
	struct tx *tx = s->tx;
	unsigned dot = tx->dot.faults;

	if (s->mend)
		dot &= ~(unsigned)DOT_BARE_LF;
	if (dot & (DOT_BARE_CR | DOT_BARE_LF))
		tx->content.faults |= CONTENT_BARE;
	if (dot & DOT_NUL)
		tx->content.faults |= CONTENT_NUL;
	if (dot & DOT_LONG_LINE)
		tx->content.faults |= CONTENT_LONG_LINE;
	tx->content.received = tx->header.count[HDR_RECEIVED];
	tx->content.from = tx->header.count[HDR_FROM];
	tx->content.sender = tx->header.count[HDR_SENDER];
	tx->content.date = tx->header.count[HDR_DATE];
	tx->content.subject = tx->header.count[HDR_SUBJECT];
	if (tx->head.n > 0 && !authors_read(tx->head, &s->mem, &s->f))
		tx->content.faults |= CONTENT_HEADER;
	s->f.content = tx->content;
}

static struct str
with_word(const struct session *s)
{
	struct received_by by = {
		.lmtp = s->listener->kind == L_LMTP, .extended = s->extended, .tls = s->f.tls,
		.auth = s->f.id.user.n > 0, .utf8 = s->tx->m.smtputf8,
	};

	return received_with(by);
}

/* RFC 5321 4.4 */
static struct str
trace_field(struct session *s, uint64_t id)
{
	struct tx *tx = s->tx;
	char text[MSGID_TEXT];
	char *mem = arena_alloc(&s->mem, PREPEND_MAX);
	struct buf b = { .p = mem, .cap = PREPEND_MAX, .max = PREPEND_MAX };
	struct received r = {
		.helo = s->f.helo, .has_ip = s->f.have_ip, .ip = s->f.ip, .ptr = s->f.id.host,
		.by = s->srv->cfg->hostname, .with = with_word(s), .id = msgid_format(id, text),
		.tls_version = s->f.tls_version, .tls_cipher = s->f.tls_cipher,
		.tls_bits = s->f.tls_bits, .tls_verify = tls_verify_name(s->f.verify),
		.rcpt = tx->nrcpt == 1 ? tx->rcpt[0].addr : (struct str){},
		.unix_s = wall_ms() / 1000,
	};

	if (s->f.id.local)
		r.local_user = str_fmt(&s->mem, "uid-%u", s->f.id.uid);
	if (!mem || !received_format(&b, &r))
		return (struct str){};
	return buf_str(&b);
}

/* RFC 4954 5: who handed it in first, as far as we believe who says so; a stranger's word is as
 * good as none.  Of our own users we know it ourselves. */
static struct str
auth_param(const struct session *s)
{
	const struct mail_args *m = &s->tx->m;

	if (!m->has_auth)
		return (struct str){};
	if (s->f.have_ip && s->login && nets_have(&s->srv->cfg->auth.parameter_from, &s->f.ip))
		return m->auth;
	return STR("<>");
}

static struct spool_env
envelope(struct session *s)
{
	struct tx *tx = s->tx;

	return (struct spool_env){
		.sender = tx->sender,
		.null_sender = tx->m.path.null, .smtputf8 = tx->m.smtputf8,
		.requiretls = tx->m.requiretls, .ret = (uint8_t)tx->m.ret,
		.listener_kind = (uint8_t)s->listener->kind, .body = (enum spool_body)tx->m.body,
		.received_ms = wall_ms(), .peer = s->f.ip, .peer_port = s->port,
		.envid = tx->m.envid, .helo = s->f.helo, .peer_name = s->f.id.host,
		.listener = s->listener->name, .with = with_word(s), .auth_id = s->f.id.user,
		.token = s->login ? str_from(s->login->token, s->login->token_n) : (struct str){},
		.auth_param = auth_param(s),
		.rule = tx->rule, .why = tx->why, .flags = tx->found,
		.rcpt = tx->rcpt, .nrcpt = tx->nrcpt,
	};
}

static void
log_accepted(struct session *s, uint64_t id)
{
	struct tx *tx = s->tx;

	if (!log_wants(LOG_INFO))
		return;
	log_begin(LOG_INFO, "accepted");
	log_id("id", id);
	log_u("session", s->serial);
	log_s("listener", s->listener->name);
	if (s->f.have_ip)
		log_ip("client", s->f.ip);
	if (s->f.id.local)
		log_u("uid", s->f.id.uid);
	if (s->f.id.user.n > 0)
		log_s("user", s->f.id.user);
	log_s("helo", s->f.helo);
	log_s("from", tx->sender);
	log_s("to", tx->rcpt[0].addr);
	log_u("rcpts", tx->nrcpt);
	log_u("size", tx->content.size);
	if (tx->rule.n > 0)
		log_s("rule", tx->rule);
	checked_log(s);
	if (s->f.tls) {
		log_s("tls", s->f.tls_version);
		log_s("cipher", s->f.tls_cipher);
	}
	log_s("verify", tls_verify_name(s->f.verify));
	if (s->f.peer)
		log_s("cert_subject", s->f.peer->subject_text);
	log_end();
}

/* The disk failed or is full: the operator must hear of it, not only the client. */
static struct reply
not_stored(struct session *s)
{
	static const char *const why[] = {
		[SPOOL_OK] = "ok", [SPOOL_BUSY] = "too much mail in memory",
		[SPOOL_FULL] = "spool is full", [SPOOL_IO] = "spool could not be written or synced",
	};

	log_begin(s->tx->store == SPOOL_IO ? LOG_ERROR : LOG_WARN, "not_stored");
	log_u("session", s->serial);
	log_cstr("why", why[s->tx->store]);
	log_u("size", s->tx->content.size);
	log_end();
	return content_store_reply(s->tx->store);
}

static struct reply
queued(struct session *s, uint64_t id)
{
	char text[MSGID_TEXT];

	return REPLY_TEXT(250, 2, 0, 0,
	    str_cat(&s->line, STR("queued as "), msgid_format(id, text)));
}

/* Policy's word: taken, and never delivered.  The log says so, the client does not learn it. */
static struct reply
discard(struct session *s, uint64_t id)
{
	struct tx *tx = s->tx;

	drop_draft(tx);
	s->messages++;
	log_begin(LOG_INFO, "discarded");
	log_id("id", id);
	log_u("session", s->serial);
	if (s->f.have_ip)
		log_ip("client", s->f.ip);
	log_s("from", tx->sender);
	log_s("to", tx->rcpt[0].addr);
	log_u("rcpts", tx->nrcpt);
	log_s("rule", tx->mark.rule);
	log_end();
	return queued(s, id);
}

static void
hold(struct session *s, uint64_t id)
{
	struct tx *tx = s->tx;

	for (size_t i = 0; i < tx->nrcpt; i++)
		tx->rcpt[i].flags |= ENTITLE_HOLD;
	log_begin(LOG_WARN, "held");
	log_id("id", id);
	log_u("session", s->serial);
	log_s("rule", tx->mark.rule);
	log_s("why", tx->mark.hold_why);
	log_end();
}

/* All that stands before the draft: our fields, and the section as it is now.  False: no memory for
 * one of them, and none may be missing. */
static bool
whole_head(struct session *s, struct str signatures, uint64_t id, struct buf *out)
{
	const struct section *sec = &s->tx->sec;
	struct str ours, trace = trace_field(s, id);

	buf_init(out, sec->text.n + signatures.n + (64 << 10));
	if (trace.n > 0 && checked_fields(s, &ours) && buf_put(out, ours) &&
	    buf_put(out, signatures) && buf_put(out, trace) && buf_put(out, buf_str(&sec->text)) &&
	    (!sec->blank || buf_puts(out, "\r\n")))
		return true;
	buf_done(out);
	return false;
}

static struct reply
commit(struct session *s)
{
	struct tx *tx = s->tx;
	struct spool_env env;
	struct str signatures;
	struct buf head;
	char text[MSGID_TEXT];
	uint64_t id;

	/* Mail is lines; a chunk need not have ended one (RFC 3030 says nothing of it). */
	if (tx->content.size > 0 && (tx->tail[0] != '\r' || tx->tail[1] != '\n'))
		content_write(s, STR("\r\n"));
	if (!tx->draft)
		return not_stored(s);
	id = sd_id(tx->draft);
	if (tx->mark.discard)
		return discard(s, id);
	if (tx->mark.hold)
		hold(s, id);
	sign_complete(s, msgid_format(id, text));
	signatures = sign_fields(s);
	if (!signatures.p)
		return REPLY(451, 4, 3, 0, "cannot sign the message now, try again later");
	if (!whole_head(s, signatures, id, &head))
		return REPLY(452, 4, 3, 1, "no memory");
	env = envelope(s);
	tx->store = sd_commit(tx->draft, &env, buf_str(&head), NULL);
	if (tx->store == SPOOL_OK) {
		tx->draft = NULL;
		accepted_note(s, buf_str(&head));
	}
	buf_done(&head);
	if (tx->store != SPOOL_OK)
		return not_stored(s);
	s->messages++;
	s->srv->accepted++;
	log_accepted(s, id);
	return queued(s, id);
}

static bool
taken(const struct verdict *v)
{
	return v->act == ACT_ACCEPT || v->act == ACT_JUNK;
}

/* Filters have the last word, and can only make it worse; what they made of the fields that say
 * who writes is judged like the original.  suspends */
static struct verdict
filter_end(struct session *s, struct verdict v)
{
	struct verdict filtered = filters_end(s);
	struct str text;
	struct marks mark;

	if (filtered.act != ACT_ACCEPT || !filters_watch(s))
		return filtered.act != ACT_ACCEPT ? filtered : v;
	mark = filters_marks(s);
	tx_mark(&s->tx->mark, &mark);
	if (s->tx->head.n == 0)
		return v;
	text = section_text(&s->tx->sec, &s->mem);
	if (!text.p || !authors_read(text, &s->mem, &s->f))
		s->f.content.faults |= CONTENT_HEADER;
	return decide_end(s->srv->policy, &s->f);
}

struct reply
content_end(struct session *s, bool last)
{
	struct verdict v;
	struct reply r;
	size_t n = last ? s->tx->nrcpt : 1;

	if (s->tx->draft)
		section_done(s);
	gather_content(s);
	if (!s->tx->draft && s->f.content.faults == 0) {
		r = not_stored(s);
		for (; s->listener->kind == L_LMTP && n > 1; n--)
			session_reply(s, &r);
		tx_reset(s);
		return r;
	}
	if (s->f.content.faults == 0)
		checked_end(s);
	v = decide_end(s->srv->policy, &s->f);
	tx_mark(&s->tx->mark, &v.mark);
	if (taken(&v) && last)
		v = filter_end(s, v);
	if (taken(&v)) {
		if (v.nobserved > 0)
			(void)session_verdict(s, &v);
		checked_found(s, &v);
		r = commit(s);
	} else {
		r = session_verdict(s, &v);
		s->srv->refused++;
	}
	/* RFC 2033 4.2: a reply for each recipient that was taken */
	for (; s->listener->kind == L_LMTP && n > 1; n--)
		session_reply(s, &r);
	tx_reset(s);
	return r;
}
