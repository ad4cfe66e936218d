/* SPDX-License-Identifier: ISC */
/*
 * verb_parse: the grammar of mail/ from the command line, see verb_parse.h.
 *
 * Each verb reads standard input whole, asks one parser and says what it found.  One arena for the
 * run; the process ends after it.
 */
#include "main/verb_parse.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "main/verb_json.h"
#include "mail/addr.h"
#include "mail/mime.h"
#include "mail/msg.h"
#include "mail/path.h"
#include "trust/mtasts.h"
#include "trust/tlsrpt.h"

static int
too_much(void)
{
	(void)fputs("postern: the input is too large\n", stderr);
	return EX_DATAERR;
}

static bool
is_word(int argc, char **argv, int at, const char *word)
{
	return at < argc && strcmp(argv[at], word) == 0;
}

static json_t *
address_smtp(struct str text, bool utf8, struct arena *a)
{
	struct path_rules rules = { .arena = a, .utf8 = utf8 };
	struct path p;
	struct perr err = {};

	if (path_parse(text, &rules, &p, &err))
		return json_pack("{s:b,s:o,s:o}", "valid", 1, "local", verb_json_str(p.local),
				 "domain", verb_json_str(p.domain));
	return json_pack("{s:b,s:s,s:I}", "valid", 0, "error", err.what, "at", (json_int_t)err.at);
}

static json_t *
address_header(struct str text, bool utf8, struct arena *a)
{
	struct addr one;

	if (addr_spec_parse(text, utf8, a, &one))
		return json_pack("{s:b,s:o,s:o,s:b}", "valid", 1, "local", verb_json_str(one.local),
				 "domain", verb_json_str(one.domain), "obsolete", one.obsolete);
	return json_pack("{s:b}", "valid", 0);
}

int
verb_address(int argc, char **argv)
{
	struct arena a;
	struct buf in;
	bool smtp = false, header = false, utf8 = false;

	for (int i = 2; i < argc; i++) {
		smtp |= is_word(argc, argv, i, "--smtp");
		header |= is_word(argc, argv, i, "--header");
		utf8 |= is_word(argc, argv, i, "--utf8");
	}
	if (!is_word(argc, argv, 1, "parse") || smtp == header)
		return verb_usage(argc, argv, "address parse --smtp|--header [--utf8] < ADDRESS");
	arena_init(&a, (size_t)8 * VERB_INPUT_MAX);
	buf_init(&in, VERB_INPUT_MAX);
	if (!verb_read_input(&in))
		return too_much();
	return verb_json_end(smtp ? address_smtp(buf_str(&in), utf8, &a)
				  : address_header(buf_str(&in), utf8, &a));
}

static json_t *
mime_json(const struct mime_part *root)
{
	json_t *list = json_array();
	const struct mime_part *up[MIME_DEPTH_MAX + 2];
	const struct mime_part *p = root;
	size_t depth = 0;

	while (p != NULL) {
		(void)json_array_append_new(list, json_pack(
			"{s:o,s:o,s:I,s:I}", "type", verb_json_str(p->type.type), "subtype",
			verb_json_str(p->type.subtype), "depth", (json_int_t)p->depth, "size",
			(json_int_t)p->body.n));
		if (p->child != NULL && depth < MIME_DEPTH_MAX + 2) {
			up[depth++] = p->next;
			p = p->child;
			continue;
		}
		p = p->next;
		while (p == NULL && depth > 0)
			p = up[--depth];
	}
	return list;
}

static json_t *
message_json(struct str text, struct arena *a)
{
	struct msg m;
	struct addr_list from;
	struct mime_part *mime;
	json_t *fields = json_array(), *domains = json_array();

	if (!msg_parse(text, a, &m) || !msg_from(&m, a, &from))
		return NULL;
	mime = mime_parse(text, a);
	for (size_t i = 0; i < m.header.n; i++)
		(void)json_array_append_new(fields, json_pack(
			"{s:o}", "name", verb_json_str(m.header.field[i].name)));
	for (size_t i = 0; i < from.n; i++)
		if (from.addr[i].domain.n > 0)
			(void)json_array_append_new(domains, verb_json_str(from.addr[i].domain));
	return json_pack("{s:o,s:I,s:o,s:I,s:o,s:b}", "fields", fields, "body_size",
			 (json_int_t)m.body.n, "from_domains", domains, "from_facts",
			 (json_int_t)from.facts, "mime", mime_json(mime), "junk", m.header.junk);
}

int
verb_message(int argc, char **argv)
{
	struct arena a;
	struct buf in;
	json_t *answer;

	if (!is_word(argc, argv, 1, "parse"))
		return verb_usage(argc, argv, "message parse < MESSAGE");
	arena_init(&a, (size_t)8 * VERB_INPUT_MAX);
	buf_init(&in, VERB_INPUT_MAX);
	if (!verb_read_input(&in))
		return too_much();
	answer = message_json(buf_str(&in), &a);
	return answer != NULL ? verb_json_end(answer) : too_much();
}

int
verb_mtasts(int argc, char **argv)
{
	static struct mtasts_policy policy;
	struct mtasts_record record;
	struct buf in;
	bool valid;

	if (!is_word(argc, argv, 1, "record") && !is_word(argc, argv, 1, "policy"))
		return verb_usage(argc, argv, "mta-sts record|policy < TEXT");
	buf_init(&in, VERB_INPUT_MAX);
	if (!verb_read_input(&in))
		return too_much();
	if (is_word(argc, argv, 1, "record")) {
		valid = mtasts_record_parse(buf_str(&in), &record);
		return verb_json_end(json_pack("{s:b,s:o}", "valid", valid, "id",
					       verb_json_opt(valid ? record.id : STR(""))));
	}
	valid = mtasts_policy_parse(buf_str(&in), &policy);
	return verb_json_end(json_pack("{s:b,s:I,s:I}", "valid", valid, "max_age",
				       (json_int_t)policy.max_age_s, "mx",
				       (json_int_t)policy.nmx));
}

int
verb_tlsrpt(int argc, char **argv)
{
	struct tlsrpt_record record;
	struct buf in;
	bool valid;

	if (!is_word(argc, argv, 1, "record"))
		return verb_usage(argc, argv, "tls-rpt record < TEXT");
	buf_init(&in, VERB_INPUT_MAX);
	if (!verb_read_input(&in))
		return too_much();
	valid = tlsrpt_record_parse(buf_str(&in), &record);
	json_t *rua = json_array();

	for (unsigned i = 0; valid && i < record.nrua; i++)
		(void)json_array_append_new(rua, verb_json_str(record.rua[i]));
	return verb_json_end(json_pack("{s:b,s:o}", "valid", valid, "rua", rua));
}
