/* SPDX-License-Identifier: ISC */
/*
 * header: cutting a header section into fields, see header.h.
 *
 * A line ends at LF; a CR before it belongs to the line end.  A first line "From ..." (mbox) and a
 * continuation line before any field are passed over and noted; any other line that is no field
 * ends the section, and is the first of the body.
 */
#include "mail/header.h"

#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/num.h"

static bool
is_ftext(char ch)
{
	return ascii_isgraph(ch) && ch != ':';
}

bool
field_name_valid(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!is_ftext(name.p[i]))
			return false;
	return name.n > 0;
}

/* The next line with its end. */
static struct str
whole_line(struct str text)
{
	ssize_t lf = str_chr(text, '\n');

	return lf < 0 ? text : str_sub(text, 0, (size_t)lf + 1);
}

static struct str
without_end(struct str line)
{
	if (line.n == 0 || line.p[line.n - 1] != '\n')
		return line;
	line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* A line that begins a field, with its continuation lines; false when the line is none. */
static bool
cut_field(struct str text, struct field *f)
{
	size_t n = 0, colon;

	while (n < text.n && is_ftext(text.p[n]))
		n++;
	colon = n;
	while (colon < text.n && ascii_iswsp(text.p[colon]))
		colon++;
	if (n == 0 || colon == text.n || text.p[colon] != ':')
		return false;
	f->name = str_sub(text, 0, n);
	f->spaced = colon > n;			/* obs-optional, RFC 5322 4.5.8 */
	f->raw = whole_line(text);
	while (f->raw.n < text.n && ascii_iswsp(text.p[f->raw.n]))
		f->raw.n += whole_line(str_skip(text, f->raw.n)).n;
	f->value = str_skip(without_end(f->raw), colon + 1);
	return true;
}

static bool
add_field(struct header *out, size_t *cap, struct arena *a, const struct field *f)
{
	if (out->n == *cap) {
		size_t more = *cap == 0 ? 16 : 2 * *cap;
		struct field *bigger = arena_alloc(a, more * sizeof *bigger);

		if (bigger == NULL)
			return false;
		if (out->n > 0)
			memcpy(bigger, out->field, out->n * sizeof *bigger);
		out->field = bigger;
		*cap = more;
	}
	out->field[out->n++] = *f;
	return true;
}

bool
header_parse(struct str text, struct arena *a, size_t fields_max, struct header *out)
{
	struct str rest = text;
	size_t cap = 0;

	*out = (struct header){};
	while (rest.n > 0) {
		struct str line = whole_line(rest);
		struct field f = {};

		if (without_end(line).n == 0) {
			out->size = text.n - rest.n;
			out->body_at = out->size + line.n;
			return true;
		}
		if (cut_field(rest, &f)) {
			if (fields_max != 0 && out->n == fields_max)
				out->cut = true;
			else if (!add_field(out, &cap, a, &f))
				return false;
			rest = str_skip(rest, f.raw.n);
			continue;
		}
		out->junk = true;
		if (!(rest.p == text.p && str_starts(line, STR("From "))) &&
		    !(out->n == 0 && ascii_iswsp(line.p[0])))
			break;
		rest = str_skip(rest, line.n);
	}
	out->size = text.n - rest.n;
	out->body_at = out->size;
	return true;
}

const struct field *
header_find(const struct header *h, struct str name, size_t nth)
{
	for (size_t i = 0; i < h->n; i++)
		if (str_ieq(h->field[i].name, name) && nth-- == 0)
			return &h->field[i];
	return NULL;
}

size_t
header_count(const struct header *h, struct str name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += str_ieq(h->field[i].name, name);
	return n;
}

struct str
field_unfold(const struct field *f, struct arena *a)
{
	struct str v = str_trim(f->value);
	char *dst;
	size_t n = 0;

	if (str_chr(v, '\n') < 0 && str_chr(v, '\r') < 0)
		return v;
	dst = arena_alloc(a, v.n);
	if (dst == NULL)
		return (struct str){};
	for (size_t i = 0; i < v.n; i++)		/* RFC 5322 2.2.3: only the CRLF goes */
		if (v.p[i] != '\r' && v.p[i] != '\n')
			dst[n++] = v.p[i];
	return str_trim((struct str){ dst, n });
}

static const struct {
	struct str name;
	enum header_known known;
} names[] = {
	{ STR_INIT("Received"), HDR_RECEIVED }, { STR_INIT("Date"), HDR_DATE },
	{ STR_INIT("From"), HDR_FROM }, { STR_INIT("Sender"), HDR_SENDER },
	{ STR_INIT("Reply-To"), HDR_REPLY_TO }, { STR_INIT("To"), HDR_TO },
	{ STR_INIT("Cc"), HDR_CC }, { STR_INIT("Bcc"), HDR_BCC },
	{ STR_INIT("Message-ID"), HDR_MESSAGE_ID }, { STR_INIT("Subject"), HDR_SUBJECT },
	{ STR_INIT("MIME-Version"), HDR_MIME_VERSION },
	{ STR_INIT("Content-Type"), HDR_CONTENT_TYPE },
	{ STR_INIT("Return-Path"), HDR_RETURN_PATH },
	{ STR_INIT("Delivered-To"), HDR_DELIVERED_TO },
	{ STR_INIT("Resent-From"), HDR_RESENT_FROM },
	{ STR_INIT("DKIM-Signature"), HDR_DKIM_SIGNATURE },
	{ STR_INIT("Auto-Submitted"), HDR_AUTO_SUBMITTED },
};

enum header_known
header_known(struct str name)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].name.n == name.n && str_ieq(names[i].name, name))
			return names[i].known;
	return HDR_OTHER;
}
