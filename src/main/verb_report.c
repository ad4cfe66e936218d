/* SPDX-License-Identifier: ISC */
/*
 * verb_report: `postern dmarc report`: an aggregate report on standard input (XML, gzip, zip or the
 * mail that brought it) as JSON.  Offline: nothing of the server is touched.
 */
#include <stdio.h>
#include <sysexits.h>

#include "main/verb_json.h"
#include "main/verb_trust.h"
#include "trust/report.h"

static json_t *
auth_json(const struct report_row *w, bool dkim)
{
	json_t *list = json_array();

	for (const struct report_auth *x = w->auth; x; x = x->next) {
		if (x->dkim != dkim)
			continue;
		(void)json_array_append_new(list, json_pack("{s:o,s:o,s:o}", "domain",
		    verb_json_str(x->domain), dkim ? "selector" : "scope",
		    verb_json_opt(dkim ? x->selector : x->scope), "result",
		    verb_json_opt(x->result)));
	}
	return list;
}

static json_t *
row_json(const struct report_row *w)
{
	json_t *reasons = json_array();

	for (const struct report_reason *s = w->reason; s; s = s->next)
		(void)json_array_append_new(reasons, json_pack("{s:o,s:o}", "type",
		    verb_json_opt(s->type), "comment", verb_json_opt(s->comment)));
	return json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "source_ip",
	    verb_json_opt(w->source_ip), "count", (json_int_t)w->count, "disposition",
	    verb_json_opt(w->disposition), "dkim_aligned", verb_json_opt(w->dkim),
	    "spf_aligned", verb_json_opt(w->spf), "reasons", reasons, "header_from",
	    verb_json_opt(w->header_from), "envelope_from", verb_json_opt(w->envelope_from),
	    "envelope_to", verb_json_opt(w->envelope_to), "dkim", auth_json(w, true), "spf",
	    auth_json(w, false));
}

static json_t *
report_json(const struct report *r)
{
	json_t *rows = json_array();
	json_t *policy = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "domain",
	    verb_json_str(r->domain), "p", verb_json_opt(r->p), "sp", verb_json_opt(r->sp), "np",
	    verb_json_opt(r->np), "adkim", verb_json_opt(r->adkim), "aspf",
	    verb_json_opt(r->aspf), "testing", verb_json_opt(r->testing), "discovery_method",
	    verb_json_opt(r->discovery), "fo", verb_json_opt(r->fo));

	for (const struct report_row *w = r->row; w; w = w->next)
		(void)json_array_append_new(rows, row_json(w));
	return json_pack("{s:o,s:o,s:o,s:I,s:I,s:o,s:I,s:b,s:o}", "org_name",
	    verb_json_opt(r->org), "email", verb_json_opt(r->email), "report_id",
	    verb_json_opt(r->id), "begin", (json_int_t)r->begin, "end", (json_int_t)r->end,
	    "policy_published", policy, "messages", (json_int_t)r->messages, "mended",
	    r->mended, "records", rows);
}

int
verb_dmarc_report(void)
{
	struct arena a;
	struct buf in, xml;
	struct report r;
	const char *why = "the input is too large";
	size_t line = 0;

	arena_init(&a, (size_t)8 * VERB_INPUT_MAX);
	buf_init(&in, VERB_INPUT_MAX);
	buf_init(&xml, REPORT_UNPACKED_MAX + (1 << 20));
	if (verb_read_input(&in) && report_unpack(buf_str(&in), &xml, &a, &why) &&
	    report_read(buf_str(&xml), &a, &r, &why, &line))
		return verb_json_end(report_json(&r));
	if (line > 0)
		(void)fprintf(stderr, "postern: dmarc report: line %zu: %s\n", line, why);
	else
		(void)fprintf(stderr, "postern: dmarc report: %s\n", why);
	return EX_DATAERR;
}
