/* SPDX-License-Identifier: ISC */
/*
 * report_read: the XML of an aggregate report, by expat.  See report.h.
 *
 * An element is known by the tail of its path below <feedback>; prefixes of namespaces are ignored,
 * unknown elements too (RFC 9990 3.1.1: extensions).
 */
#include "trust/report.h"

#include <expat.h>
#include <stddef.h>

#include "base/num.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 16, PATH_SIZE = 256, TEXT_SIZE = 4096, NAME_MAX_XML = 64 };

struct reading {
	struct report *r;
	struct arena *a;
	XML_Parser xml;
	struct report_row *row, **row_end;
	struct report_auth *auth, **auth_end;
	struct report_reason *reason, **reason_end;
	struct str path;		/* "feedback/record/row", in path_at */
	char path_at[PATH_SIZE], *text;	/* TEXT_SIZE */
	size_t ntext;
	unsigned depth;
	bool cut;			/* ended between two records */
	const char *why;
};

enum owner { OF_REPORT, OF_ROW, OF_AUTH, OF_REASON, OWNERS };

#define IN_REPORT(path, f) { STR_INIT(path), OF_REPORT, offsetof(struct report, f) }
#define IN_ROW(path, f) { STR_INIT("record/" path), OF_ROW, offsetof(struct report_row, f) }
#define IN_AUTH(f) \
	{ STR_INIT("record/auth_results/dkim/" #f), OF_AUTH, offsetof(struct report_auth, f) }, \
	{ STR_INIT("record/auth_results/spf/" #f), OF_AUTH, offsetof(struct report_auth, f) }

static const struct place {
	struct str path;
	enum owner owner;
	size_t at;			/* of a struct str there */
} places[] = {
	IN_REPORT("version", version),
	IN_REPORT("report_metadata/org_name", org),
	IN_REPORT("report_metadata/email", email),
	IN_REPORT("report_metadata/extra_contact_info", extra),
	IN_REPORT("report_metadata/report_id", id),
	IN_REPORT("report_metadata/generator", generator),
	IN_REPORT("policy_published/domain", domain),
	IN_REPORT("policy_published/p", p),
	IN_REPORT("policy_published/sp", sp),
	IN_REPORT("policy_published/np", np),
	IN_REPORT("policy_published/adkim", adkim),
	IN_REPORT("policy_published/aspf", aspf),
	IN_REPORT("policy_published/testing", testing),
	IN_REPORT("policy_published/discovery_method", discovery),
	IN_REPORT("policy_published/fo", fo),
	IN_ROW("row/source_ip", source_ip),
	IN_ROW("row/policy_evaluated/disposition", disposition),
	IN_ROW("row/policy_evaluated/dkim", dkim),
	IN_ROW("row/policy_evaluated/spf", spf),
	IN_ROW("identifiers/header_from", header_from),
	IN_ROW("identifiers/envelope_from", envelope_from),
	IN_ROW("identifiers/envelope_to", envelope_to),
	IN_AUTH(domain), IN_AUTH(selector), IN_AUTH(scope), IN_AUTH(result),
	{ STR_INIT("record/auth_results/dkim/human_result"), OF_AUTH,
	    offsetof(struct report_auth, human) },
	{ STR_INIT("record/auth_results/spf/human_result"), OF_AUTH,
	    offsetof(struct report_auth, human) },
	{ STR_INIT("record/row/policy_evaluated/reason/type"), OF_REASON,
	    offsetof(struct report_reason, type) },
	{ STR_INIT("record/row/policy_evaluated/reason/comment"), OF_REASON,
	    offsetof(struct report_reason, comment) },
};

static void
stop(struct reading *g, const char *why)
{
	if (!g->why)
		g->why = why;
	(void)XML_StopParser(g->xml, XML_FALSE);
}

static struct str
below_feedback(const struct reading *g)
{
	return str_skip(g->path, sizeof "feedback/" - 1);
}

static void
begin_record(struct reading *g)
{
	g->row = arena_zalloc(g->a, sizeof *g->row);
	if (!g->row || g->r->nrow == REPORT_ROWS_MAX) {
		stop(g, "too many records");
		return;
	}
	g->r->nrow++;
	*g->row_end = g->row;
	g->row_end = &g->row->next;
	g->auth_end = &g->row->auth;
	g->reason_end = &g->row->reason;
}

static void
begin_auth(struct reading *g, bool dkim)
{
	g->auth = arena_zalloc(g->a, sizeof *g->auth);
	if (!g->auth) {
		stop(g, "too many results");
		return;
	}
	g->auth->dkim = dkim;
	*g->auth_end = g->auth;
	g->auth_end = &g->auth->next;
}

static void
begin_reason(struct reading *g)
{
	g->reason = arena_zalloc(g->a, sizeof *g->reason);
	if (!g->reason) {
		stop(g, "too many reasons");
		return;
	}
	*g->reason_end = g->reason;
	g->reason_end = &g->reason->next;
}

static void
on_begin(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *g = ctx;
	struct str n = str_of(name), at;
	size_t room = g->path.n + 1;

	(void)attributes;
	n = str_skip(n, (size_t)(str_rchr(n, ':') + 1));
	if (++g->depth > DEPTH_MAX || n.n > NAME_MAX_XML || room + n.n > PATH_SIZE) {
		stop(g, "elements nested too deep");
		return;
	}
	if (g->depth == 1)
		room = 0;
	else
		g->path_at[room - 1] = '/';
	memcpy(g->path_at + room, n.p, n.n);
	g->path = str_from(g->path_at, room + n.n);
	g->ntext = 0;
	if (g->depth == 1 && !str_eq(n, STR("feedback")))
		stop(g, "not an aggregate report: its element is not <feedback>");
	at = below_feedback(g);
	if (str_eq(at, STR("record")))
		begin_record(g);
	else if (str_eq(at, STR("record/auth_results/dkim")))
		begin_auth(g, true);
	else if (str_eq(at, STR("record/auth_results/spf")))
		begin_auth(g, false);
	else if (str_eq(at, STR("record/row/policy_evaluated/reason")))
		begin_reason(g);
}

static void
on_text(void *ctx, const XML_Char *s, int n)
{
	struct reading *g = ctx;
	size_t room = MIN((size_t)n, (size_t)TEXT_SIZE - g->ntext);

	memcpy(g->text + g->ntext, s, room);
	g->ntext += room;
}

static struct str
trimmed(struct str s)
{
	while (s.n > 0 && ascii_isspace(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && ascii_isspace(s.p[s.n - 1]))
		s.n--;
	return s;
}

static void
take_number(struct reading *g, struct str at, struct str text)
{
	bool good = true;

	if (str_eq(at, STR("record/row/count")))
		good = num_parse_u64(text, &g->row->count) &&
		    num_add(g->r->messages, g->row->count, &g->r->messages);
	else if (str_eq(at, STR("report_metadata/date_range/begin")))
		good = num_parse_i64(text, &g->r->begin);
	else if (str_eq(at, STR("report_metadata/date_range/end")))
		good = num_parse_i64(text, &g->r->end);
	if (!good)
		stop(g, "a count or date that is no number");
}

static void
on_end(void *ctx, const XML_Char *name)
{
	struct reading *g = ctx;
	struct str at = below_feedback(g), text = trimmed(str_from(g->text, g->ntext));
	char *owner[OWNERS] = { (char *)g->r, (char *)g->row, (char *)g->auth, (char *)g->reason };
	ssize_t slash = str_rchr(g->path, '/');

	(void)name;
	for (size_t i = 0; i < COUNT(places); i++) {
		struct str v;

		if (!str_eq(at, places[i].path) || text.n == 0)
			continue;
		v = str_dup(g->a, text);
		memcpy(owner[places[i].owner] + places[i].at, &v, sizeof v);
		if (!v.p)
			stop(g, "too large");
	}
	take_number(g, at, text);
	g->depth--;
	g->ntext = 0;
	g->path.n = slash < 0 ? 0 : (size_t)slash;
}

static void
on_doctype(void *ctx, const XML_Char *name, const XML_Char *sys, const XML_Char *pub, int internal)
{
	(void)name;
	(void)sys;
	(void)pub;
	(void)internal;
	stop(ctx, "a document type or entities: refused");
}

/* Reads with what the text can be, whatever it says of itself. */
static const char *
encoding(struct str xml)
{
	if (str_starts(xml, STR("\xff\xfe")) || str_starts(xml, STR("\xfe\xff")))
		return NULL;
	return utf8_valid(xml) ? "UTF-8" : "ISO-8859-1";
}

static bool
read_once(struct reading *g, struct str xml, size_t *line)
{
	enum XML_Status rc;

	*g->r = (struct report){};
	g->row_end = &g->r->row;
	g->path = str_from(g->path_at, 0);
	g->text = arena_alloc(g->a, TEXT_SIZE);
	g->xml = g->text ? XML_ParserCreate(encoding(xml)) : NULL;
	if (!g->xml) {
		g->why = "no memory";
		return false;
	}
	XML_SetUserData(g->xml, g);
	XML_SetElementHandler(g->xml, on_begin, on_end);
	XML_SetCharacterDataHandler(g->xml, on_text);
	XML_SetStartDoctypeDeclHandler(g->xml, on_doctype);
	rc = XML_Parse(g->xml, xml.p, (int)xml.n, XML_TRUE);
	g->cut = rc != XML_STATUS_OK && g->depth == 1 && g->r->row &&
	    XML_GetErrorCode(g->xml) == XML_ERROR_NO_ELEMENTS;
	*line = rc == XML_STATUS_OK ? 0 : XML_GetCurrentLineNumber(g->xml);
	XML_ParserFree(g->xml);
	return rc == XML_STATUS_OK;
}

/* Is this '<' that of a tag one may find in a report? */
static bool
is_tag(struct str at)
{
	static const struct str more[] = {
		STR_INIT("feedback"), STR_INIT("date_range"), STR_INIT("begin"), STR_INIT("end"),
		STR_INIT("pct"), STR_INIT("count"), STR_INIT("error"),
	};
	struct str name = str_skip(at, 1), path;
	size_t n = 0;

	if (str_starts(name, STR("?")) || str_starts(name, STR("!")))
		return true;
	if (str_starts(name, STR("/")))
		name = str_skip(name, 1);
	while (n < name.n && (ascii_isalnum(name.p[n]) || name.p[n] == '_' || name.p[n] == ':'))
		n++;
	if (n == name.n || (name.p[n] != '>' && name.p[n] != '/' && !ascii_isspace(name.p[n])))
		return false;
	name = str_sub(name, 0, n);
	name = str_skip(name, (size_t)(str_rchr(name, ':') + 1));
	for (size_t i = 0; i < COUNT(more); i++)
		if (str_eq(name, more[i]))
			return true;
	for (size_t i = 0; i < COUNT(places); i++)
		for (path = places[i].path; path.n > 0; )
			if (str_eq(str_split(&path, '/'), name))
				return true;
	return false;
}

/* "&amp;" or "&#38;" */
static bool
is_reference(struct str at)
{
	size_t n = 1;

	while (n < at.n && n < 10 && (ascii_isalnum(at.p[n]) || at.p[n] == '#'))
		n++;
	return n > 1 && n < at.n && at.p[n] == ';';
}

/* Reporters there are that write addresses and names into XML as they are. */
static bool
mend(struct str xml, struct buf *out)
{
	for (size_t i = 0; i < xml.n; i++) {
		struct str at = str_skip(xml, i);

		if (xml.p[i] == '<' && !is_tag(at))
			(void)buf_puts(out, "&lt;");
		else if (xml.p[i] == '&' && !is_reference(at))
			(void)buf_puts(out, "&amp;");
		else
			(void)buf_putc(out, xml.p[i]);
	}
	return !out->failed;
}

bool
report_read(struct str xml, struct arena *a, struct report *out, const char **why, size_t *line)
{
	struct reading g = { .r = out, .a = a };
	struct buf mended;
	bool good = xml.n <= REPORT_UNPACKED_MAX;

	*why = good ? "" : "larger than a report may be";
	*line = 0;
	if (!good)
		return false;
	good = read_once(&g, xml, line);
	if (!good && !g.why) {
		size_t again;

		buf_init(&mended, 2 * xml.n + 16);
		g = (struct reading){ .r = out, .a = a };
		good = mend(xml, &mended) &&
		    (read_once(&g, buf_str(&mended), &again) || (g.cut && !g.why));
		out->mended = true;
		buf_done(&mended);
	}
	if (good && (out->domain.n == 0 || !out->row))
		g.why = "not an aggregate report: no domain or no record in it";
	if (!good || g.why)
		*why = g.why ? g.why : "not well-formed XML";
	return good && !g.why;
}
