/* SPDX-License-Identifier: ISC */
/*
 * report_write: an aggregate report as XML (RFC 9990 3.1), and its gzip.  See report.h.
 */
#include "trust/report.h"

#include <zlib.h>

#include "base/num.h"
#include "base/utf8.h"

enum { WINDOW_GZIP = 15 + 16, MEM_LEVEL = 8 };

/* Text of any octets: what XML 1.0 cannot hold is replaced. */
static void
put_text(struct buf *b, struct str s)
{
	uint32_t cp;

	while (s.n > 0) {
		if (!utf8_next(&s, &cp)) {
			cp = 0xfffd;
			s = str_skip(s, 1);
		}
		if (cp == '<')
			(void)buf_puts(b, "&lt;");
		else if (cp == '>')
			(void)buf_puts(b, "&gt;");
		else if (cp == '&')
			(void)buf_puts(b, "&amp;");
		else if (cp < 0x20 || cp == 0x7f || cp == 0xfffe || cp == 0xffff)
			(void)buf_putc(b, '?');
		else
			(void)utf8_put(b, cp);
	}
}

static void
put_always(struct buf *b, const char *name, struct str value)
{
	(void)buf_putf(b, "<%s>", name);
	put_text(b, value);
	(void)buf_putf(b, "</%s>\n", name);
}

static void
put(struct buf *b, const char *name, struct str value)
{
	if (value.n > 0)
		put_always(b, name, value);
}

static void
put_head(const struct report *r, struct buf *b)
{
	(void)buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
	    "<version>1.0</version>\n<report_metadata>\n");
	put_always(b, "org_name", r->org);
	put_always(b, "email", r->email);
	put(b, "extra_contact_info", r->extra);
	put_always(b, "report_id", r->id);
	(void)buf_putf(b, "<date_range>\n<begin>%lld</begin>\n<end>%lld</end>\n</date_range>\n",
	    (long long)r->begin, (long long)r->end);
	put(b, "generator", r->generator);
	(void)buf_puts(b, "</report_metadata>\n<policy_published>\n");
	put_always(b, "domain", r->domain);
	put(b, "p", r->p);
	put(b, "sp", r->sp);
	put(b, "np", r->np);
	put(b, "adkim", r->adkim);
	put(b, "aspf", r->aspf);
	put(b, "discovery_method", r->discovery);
	put(b, "fo", r->fo);
	put(b, "testing", r->testing);
	(void)buf_puts(b, "</policy_published>\n");
}

static void
put_auth(const struct report_auth *x, struct buf *b)
{
	(void)buf_putf(b, "<%s>\n", x->dkim ? "dkim" : "spf");
	put_always(b, "domain", x->domain);
	if (x->dkim)
		put_always(b, "selector", x->selector);
	else
		put(b, "scope", x->scope);
	put_always(b, "result", x->result);
	put(b, "human_result", x->human);
	(void)buf_putf(b, "</%s>\n", x->dkim ? "dkim" : "spf");
}

static void
put_row(const struct report_row *w, struct buf *b)
{
	(void)buf_puts(b, "<record>\n<row>\n");
	put_always(b, "source_ip", w->source_ip);
	(void)buf_putf(b, "<count>%llu</count>\n<policy_evaluated>\n",
	    (unsigned long long)w->count);
	put_always(b, "disposition", w->disposition);
	put_always(b, "dkim", w->dkim);
	put_always(b, "spf", w->spf);
	for (const struct report_reason *s = w->reason; s; s = s->next) {
		(void)buf_puts(b, "<reason>\n");
		put_always(b, "type", s->type);
		put(b, "comment", s->comment);
		(void)buf_puts(b, "</reason>\n");
	}
	(void)buf_puts(b, "</policy_evaluated>\n</row>\n<identifiers>\n");
	put_always(b, "header_from", w->header_from);
	put(b, "envelope_from", w->envelope_from);
	put(b, "envelope_to", w->envelope_to);
	(void)buf_puts(b, "</identifiers>\n<auth_results>\n");
	/* The schema has the signatures before SPF. */
	for (const struct report_auth *x = w->auth; x; x = x->next)
		if (x->dkim)
			put_auth(x, b);
	for (const struct report_auth *x = w->auth; x; x = x->next)
		if (!x->dkim)
			put_auth(x, b);
	(void)buf_puts(b, "</auth_results>\n</record>\n");
}

bool
report_write(const struct report *r, struct buf *out)
{
	put_head(r, out);
	for (const struct report_row *w = r->row; w; w = w->next)
		put_row(w, out);
	return buf_puts(out, "</feedback>\n");
}

bool
report_gzip(struct str bytes, struct buf *out)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)bytes.p };
	char *room;
	size_t most;
	bool good;

	if (bytes.n > REPORT_UNPACKED_MAX || deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED,
	    WINDOW_GZIP, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	most = deflateBound(&z, bytes.n);
	room = buf_reserve(out, most);
	z.avail_in = (unsigned)bytes.n;
	z.next_out = (unsigned char *)room;
	z.avail_out = (unsigned)most;
	good = room && deflate(&z, Z_FINISH) == Z_STREAM_END;
	if (good)
		buf_add(out, most - z.avail_out);
	(void)deflateEnd(&z);
	return good;
}
