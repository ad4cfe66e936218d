/* SPDX-License-Identifier: ISC */
/*
 * reply_read: replies of other servers, RFC 5321 4.2.1, RFC 2034, and their EHLO keywords.
 * Nothing here trusts the server: see reply_read.h.
 */
#include "mail/reply_read.h"

#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"
#include "mail/smtp.h"

/* "5.1.1" followed by a space or the end; returns its length with the space, 0 when it is none. */
static size_t
enhanced(struct str s, unsigned v[3])
{
	size_t i = 0;

	for (unsigned part = 0; part < 3; part++) {
		size_t digits = 0;

		if (part > 0 && (i == s.n || s.p[i++] != '.'))
			return 0;
		for (v[part] = 0; i < s.n && ascii_isdigit(s.p[i]) && digits < 4; i++, digits++)
			v[part] = v[part] * 10 + (unsigned)(s.p[i] - '0');
		if (digits == 0 || digits > (part == 0 ? 1 : 3))
			return 0;
	}
	if (i < s.n && s.p[i] != ' ')
		return 0;
	return i < s.n ? i + 1 : i;
}

static bool
room(struct reply_in *r, struct arena *a)
{
	size_t cap = r->cap == 0 ? 4 : 2 * r->cap;
	struct str *more;

	if (r->nline < r->cap)
		return true;
	more = arena_alloc(a, cap * sizeof *more);
	if (more == NULL)
		return false;
	if (r->nline > 0)
		memcpy(more, r->line, r->nline * sizeof *more);
	r->line = more;
	r->cap = cap;
	return true;
}

enum reply_more
reply_read_line(struct reply_in *r, struct str line, struct arena *a)
{
	unsigned code, v[3];
	struct str text;
	size_t skip;

	if (line.n > REPLY_READ_LINE_MAX || r->nline >= REPLY_READ_LINES)
		return REPLY_BROKEN;
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_isdigit(line.p[1]) ||
	    !ascii_isdigit(line.p[2]) || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return REPLY_BROKEN;
	code = (unsigned)(line.p[0] - '0') * 100 + (unsigned)(line.p[1] - '0') * 10 +
	       (unsigned)(line.p[2] - '0');
	if (r->nline > 0 && code != r->code)
		return REPLY_BROKEN;
	r->code = code;
	text = str_skip(line, 4);
	skip = enhanced(text, v);
	if (skip > 0 && v[0] == code / 100) {
		if (r->c == 0) {
			r->c = v[0];
			r->s = v[1];
			r->d = v[2];
		}
		text = str_skip(text, skip);
	}
	if (!room(r, a))
		return REPLY_BROKEN;
	r->line[r->nline] = str_dup(a, text);
	if (text.n > 0 && r->line[r->nline].p == NULL)
		return REPLY_BROKEN;
	r->nline++;
	return line.n > 3 && line.p[3] == '-' ? REPLY_MORE : REPLY_DONE;
}

/* Appends one sanitised text; octets that may not stand become '?', white space is squeezed. */
static void
put_clean(struct buf *b, struct str in, bool utf8)
{
	while (in.n > 0) {
		struct str one = in;
		uint32_t cp = '?';
		bool good = utf8_next(&in, &cp);

		if (!good)
			in = str_skip(in, 1);
		one = str_sub(one, 0, one.n - in.n);
		if (cp == ' ' || (cp >= '\t' && cp <= '\r')) {
			if (b->n > 0 && b->p[b->n - 1] != ' ')
				(void)buf_putc(b, ' ');
		} else if (!good || cp < ' ' || cp == 0x7f ||
			   (cp >= 0x80 && !(utf8 && utf8_address_safe(one)))) {
			(void)buf_putc(b, '?');
		} else if (!buf_put(b, one)) {
			return;				/* full: cut between characters */
		}
	}
}

