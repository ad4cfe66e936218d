/* SPDX-License-Identifier: ISC */
/*
 * otx: see otx.h.  With PIPELINING: all commands, all their replies, message and next commands, its
 * reply.  Without: command, reply.  BDAT waits for the recipients' replies too: octets for a server
 * that took nobody, or does not mean its CHUNKING, would be read as commands.
 */
#include "smtpc/otx.h"

#include "base/num.h"
#include "mail/smtp.h"
#include "smtpc/words.h"

enum { PIPELINED_RCPTS = 100, PATIENCE = 3, DOMAINS_MAX = 16 };

bool
attempt_open(struct attempt *at)
{
	struct trouble t;

	at->out = arena_zalloc(at->arena, at->job.nrcpt * sizeof *at->out + 1);
	at->state = arena_zalloc(at->arena, at->job.nrcpt + 1);
	if (!at->out || !at->state)
		return false;
	switch (body_open(&at->body, &at->src, at->arena)) {
	case BODY_FINE:
		at->body_open = true;
		return true;
	case BODY_GONE:
	case BODY_UNREADABLE:
		t = TROUBLE_TEMP(CLASS_OWN, "4.3.0", "our own copy cannot be read now");
		break;
	case BODY_FOUL:
		t = TROUBLE_PERM(CLASS_POLICY, "5.6.0", "the message has a bare CR, LF or NUL");
		break;
	}
	attempt_fail(at, &t);
	return false;
}

static void
rcpt_done(struct attempt *at, size_t i, const struct trouble *t)
{
	if (at->state[i] == RCPT_DONE)
		return;
	at->state[i] = RCPT_DONE;
	at->ndone++;
	at->out[i] = outcome_of(at->job.rcpt[i].idx, t);
}

void
attempt_fail(struct attempt *at, const struct trouble *t)
{
	struct trouble copy = *t;

	/* The trouble may live as long as a connection only. */
	copy.status = str_dup(at->arena, t->status);
	copy.text = str_dup(at->arena, t->text);
	copy.mta = str_dup(at->arena, t->mta);
	for (size_t i = 0; i < at->job.nrcpt; i++)
		rcpt_done(at, i, &copy);
}

static void
otx_fail(struct otx *t, const struct trouble *trouble)
{
	for (size_t i = 0; i < t->n; i++)
		rcpt_done(t->at, t->rcpt[i], trouble);
}

/* RFC 9422 4.3: so many different domains in one transaction. */
struct domains {
	struct str seen[DOMAINS_MAX];
	size_t n, max;
};

static bool
domain_fits(struct domains *d, struct str addr)
{
	ssize_t at = str_rchr(addr, '@');
	struct str domain = at < 0 ? (struct str){} : str_skip(addr, (size_t)at + 1);

	if (!d->max)
		return true;
	for (size_t i = 0; i < d->n; i++)
		if (str_ieq(d->seen[i], domain))
			return true;
	if (d->n == d->max)
		return false;
	d->seen[d->n++] = domain;
	return true;
}

bool
otx_begin(struct otx *t, struct attempt *at, struct client *k)
{
	struct domains domains = { .max = (size_t)MIN(k->ehlo.rcptdomain_max,
	    (uint64_t)DOMAINS_MAX) };
	size_t max = (size_t)MIN(k->conf->lim->client_rcpt, (uint64_t)PIPELINED_RCPTS);
	struct trouble why;

	*t = (struct otx){ .at = at };
	if (!words_fit(&at->job, &at->body, k, at->arena, &why)) {
		attempt_fail(at, &why);
		return false;
	}
	if (k->ehlo.rcpt_max)				/* RFC 9422 4.2 */
		max = (size_t)MIN((uint64_t)max, k->ehlo.rcpt_max);
	t->rcpt = arena_alloc(at->arena, max * sizeof *t->rcpt);
	if (!t->rcpt) {
		attempt_fail(at, &TROUBLE_TEMP(CLASS_OWN, "4.3.0", "out of memory"));
		return false;
	}
	for (size_t i = 0; i < at->job.nrcpt && t->n < max; i++) {
		if (at->state[i] == RCPT_DONE || !domain_fits(&domains, at->job.rcpt[i].addr))
			continue;
		if (words_rcpt_fits(&at->job.rcpt[i], k, &why)) {
			at->state[i] = RCPT_ASKED;
			t->rcpt[t->n++] = (uint32_t)i;
		} else {
			rcpt_done(at, i, &why);
		}
	}
	/* Binary content can only go as BDAT; other content goes so when it can, for then no octet
	 * of it can be taken for its end. */
	t->bdat = k->ext & EXT_CHUNKING;
	at->rounds++;
	return t->n > 0;
}

