/* SPDX-License-Identifier: ISC */
/*
 * access_build: the text of an access map into entries of an image.
 *
 * Beside the lines themselves the image gets what look-ups need to know beforehand: which lengths
 * networks have, whether names of hosts stand in the map, and a numbered list of all RELAY lines
 * for the proof.  Runs on a worker thread of lookup.
 */
#include "conf/errors.h"
#include "table/access_build.h"
#include "table/access_key.h"
#include "table/lines.h"

struct building {
	struct image_builder *b;
	struct str file;
	struct conf_errors *errs;
	struct buf room, value;
	uint8_t lengths[ACCESS_LENGTHS_SIZE];
	uint8_t flags;
	uint32_t relays;
	bool bad;
};

bool
access_key(struct key *k, struct str file, enum access_tag tag, char form, struct str name)
{
	key_begin(k, TABLE_ACCESS, file);
	k->p[k->n++] = (char)tag;
	k->p[k->n++] = form;
	return key_put(k, name);
}

bool
access_net_key(struct key *k, struct str file, enum access_tag tag, char form, struct net net)
{
	size_t octets = net.ip.v6 ? 16 : 4;

	net = net_of(net.ip, net.bits);
	(void)access_key(k, file, tag, form, STR(""));
	k->p[k->n++] = net.ip.v6 ? 6 : 4;
	k->p[k->n++] = (char)net.bits;
	memcpy(k->p + k->n, net.ip.b, octets);		/* not text: no lower case */
	k->n += octets;
	return true;
}

static bool
must_escape(unsigned char c)
{
	return c <= ' ' || c >= 0x7f || strchr("<>()\"+/", (int)c) != NULL;
}

/* Does "/TYPE=" begin here? */
static size_t
part_begins(struct str s)
{
	size_t n = 1;

	if (s.n < 3 || s.p[0] != '/')
		return 0;
	while (n < s.n && (ascii_isalnum(s.p[n]) || s.p[n] == '.'))
		n++;
	return n > 1 && n < s.n && s.p[n] == '=' ? n + 1 : 0;
}

bool
access_dn(struct str s, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";

	while (s.n > 0) {
		size_t part = part_begins(s);
		int hi = -1, lo = -1;
		unsigned char c;

		if (part > 0) {
			bool mail = str_istarts(s, STR("/email="));

			buf_put(out, mail ? STR("/emailaddress=") : str_sub(s, 0, part));
			s = str_skip(s, part);
			continue;
		}
		c = (unsigned char)s.p[0];
		if (c == '+') {
			hi = s.n > 2 ? ascii_xval(s.p[1]) : -1;
			lo = s.n > 2 ? ascii_xval(s.p[2]) : -1;
			if (hi < 0 || lo < 0)
				return false;
			c = (unsigned char)(hi << 4 | lo);
		}
		s = str_skip(s, hi >= 0 ? 3 : 1);
		if (must_escape(c)) {
			buf_putc(out, '+');
			buf_putc(out, hex[c >> 4]);
			buf_putc(out, hex[c & 15]);
		} else {
			buf_putc(out, ascii_lower((char)c));
		}
	}
	return !out->failed;
}

static void
note_length(struct building *w, const struct net *net)
{
	uint8_t *set = w->lengths + (net->ip.v6 ? 5 : 0);

	set[net->bits / 8] |= (uint8_t)(1u << net->bits % 8);
}

static void
note_relay(struct building *w, const struct access_line *l, unsigned line, const struct key *k)
{
	struct key list;
	char number[4], head[6];

	put_le32(number, w->relays++);
	key_begin(&list, TABLE_ACCESS, w->file);
	list.p[list.n++] = 0;
	list.p[list.n++] = ACCESS_RELAY;
	memcpy(list.p + list.n, number, sizeof number);
	list.n += sizeof number;
	head[0] = (char)l->tag;
	head[1] = l->form;
	put_le32(head + 2, line);
	buf_reset(&w->room);
	buf_put(&w->room, str_from(head, sizeof head));
	buf_put(&w->room, str_skip(key_str(k), KEY_HEAD + 2));
	(void)image_add(w->b, key_str(&list), buf_str(&w->room));
}

static void
build_line(struct building *w, unsigned number, struct str text)
{
	struct access_line l;
	struct perr err = {};
	const char *notice;
	struct key k;
	char head[ACCESS_VALUE_HEAD];
	bool fits;

	if (!access_line_parse(text, &w->room, &l, &notice, &err)) {
		conf_error_add(w->errs, number, 1, "'" STR_F "' %s",
		    (int)MIN(text.n, (size_t)60), text.p, err.what);
		w->bad = true;
		return;
	}
	if (notice != NULL)
		conf_error_add(w->errs, number, 1, "note: %s", notice);
	if (l.form == 0)
		return;
	if (l.form == ACCESS_NET || l.form == ACCESS_BRACKET) {
		fits = access_net_key(&k, w->file, l.tag, l.form, l.net);
		note_length(w, &l.net);
	} else if (l.tag == ACC_OWN) {
		fits = access_key(&k, w->file, l.tag, l.form, l.own) && key_put(&k, STR(":")) &&
		    key_put(&k, l.name);
	} else {
		fits = access_key(&k, w->file, l.tag, l.form, l.name);
	}
	if (l.form == ACCESS_HOST && l.tag != ACC_FROM && l.tag != ACC_TO && l.tag != ACC_SPAM)
		w->flags |= 1;
	head[0] = (char)l.act;
	put_le32(head + 1, number);
	buf_reset(&w->value);
	buf_put(&w->value, str_from(head, sizeof head));
	buf_put(&w->value, l.text);
	if (!fits) {
		conf_error_add(w->errs, number, 1, "name too long");
		w->bad = true;
	} else if (!image_add(w->b, key_str(&k), buf_str(&w->value))) {
		conf_error_add(w->errs, number, 1,
		    "note: the key was already given; the first one holds");
	} else if (l.act == ACC_RELAY) {
		note_relay(w, &l, number, &k);
	}
}

bool
access_build(struct image_builder *b, struct str file, struct str text, struct conf_errors *errs)
{
	struct building w = { .b = b, .file = file, .errs = errs };
	struct lines l = lines_of(text);
	struct str line;
	unsigned number;
	struct key k;

	l.whole = true;
	buf_init(&w.room, 8192);
	buf_init(&w.value, 8192);
	while (lines_next(&l, &line, &number))
		build_line(&w, number, line);
	(void)access_key(&k, file, 0, ACCESS_LENGTHS, STR(""));
	(void)image_add(b, key_str(&k), str_from(w.lengths, sizeof w.lengths));
	(void)access_key(&k, file, 0, ACCESS_FLAGS, STR(""));
	(void)image_add(b, key_str(&k), str_from(&w.flags, 1));
	buf_done(&w.room);
	buf_done(&w.value);
	return !w.bad;
}
