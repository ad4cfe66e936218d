/* SPDX-License-Identifier: ISC */
/*
 * dsn: the multipart/report of RFC 6522 around RFC 3464; with SMTPUTF8 the types of RFC 6533.
 */
#include "mail/dsn.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/date.h"
#include "mail/dsn_text.h"
#include "mail/header.h"
#include "mail/reply_read.h"
#include "mail/smtp.h"

enum { VALUE_MAX = 900 };

struct str
dsn_action_name(enum dsn_action a)
{
	switch (a) {
	case DSN_FAILED:	return STR("failed");
	case DSN_DELAYED:	return STR("delayed");
	case DSN_DELIVERED:	return STR("delivered");
	case DSN_RELAYED:	return STR("relayed");
	case DSN_EXPANDED:	return STR("expanded");
	}
	return STR("");
}

bool
dsn_status_valid(struct str s)
{
	unsigned dots = 0, digits = 0;

	if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5') || s.p[1] != '.')
		return false;
	for (size_t i = 2; i < s.n; i++) {
		if (s.p[i] == '.' && digits > 0 && dots == 0) {
			dots++;
			digits = 0;
		} else if (!ascii_isdigit(s.p[i]) || ++digits > 3) {
			return false;
		}
	}
	return dots == 1 && digits > 0;
}

struct writer {
	struct buf *b;
	const struct dsn *d;
	struct arena *a;
	bool ok;
};

static void
put(struct writer *w, struct str s)
{
	w->ok = w->ok && buf_put(w->b, s);
}

/* A value that may be foreign: one line, no controls; ASCII unless this is a UTF-8 report. */
static void
put_clean(struct writer *w, struct str s)
{
	put(w, text_sanitise(s, w->d->utf8, w->a, VALUE_MAX));
}

static void
put_field(struct writer *w, struct str name, struct str prefix, struct str value)
{
	if (value.n == 0)
		return;
	put(w, name);
	put(w, prefix);
	w->ok = w->ok && dsn_put_folded(w->b, text_sanitise(value, w->d->utf8, w->a, VALUE_MAX),
					STR(" "));
}

static void
put_date(struct writer *w, struct str name, int64_t unix_s)
{
	if (unix_s == 0)
		return;
	put(w, name);
	w->ok = w->ok && date_format(w->b, unix_s, w->d->zone_min);
	put(w, STR("\r\n"));
}

static void
put_delimiter(struct writer *w, struct str tail)
{
	put(w, STR("\r\n--"));
	put(w, w->d->boundary);
	put(w, tail);
}

static void
put_header(struct writer *w, bool eight_bit)
{
	const struct dsn *d = w->d;

	put(w, STR("From: \"Mail server "));
	put_clean(w, d->reporting_mta);
	put(w, STR("\" <"));
	put_clean(w, d->from);
	put(w, STR(">\r\nTo: <"));
	put_clean(w, d->to);
	put(w, STR(">\r\nSubject: "));
	put(w, dsn_subject(d));
	put(w, STR("\r\n"));
	put_date(w, STR("Date: "), d->now_s);
	put(w, STR("Message-ID: <"));
	put_clean(w, d->message_id);
	/* RFC 3834 5: nobody answers this automatically. */
	put(w, STR(">\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
		   "\tboundary=\""));
	put(w, d->boundary);
	put(w, eight_bit ? STR("\"\r\nContent-Transfer-Encoding: 8bit\r\n") : STR("\"\r\n"));
}

static void
put_words(struct writer *w)
{
	put_delimiter(w, w->d->utf8 ? STR("\r\nContent-Type: text/plain; charset=utf-8\r\n"
					  "Content-Transfer-Encoding: 8bit\r\n\r\n")
				    : STR("\r\nContent-Type: text/plain; "
					  "charset=us-ascii\r\n\r\n"));
	w->ok = w->ok && dsn_put_text(w->b, w->d, w->a);
}

/* RFC 3461 4.2: what the sender called the recipient, decoded; RFC 6533 3 for the type utf-8 */
static void
put_original_rcpt(struct writer *w, struct str orcpt)
{
	struct str addr = orcpt, type = str_split(&addr, ';'), plain;

	if (orcpt.n == 0)
		return;
	if (str_ieq(type, STR("utf-8")) && w->d->utf8) {
		if (!utf8_xtext_decode(addr, w->a, &plain))
			return;
	} else if (str_ieq(type, STR("utf-8"))) {
		plain = addr;			/* stays in its ASCII form */
	} else if (!xtext_decode(addr, w->a, &plain)) {
		return;
	}
	put(w, STR("Original-Recipient: "));
	put_clean(w, type);
	put_field(w, STR("; "), STR(""), plain);
}