void
otx_put_head(struct otx *t, struct client *k)
{
	if (!(k->ext & EXT_PIPELINING) || t->head_out)
		return;
	if (k->reset_first) {
		(void)buf_puts(&k->out, "RSET\r\n");
		k->reset_first = false;
		t->reset = true;
	}
	words_mail(&k->out, &t->at->job, &t->at->body, k);
	for (size_t i = 0; i < t->n; i++)
		words_rcpt(&k->out, &t->at->job.rcpt[t->rcpt[i]], k);
	if (!t->bdat)
		(void)buf_puts(&k->out, "DATA\r\n");
	t->head_out = true;
}

/* Reads one reply; without pipelining first writes the command that waits in k->out. */
static bool
answer(struct otx *t, struct client *k, const char *phase, struct reply_in *r)
{
	int64_t ms = k->conf->lim->client_cmd_ms;

	/* One slow reply after the other may not hold us for hours. */
	if (!t->until_ms)
		t->until_ms = deadline_in(PATIENCE * ms);
	k->phase = phase;
	if (k->out.n && !client_flush(k))
		return false;
	return client_reply(k, MIN(ms, t->until_ms - now_ms()), t->at->arena, r) && !k->dead;
}

/* A reply of another kind than the phase has: nothing that follows can be trusted. */
static bool
confused(struct client *k)
{
	return client_die(k, TROUBLE_TEMP(CLASS_HOST, "4.5.0",
	    "its reply does not fit the command"));
}

/* RFC 5321 4.5.3.1.10: too many recipients; 552 is the old way to say it. */
static bool
too_many(const struct reply_in *r)
{
	return (r->code == 452 && (!r->c || (r->s == 5 && r->d == 3))) ||
	    (r->code == 552 && (!r->c || (r->s == 5 && r->d == 3)));
}

static bool
mail_reply(struct otx *t, struct client *k, bool *refused)
{
	struct reply_in r;

	if (!t->head_out)
		words_mail(&k->out, &t->at->job, &t->at->body, k);
	if (!answer(t, k, "the reply to MAIL", &r))
		return false;
	if (r.code / 100 == 2)
		return true;
	if (r.code < 400)
		return confused(k);
	struct trouble why = outcome_refused(&r, CLASS_MESSAGE, k->mta, t->at->arena);
	otx_fail(t, &why);
	*refused = true;
	return true;
}

/* Returns false when the connection died; counts in *taken who was accepted. */
static bool
rcpt_replies(struct otx *t, struct client *k, bool refused, size_t *taken)
{
	size_t later = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct attempt *at = t->at;
		uint32_t at_i = t->rcpt[i];
		struct reply_in r;

		if (!t->head_out) {
			if (refused)
				return true;
			words_rcpt(&k->out, &at->job.rcpt[at_i], k);
		}
		if (!answer(t, k, "the reply to RCPT", &r))
			return false;
		if (refused)
			continue;
		if (r.code / 100 == 2) {
			at->state[at_i] = RCPT_TAKEN;
			++*taken;
		} else if (r.code < 400) {
			return confused(k);
		} else if (*taken && too_many(&r) && at->rounds < RCPT_LATER_MAX) {
			at->state[at_i] = RCPT_WAITING;
			later++;
		} else {
			struct trouble why = outcome_refused(&r, CLASS_RCPT, k->mta, at->arena);

			rcpt_done(at, at_i, &why);
		}
	}
	return true;
}

/* It announced CHUNKING and does not know BDAT: our octets were commands to it.  The
 * connection ends, and DATA is used from now on. */
static bool
bdat_unknown(const struct reply_in *r)
{
	return r->code == 500 || r->code == 502 || r->code == 503;
}

