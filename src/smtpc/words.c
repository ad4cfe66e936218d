/* SPDX-License-Identifier: ISC */
/*
 * words: see words.h.  RFC 5321 4.1.1.2-3, 1870 6, 6152, 6531 3.4, 3461 4, 8689, 3030 3.
 */
#include "smtpc/words.h"

#include "mail/smtp.h"

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7f)
			return false;
	return true;
}

/* An address as the command carries it: no control octets, no line end. */
static bool
is_sayable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_iscntrl(s.p[i]))
			return false;
	return s.n <= 1000;
}

/* A parameter's value: visible ASCII only. */
static bool
is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isgraph(s.p[i]))
			return false;
	return s.n > 0 && s.n <= 500;
}

/* RFC 6531 3.1: the flag of a message whose addresses and header are plain may be left away. */
static bool
needs_utf8(const struct job *j, const struct body *b)
{
	return j->smtputf8 && (b->eight_bit_head || !is_ascii(j->sender));
}

bool
words_fit(const struct job *j, const struct body *b, const struct client *k, struct arena *a,
    struct trouble *why)
{
	if (j->requiretls && !(k->secured && k->ext & EXT_REQUIRETLS)) {	/* RFC 8689 4.2.1 */
		*why = TROUBLE_PERM(CLASS_POLICY, "5.7.30", "");
		why->text = str_cat(a, k->mta, STR(": REQUIRETLS cannot be kept there"));
		return false;
	}
	if (k->ehlo.size && b->src->size > k->ehlo.size) {		/* RFC 1870 5 */
		*why = TROUBLE_PERM(CLASS_MESSAGE, "5.3.4", "");
		why->text = str_fmt(a, STR_F ": the message has %llu octets, it takes %llu",
		    STR_A(k->mta), (unsigned long long)b->src->size,
		    (unsigned long long)k->ehlo.size);
		return false;
	}
	if (needs_utf8(j, b) && !(k->ext & EXT_SMTPUTF8)) {
		*why = TROUBLE_PERM(CLASS_MESSAGE, "5.6.7", "");
		why->text = str_cat(a, k->mta, STR(": takes no internationalized mail"));
		return false;
	}
	if (j->body == SPOOL_BINARYMIME &&
	    (k->ext & (EXT_BINARYMIME | EXT_CHUNKING)) != (EXT_BINARYMIME | EXT_CHUNKING)) {
		*why = TROUBLE_PERM(CLASS_MESSAGE, "5.6.3", "");
		why->text = str_cat(a, k->mta, STR(": takes no binary mail"));
		return false;
	}
	if (!is_sayable(j->sender)) {
		*why = TROUBLE_PERM(CLASS_POLICY, "5.1.7",
		    "the sender cannot be written in a command");
		return false;
	}
	/* 8-bit content for a server that takes 7 bits: the place to make it quoted-printable.
	 * What we took as submission was converted before it was signed; what we relay goes out as
	 * it came, for a signature would break, and servers that mind are gone. */
	return true;
}

bool
words_rcpt_fits(const struct job_rcpt *r, const struct client *k, struct trouble *why)
{
	if (r->addr.n == 0 || !is_sayable(r->addr)) {
		*why = TROUBLE_PERM(CLASS_POLICY, "5.1.3",
		    "the address cannot be written in a command");
		return false;
	}
	if (!is_ascii(r->addr) && !(k->ext & EXT_SMTPUTF8)) {
		*why = TROUBLE_PERM(CLASS_MESSAGE, "5.6.7",
		    "its server takes no internationalized mail");
		return false;
	}
	return true;
}

void
words_mail(struct buf *out, const struct job *j, const struct body *b, const struct client *k)
{
	(void)buf_puts(out, "MAIL FROM:<");
	(void)buf_put(out, j->sender);
	(void)buf_putc(out, '>');
	if (k->ext & EXT_SIZE) {
		(void)buf_puts(out, " SIZE=");
		(void)buf_putu(out, b->src->size);
	}
	if (j->body == SPOOL_BINARYMIME)
		(void)buf_puts(out, " BODY=BINARYMIME");
	else if (k->ext & EXT_8BITMIME && (j->body == SPOOL_8BITMIME || b->eight_bit))
		(void)buf_puts(out, " BODY=8BITMIME");
	if (j->smtputf8 && k->ext & EXT_SMTPUTF8)
		(void)buf_puts(out, " SMTPUTF8");
	if (j->requiretls)
		(void)buf_puts(out, " REQUIRETLS");
	if (k->ext & EXT_DSN) {
		if (j->ret)
			(void)buf_put(out, j->ret ==
			    RET_FULL ? STR(" RET=FULL") : STR(" RET=HDRS"));
		if (is_value(j->envid)) {
			(void)buf_puts(out, " ENVID=");
			(void)buf_put(out, j->envid);
		}
	}
	(void)buf_puts(out, "\r\n");
}

void
words_rcpt(struct buf *out, const struct job_rcpt *r, const struct client *k)
{
	static const struct {
		unsigned bit;
		struct str word;
	} notify[] = {
		{ NOTIFY_SUCCESS, STR_INIT("SUCCESS") }, { NOTIFY_FAILURE, STR_INIT("FAILURE") },
		{ NOTIFY_DELAY, STR_INIT("DELAY") },
	};
	const char *sep = " NOTIFY=";

	(void)buf_puts(out, "RCPT TO:<");
	(void)buf_put(out, r->addr);
	(void)buf_putc(out, '>');
	if (k->ext & EXT_DSN) {
		if (r->notify & NOTIFY_NEVER)
			(void)buf_puts(out, " NOTIFY=NEVER");
		else
			for (size_t i = 0; i < sizeof notify / sizeof notify[0]; i++)
				if (r->notify & notify[i].bit) {
					(void)buf_put(out, str_of(sep));
					(void)buf_put(out, notify[i].word);
					sep = ",";
				}
		if (is_value(r->orcpt)) {
			(void)buf_puts(out, " ORCPT=");
			(void)buf_put(out, r->orcpt);
		}
	}
	(void)buf_puts(out, "\r\n");
}
