/* SPDX-License-Identifier: ISC */
/*
 * verb_header: `postern header parse --type T`: one field value, read as T.
 */
#include <iconv.h>
#include <string.h>

#include "base/arena.h"
#include "base/ascii.h"
#include "base/num.h"
#include "main/verb_json.h"
#include "main/verb_parse.h"
#include "mail/addr.h"
#include "mail/date.h"
#include "mail/mime.h"
#include "mail/received.h"
#include "mail/text.h"

/* Any charset that the C library converts; a tool may, the server's parsers may not. */
static bool
any_to_utf8(struct str charset, struct str in, struct buf *out)
{
	char name[64], *from = (char *)(uintptr_t)in.p, *to;
	size_t left = in.n, room = 4 * in.n + 16, before = room;
	iconv_t cd;
	bool ok;

	if (charset.n >= sizeof name || (to = buf_reserve(out, room)) == NULL)
		return text_to_utf8(charset, in, out);
	memcpy(name, charset.p, charset.n);
	name[charset.n] = '\0';
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return text_to_utf8(charset, in, out);
	ok = iconv(cd, &from, &left, &to, &room) != (size_t)-1;
	(void)iconv_close(cd);
	if (ok)
		buf_add(out, before - room);
	return ok;
}

static struct str
decoded(struct str v, struct arena *a)
{
	struct text_rules rules = { .to_utf8 = any_to_utf8 };

	return text_decode_with(v, &rules, a);
}

static json_t *
value_json(json_t *value)
{
	return json_pack("{s:o}", "value", value);
}

static json_t *
address_json(struct str v, struct arena *a)
{
	struct addr_list list;
	json_t *all = json_array();

	if (!addr_list_parse_all(v, a, &list))
		return NULL;
	for (size_t i = 0; i < list.n; i++)
		(void)json_array_append_new(all, json_pack(
			"{s:o,s:o,s:o}", "name", verb_json_opt(list.addr[i].name), "address",
			verb_json_opt(list.addr[i].address), "group",
			verb_json_opt(list.addr[i].group)));
	return json_pack("{s:o,s:I}", "addresses", all, "facts", (json_int_t)list.facts);
}

static json_t *
content_type_json(struct str v, struct arena *a)
{
	struct mime_type t;
	json_t *params = json_object();

	if (!mime_type_parse(v, a, &t))
		return NULL;
	if (t.type.n == 0)
		t.subtype = (struct str){};
	for (size_t i = 0; i < t.nparam; i++) {
		char *key = str_z(a, t.param[i].name);

		if (key != NULL)
			(void)json_object_set_new(params, key, verb_json_str(t.param[i].value));
	}
	return json_pack("{s:o,s:o,s:b,s:o}", "type", verb_json_opt(t.type), "subtype",
			 verb_json_opt(t.subtype), "valid", t.valid, "parameters", params);
}

static json_t *
date_json(struct str v, struct arena *a)
{
	struct date d;
	struct perr err = {};
	struct str text;
	bool exact = date_parse(v, &d, &err);
	int zone;

	if (!exact && !date_guess(v, &d))
		return json_pack("{s:n,s:s}", "date", "error", err.what);
	zone = d.zone < 0 ? -d.zone : d.zone;
	/* RFC 3339 4.3 has "-00:00" for what "-0000" says */
	text = str_fmt(a, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", d.year, d.month, d.day,
		       d.hour, d.minute, d.second,
		       d.zone < 0 || (d.zone_unknown && str_find(v, STR("-0000")) >= 0) ? '-' : '+',
		       zone / 60, zone % 60);
	return json_pack("{s:o,s:b}", "date", verb_json_str(text), "exact", exact);
}

/* Message identifiers: what stands in angle brackets; without any, the text itself. */
static json_t *
id_json(struct str v, struct arena *a)
{
	json_t *ids = json_array();
	struct str rest = v;

	(void)a;
	for (;;) {
		struct str id;
		ssize_t open = str_chr(rest, '<'), close;

		if (open < 0)
			break;
		rest = str_skip(rest, (size_t)open + 1);
		close = str_chr(rest, '>');
		id = str_trim(str_sub(rest, 0, close < 0 ? rest.n : (size_t)close));
		if (id.n > 0)
			(void)json_array_append_new(ids, verb_json_str(id));
		rest = str_skip(rest, close < 0 ? rest.n : (size_t)close + 1);
	}
	while (v.n > 0 && ascii_isspace(v.p[v.n - 1]))
		v.n--;
	v = str_trim(v);
	if (json_array_size(ids) == 0 && v.n > 0)
		(void)json_array_append_new(ids, verb_json_str(v));
	if (json_array_size(ids) > 0)
		return value_json(ids);
	json_decref(ids);
	return value_json(json_null());
}

/* Phrases separated by commas; a comma inside an encoded-word separates nothing. */
static json_t *
list_json(struct str v, struct arena *a)
{
	json_t *all = json_array();
	size_t from = 0;

	for (size_t i = 0; i <= v.n; i++) {
		struct str item;

		if (i < v.n && v.p[i] != ',') {
			size_t word = text_word(str_skip(v, i));

			i += word > 0 ? word - 1 : 0;
			continue;
		}
		item = decoded(str_sub(v, from, i - from), a);
		if (item.n > 0)
			(void)json_array_append_new(all, verb_json_str(item));
		from = i + 1;
	}
	return value_json(all);
}

static json_t *
received_json(struct str v, struct arena *a)
{
	struct received_in r;

	(void)a;
	(void)received_parse(v, &r);
	return json_pack("{s:{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}}", "value",
			 "from", verb_json_opt(r.from), "by", verb_json_opt(r.by),
			 "via", verb_json_opt(r.via), "with", verb_json_opt(r.with),
			 "id", verb_json_opt(r.id), "for", verb_json_opt(r.rcpt),
			 "date", verb_json_opt(r.date), "valid", r.valid);
}

static json_t *
unstructured_json(struct str v, struct arena *a)
{
	return value_json(verb_json_str(decoded(v, a)));
}

static const struct {
	const char *name;
	json_t *(*read)(struct str value, struct arena *a);
} types[] = {
	{ "address", address_json }, { "content-type", content_type_json },
	{ "date", date_json }, { "id", id_json }, { "list", list_json },
	{ "received", received_json }, { "unstructured", unstructured_json },
};

/* A field ends at the first line end that no white space follows. */
static struct str
one_field(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '\n' && (i + 1 == v.n || !ascii_iswsp(v.p[i + 1])))
			return str_sub(v, 0, i > 0 && v.p[i - 1] == '\r' ? i - 1 : i);
	return v;
}

int
verb_header(int argc, char **argv)
{
	struct arena a;
	struct buf in;

	if (argc != 4 || strcmp(argv[1], "parse") != 0 || strcmp(argv[2], "--type") != 0)
		return verb_usage(argc, argv, "header parse --type address|content-type|date|id|"
				  "list|received|unstructured < VALUE");
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i].name, argv[3]) != 0)
			continue;
		arena_init(&a, (size_t)8 * VERB_INPUT_MAX);
		buf_init(&in, VERB_INPUT_MAX);
		if (!verb_read_input(&in))
			return 65;
		return verb_json_end(types[i].read(one_field(buf_str(&in)), &a));
	}
	return verb_usage(argc, argv, "header parse --type T: no such type");
}