static bool
bdat_forget(struct otx *t, struct client *k)
{
	k->after_body = false;
	if (t->at->job.body == SPOOL_BINARYMIME) {
		struct trouble why = TROUBLE_PERM(CLASS_MESSAGE, "5.6.3",
		    "its server refuses BDAT");

		otx_fail(t, &why);
	}
	k->no_chunking = true;
	return client_die(k, TROUBLE_TEMP(CLASS_HOST, "4.5.1",
	    "it announces CHUNKING, refuses BDAT"));
}

/* The reply that ends the message, one for each taken recipient in LMTP. */
static bool
final_replies(struct otx *t, struct client *k)
{
	struct attempt *at = t->at;
	int64_t dot_ms = k->conf->lim->client_dot_ms, until = deadline_in(PATIENCE * dot_ms);
	struct reply_in r = {};
	bool have = false;

	k->phase = "the reply to the message";
	for (size_t i = 0; i < t->n; i++) {
		struct outcome *o = &at->out[t->rcpt[i]];

		if (at->state[t->rcpt[i]] != RCPT_TAKEN)
			continue;
		if ((!have || k->conf->lmtp) &&
		    (!client_reply(k, MIN(dot_ms, until - now_ms()), at->arena, &r) || k->dead))
			return false;
		have = true;
		if (r.code / 100 == 3)
			return confused(k);
		if (t->bdat && bdat_unknown(&r))
			return bdat_forget(t, k);
		if (r.code / 100 != 2) {
			k->reset_first = t->bdat;
			struct trouble why = outcome_refused(&r,
			    k->conf->lmtp ? CLASS_RCPT : CLASS_MESSAGE, k->mta, at->arena);

			rcpt_done(at, t->rcpt[i], &why);
			continue;
		}
		at->state[t->rcpt[i]] = RCPT_DONE;
		at->ndone++;
		*o = (struct outcome){ .idx = at->job.rcpt[t->rcpt[i]].idx,
		    .kind = k->conf->lmtp ? OUT_DELIVERED : OUT_RELAYED,
		    .dsn_passed = (k->ext & EXT_DSN) != 0,
		    .status = outcome_status(&r, at->arena),
		    .reply = outcome_words(&r, at->arena), .mta = str_dup(at->arena, k->mta) };
	}
	return true;
}

/* What came while our message was on its way, or after it: nobody knows whether they have it. */
static void
fate_unknown(struct otx *t, struct client *k)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at->state[t->rcpt[i]] == RCPT_TAKEN) {
			struct trouble why = k->trouble;

			why.kind = OUT_TEMP;
			if (why.status.n && why.status.p[0] != '4')
				why.status = STR("4.4.2");
			why.text = str_dup(t->at->arena, why.text);
			why.status = str_dup(t->at->arena, why.status);
			why.mta = str_dup(t->at->arena, why.mta);
			rcpt_done(t->at, t->rcpt[i], &why);
		}
}

static enum otx_end
lost(struct otx *t, struct client *k)
{
	if (k->after_body)
		fate_unknown(t, k);
	k->after_body = false;
	for (size_t i = 0; i < t->n; i++)
		if (t->at->state[t->rcpt[i]] != RCPT_DONE)
			t->at->state[t->rcpt[i]] = RCPT_WAITING;
	return t->at->ndone == t->at->job.nrcpt ? OTX_DONE : OTX_LOST;
}

/* The content could not be given whole: the connection must not go on behind it. */
static enum otx_end
broken_off(struct otx *t, struct client *k, enum body_is is)
{
	struct trouble why = TROUBLE_TEMP(CLASS_OWN, "4.3.0", "our own copy cannot be read now");

	if (is == BODY_FOUL)
		why = TROUBLE_PERM(CLASS_POLICY, "5.6.0", "the message has a bare CR, LF or NUL");
	attempt_fail(t->at, &why);
	(void)client_die(k, TROUBLE_TEMP(CLASS_OWN, "4.3.0",
	    "given up in the middle of a message"));
	return OTX_DONE;
}

static enum otx_end
end_of(const struct otx *t)
{
	return t->at->ndone == t->at->job.nrcpt ? OTX_DONE : OTX_AGAIN;
}