static struct str
finish(struct buf *b)
{
	while (b->n > 0 && b->p[b->n - 1] == ' ')
		b->n--;
	return buf_str(b);
}

struct str
text_sanitise(struct str in, bool utf8, struct arena *a, size_t max)
{
	struct buf b = { .cap = MIN(in.n, max) };

	b.max = b.cap;
	b.p = arena_alloc(a, b.cap + 1);
	if (b.p == NULL)
		return (struct str){};
	put_clean(&b, in, utf8);
	return finish(&b);
}

struct str
reply_read_text(const struct reply_in *r, struct arena *a, size_t max)
{
	struct buf b = { .p = arena_alloc(a, max + 1), .cap = max, .max = max };

	if (b.p == NULL)
		return (struct str){};
	for (size_t i = 0; i < r->nline && !b.failed; i++) {
		if (b.n > 0 && b.p[b.n - 1] != ' ')
			(void)buf_putc(&b, ' ');
		put_clean(&b, r->line[i], true);
	}
	return finish(&b);
}

static const struct {
	struct str word;
	unsigned ext;
} keywords[] = {
	{ STR_INIT("PIPELINING"), EXT_PIPELINING }, { STR_INIT("SIZE"), EXT_SIZE },
	{ STR_INIT("8BITMIME"), EXT_8BITMIME }, { STR_INIT("SMTPUTF8"), EXT_SMTPUTF8 },
	{ STR_INIT("CHUNKING"), EXT_CHUNKING }, { STR_INIT("BINARYMIME"), EXT_BINARYMIME },
	{ STR_INIT("DSN"), EXT_DSN }, { STR_INIT("ENHANCEDSTATUSCODES"), EXT_ENHANCED },
	{ STR_INIT("STARTTLS"), EXT_STARTTLS }, { STR_INIT("AUTH"), EXT_AUTH },
	{ STR_INIT("REQUIRETLS"), EXT_REQUIRETLS }, { STR_INIT("LIMITS"), EXT_LIMITS },
	{ STR_INIT("XCLIENT"), EXT_XCLIENT }, { STR_INIT("ETRN"), EXT_ETRN },
	{ STR_INIT("VRFY"), EXT_VRFY }, { STR_INIT("HELP"), EXT_HELP },
};

/* RFC 9422 4: name=value pairs */
static void
parse_limits(struct str args, struct ehlo *out)
{
	while (args.n > 0) {
		struct str pair = str_split(&args, ' ');
		struct str name = str_split(&pair, '=');

		if (str_ieq(name, STR("RCPTMAX")))
			(void)!num_parse_u64(pair, &out->rcpt_max);
		else if (str_ieq(name, STR("MAILMAX")))
			(void)!num_parse_u64(pair, &out->mail_max);
		else if (str_ieq(name, STR("RCPTDOMAINMAX")))
			(void)!num_parse_u64(pair, &out->rcptdomain_max);
	}
}

void
ehlo_parse(const struct reply_in *r, struct ehlo *out)
{
	*out = (struct ehlo){};
	for (size_t i = 0; i < r->nline; i++) {
		struct str args = r->line[i], word = str_split(&args, ' ');
		unsigned ext = 0;

		args = str_trim(args);
		if (i == 0) {
			out->name = word;
			continue;
		}
		for (size_t k = 0; k < COUNT(keywords); k++)
			if (str_ieq(word, keywords[k].word))
				ext = keywords[k].ext;
		if (str_istarts(word, STR("AUTH="))) {		/* old Outlook servers */
			ext = EXT_AUTH;
			args = out->auth.n > 0 ? out->auth : str_skip(word, 5);
		}
		out->ext |= ext;
		if (ext == EXT_SIZE)
			(void)!num_parse_u64(args, &out->size);
		else if (ext == EXT_AUTH)
			out->auth = args;
		else if (ext == EXT_XCLIENT)
			out->xclient = args;
		else if (ext == EXT_LIMITS)
			parse_limits(args, out);
	}
}