static void
put_final_rcpt(struct writer *w, struct str addr)
{
	struct buf ascii;

	if (utf8_is_ascii(addr)) {
		put_field(w, STR("Final-Recipient: "), STR("rfc822; "), addr);
		return;
	}
	if (w->d->utf8) {
		put_field(w, STR("Final-Recipient: "), STR("utf-8; "), addr);
		return;
	}
	buf_init(&ascii, 4096);
	if (utf8_xtext_encode(&ascii, addr))
		put_field(w, STR("Final-Recipient: "), STR("utf-8; "), buf_str(&ascii));
	else
		put_field(w, STR("Final-Recipient: "), STR("rfc822; "), addr);
	buf_done(&ascii);
}

static struct str
status_of(const struct dsn_rcpt *r)
{
	if (dsn_status_valid(r->status))
		return r->status;
	switch (r->action) {
	case DSN_FAILED:	return STR("5.0.0");
	case DSN_DELAYED:	return STR("4.0.0");
	case DSN_DELIVERED:
	case DSN_RELAYED:
	case DSN_EXPANDED:	return STR("2.0.0");
	}
	return STR("5.0.0");
}

static void
put_rcpt(struct writer *w, const struct dsn_rcpt *r)
{
	put(w, STR("\r\n"));
	put_original_rcpt(w, r->orcpt);
	put_final_rcpt(w, r->addr);
	put_field(w, STR("Action: "), STR(""), dsn_action_name(r->action));
	put_field(w, STR("Status: "), STR(""), status_of(r));
	if (r->remote_mta.n > 0) {
		put_field(w, STR("Remote-MTA: "), STR("dns; "), r->remote_mta);
		put_field(w, STR("Diagnostic-Code: "), STR("smtp; "), r->reply);
	} else {
		put_field(w, STR("Diagnostic-Code: "), STR("x-postern; "), r->reply);
	}
	put_date(w, STR("Last-Attempt-Date: "), r->last_attempt_s);
	if (r->action == DSN_DELAYED)
		put_date(w, STR("Will-Retry-Until: "), r->retry_until_s);
}

static void
put_status(struct writer *w)
{
	const struct dsn *d = w->d;
	struct str envid;

	put_delimiter(w, d->utf8 ? STR("\r\nContent-Type: message/global-delivery-status\r\n"
				       "Content-Transfer-Encoding: 8bit\r\n\r\n")
				 : STR("\r\nContent-Type: message/delivery-status\r\n\r\n"));
	put_field(w, STR("Reporting-MTA: "), STR("dns; "), d->reporting_mta);
	if (d->envid.n > 0 && xtext_decode(d->envid, w->a, &envid))
		put_field(w, STR("Original-Envelope-Id: "), STR(""), envid);
	put_date(w, STR("Arrival-Date: "), d->arrival_s);
	for (size_t i = 0; i < d->nrcpt; i++)
		put_rcpt(w, &d->rcpt[i]);
}

static void
put_original(struct writer *w, struct str original, bool eight_bit)
{
	const struct dsn *d = w->d;

	put_delimiter(w, STR("\r\nContent-Type: "));
	if (d->full)
		put(w, d->utf8 ? STR("message/global") : STR("message/rfc822"));
	else
		put(w, d->utf8 ? STR("message/global-headers") : STR("text/rfc822-headers"));
	put(w, eight_bit ? STR("\r\nContent-Transfer-Encoding: 8bit\r\n\r\n") : STR("\r\n\r\n"));
	put(w, original);
	put_delimiter(w, STR("--\r\n"));
}

bool
dsn_format(struct buf *b, const struct dsn *d, struct arena *a)
{
	struct writer w = { .b = b, .d = d, .a = a, .ok = true };
	struct str original = d->original;
	struct header h;
	bool eight_bit;

	if (!d->full) {
		if (!header_parse(original, a, 0, &h))
			return false;
		original.n = h.size;
	}
	eight_bit = !utf8_is_ascii(original);
	put_header(&w, eight_bit || d->utf8);
	put_words(&w);
	put_status(&w);
	put_original(&w, original, eight_bit);
	return w.ok;
}