/* The message with what stands in k->out before it and the next commands behind it.  False: the
 * connection is dead, *end says how t ended. */
static bool
send_message(struct otx *t, struct client *k, const struct otx_next *next, enum otx_end *end)
{
	struct body_send how = { .c = k->c, .stuff = !t->bdat,
	    .block_ms = k->conf->lim->client_block_ms };
	size_t before = k->out.n;
	enum io io = IO_OK;

	k->messages++;
	struct otx *after = next && !t->bdat &&
	    k->ext & EXT_PIPELINING ? next->take(next->ctx) : NULL;
	if (after)
		otx_put_head(after, k);
	how.before = str_sub(buf_str(&k->out), 0, before);
	how.after = str_skip(buf_str(&k->out), before);
	k->phase = "it to take the message";
	enum body_is is = k->out.failed ? BODY_UNREADABLE : body_write(&t->at->body, &how, &io);
	buf_reset(&k->out);
	if (is != BODY_FINE) {
		*end = broken_off(t, k, is);
		return false;
	}
	k->after_body = io == IO_OK;
	if (io == IO_OK || io == IO_BROKEN || io == IO_EOF)
		return true;	/* it may have refused and closed while we wrote: read that */
	(void)client_die_io(k, io);
	*end = lost(t, k);
	return false;
}

/* RFC 2920 3.1: DATA was accepted although nobody was; an empty message is sent, to be refused. */
static enum otx_end
send_nothing(struct otx *t, struct client *k)
{
	struct reply_in r;

	(void)buf_puts(&k->out, ".\r\n");
	if (!answer(t, k, "the reply to an empty message", &r))
		return lost(t, k);
	return end_of(t);
}

/* True: the message may be sent.  Else *end. */
static bool
data_reply(struct otx *t, struct client *k, size_t taken, enum otx_end *end)
{
	struct reply_in r;

	if (!t->head_out)
		(void)buf_puts(&k->out, "DATA\r\n");
	k->phase = "the reply to DATA";
	*end = OTX_LOST;
	if (!client_flush(k) ||
	    !client_reply(k, k->conf->lim->client_data_ms, t->at->arena, &r) || k->dead ||
	    (r.code < 400 && r.code != 354 && !confused(k))) {
		*end = lost(t, k);
		return false;
	}
	if (r.code == 354 && taken)
		return true;
	if (r.code == 354) {
		*end = send_nothing(t, k);
		return false;
	}
	k->reset_first = true;
	struct trouble why = outcome_refused(&r, CLASS_MESSAGE, k->mta, t->at->arena);
	for (size_t i = 0; i < t->n; i++)
		if (t->at->state[t->rcpt[i]] == RCPT_TAKEN)
			rcpt_done(t->at, t->rcpt[i], &why);
	*end = end_of(t);
	return false;
}

static void
put_bdat(struct otx *t, struct client *k)
{
	(void)buf_puts(&k->out, "BDAT ");
	(void)buf_putu(&k->out, t->at->src.size);
	(void)buf_puts(&k->out, " LAST\r\n");
}

/* RSET, when the transaction before was left open (RFC 5321 4.1.1.5). */
static bool
rset(struct otx *t, struct client *k)
{
	struct reply_in r;

	if (!t->head_out && k->reset_first) {
		(void)buf_puts(&k->out, "RSET\r\n");
		k->reset_first = false;
		t->reset = true;
	}
	return !t->reset || answer(t, k, "the reply to RSET", &r);
}

enum otx_end
otx_run(struct otx *t, struct client *k, const struct otx_next *next)
{
	bool refused = false;
	size_t taken = 0;
	enum otx_end end;

	otx_put_head(t, k);
	if (!rset(t, k) || !mail_reply(t, k, &refused) || !rcpt_replies(t, k, refused, &taken))
		return lost(t, k);
	if (taken == 0 && (t->bdat || !t->head_out)) {
		k->reset_first = !refused;
		return end_of(t);
	}
	if (t->bdat)
		put_bdat(t, k);
	else if (!data_reply(t, k, taken, &end))
		return end;
	if (!send_message(t, k, next, &end))
		return end;
	if (!final_replies(t, k))
		return lost(t, k);
	k->after_body = false;
	return end_of(t);
}
