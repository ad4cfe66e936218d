/* SPDX-License-Identifier: ISC */
/*
 * dsn_text: what happened, in plain words, for somebody who has never heard of SMTP.
 *
 * A status code chooses a sentence: the most specific entry that its beginning matches.
 */
#include "mail/dsn_text.h"

#include "base/num.h"
#include "mail/reply_read.h"

enum { COLUMN_MAX = 78, REPLY_MAX = 900, ADDR_TEXT_MAX = 320 };

static const struct {
	const char *status;		/* without the class: "1.1" */
	const char *words;
} meanings[] = {
	{ "1.1", "There is no mailbox of that name." },
	{ "1.2", "The domain of this address does not exist or cannot receive mail." },
	{ "1.3", "The address is not written correctly." },
	{ "1.10", "This domain says that it does not accept any mail." },
	{ "1.8", "The other server does not accept your address as a sender." },
	{ "1.", "The other server did not accept this address." },
	{ "2.1", "The mailbox is disabled." },
	{ "2.2", "The mailbox is full." },
	{ "2.3", "The message is larger than this mailbox accepts." },
	{ "2.", "The mailbox could not take the message." },
	{ "3.4", "The message is larger than the other server accepts." },
	{ "3.", "The other server could not take the message." },
	{ "4.1", "No server of this domain answered." },
	{ "4.4", "No way to this domain was found." },
	{ "4.6", "The message went in a circle." },
	{ "4.7", "We tried for a long time and have given up." },
	{ "4.", "The other server could not be reached or the connection broke." },
	{ "6.7", "The other server cannot handle addresses with these characters." },
	{ "6.", "The other server cannot handle the form of this message." },
	{ "7.", "The message was refused by a rule of the other server." },
};

static const char *
meaning_of(struct str status)
{
	struct str detail = str_skip(status, 2);
	const char *best = NULL;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(meanings); i++) {
		struct str key = str_of(meanings[i].status);
		bool whole = key.p[key.n - 1] != '.';

		if (whole ? str_eq(detail, key) : n == 0 && str_starts(detail, key)) {
			best = meanings[i].words;
			n = whole ? key.n : 0;
			if (whole)
				return best;
		}
	}
	return best;
}

bool
dsn_put_folded(struct buf *b, struct str text, struct str indent)
{
	size_t line = b->n;

	while (line > 0 && b->p[line - 1] != '\n')
		line--;
	while (text.n > 0) {
		struct str word = str_split(&text, ' ');

		if (word.n == 0)
			continue;
		if (b->n - line + word.n + 1 > COLUMN_MAX && b->n - line > indent.n) {
			if (!buf_put(b, STR("\r\n")))
				return false;
			line = b->n;
			(void)buf_put(b, indent);
		}
		if (b->n > line && b->p[b->n - 1] != ' ')
			(void)buf_putc(b, ' ');
		if (!buf_put(b, word))
			return false;
	}
	return buf_put(b, STR("\r\n"));
}

static enum dsn_action
worst(const struct dsn *d)
{
	enum dsn_action act = DSN_EXPANDED;

	for (size_t i = 0; i < d->nrcpt; i++)
		if (d->rcpt[i].action < act)
			act = d->rcpt[i].action;
	return act;
}

struct str
dsn_subject(const struct dsn *d)
{
	switch (worst(d)) {
	case DSN_FAILED:	return STR("Your message could not be delivered");
	case DSN_DELAYED:	return STR("Your message is delayed");
	case DSN_DELIVERED:	return STR("Your message was delivered");
	case DSN_RELAYED:	return STR("Your message was passed on");
	case DSN_EXPANDED:	return STR("Your message was delivered to a list");
	}
	return STR("");
}

static struct str
opening(enum dsn_action act)
{
	switch (act) {
	case DSN_FAILED:
		return STR("Your message could not be delivered to these recipients. It will not "
			   "be tried again.");
	case DSN_DELAYED:
		return STR("Your message has not yet been delivered to these recipients. You need "
			   "not send it again: we keep trying, and tell you should we give up.");
	case DSN_DELIVERED:
		return STR("Your message was delivered to these recipients, as you asked to be "
			   "told.");
	case DSN_RELAYED:
		return STR("Your message was passed on for these recipients to a server that does "
			   "not report deliveries. You may hear no more of it.");
	case DSN_EXPANDED:
		return STR("Your message reached these lists and was passed on to their members.");
	}
	return STR("");
}

static bool
put_rcpt(struct buf *b, const struct dsn_rcpt *r, bool utf8, struct arena *a)
{
	struct str reply = text_sanitise(r->reply, utf8, a, REPLY_MAX);
	const char *words = meaning_of(r->status);
	bool ok;

	ok = buf_put(b, STR("  <")) &&
	     buf_put(b, text_sanitise(r->addr, utf8, a, ADDR_TEXT_MAX)) && buf_put(b, STR(">\r\n"));
	if (words != NULL && (r->action == DSN_FAILED || r->action == DSN_DELAYED))
		ok = ok && buf_put(b, STR("    ")) &&
		     dsn_put_folded(b, str_of(words), STR("    "));
	if (reply.n == 0)
		return ok && buf_put(b, STR("\r\n"));
	ok = ok && buf_put(b, STR("    "));
	if (r->remote_mta.n > 0)
		ok = ok && buf_put(b, STR("The server ")) &&
		     buf_put(b, text_sanitise(r->remote_mta, utf8, a, 255)) &&
		     buf_put(b, STR(" said: "));
	return ok && dsn_put_folded(b, reply, STR("    ")) && buf_put(b, STR("\r\n"));
}

bool
dsn_put_text(struct buf *b, const struct dsn *d, struct arena *a)
{
	bool ok = buf_put(b, STR("This is the mail server ")) &&
		  buf_put(b, text_sanitise(d->reporting_mta, d->utf8, a, 255)) &&
		  buf_put(b, STR(".\r\n\r\n"));

	for (enum dsn_action act = DSN_FAILED; act <= DSN_EXPANDED; act++) {
		bool said = false;

		for (size_t i = 0; i < d->nrcpt && ok; i++) {
			if (d->rcpt[i].action != act)
				continue;
			if (!said)
				ok = dsn_put_folded(b, opening(act), STR("")) &&
				     buf_put(b, STR("\r\n"));
			said = true;
			ok = ok && put_rcpt(b, &d->rcpt[i], d->utf8, a);
		}
	}
	return ok && dsn_put_folded(b, d->full ? STR("Your message is attached.")
					       : STR("The header of your message is attached."),
				    STR(""));
}
