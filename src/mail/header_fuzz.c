/* SPDX-License-Identifier: ISC */
/*
 * header_fuzz: any octets as a message: header both ways, addresses, dates, trace fields, types,
 * the MIME tree, and a notification that returns it.
 */
#include <assert.h>
#include <stdint.h>

#include "mail/date.h"
#include "mail/dsn.h"
#include "mail/mime.h"
#include "mail/msg.h"
#include "mail/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
one_value(struct str v, struct arena *a)
{
	struct addr_list list;
	struct addr spec;
	struct mime_type type;
	struct date d;
	struct perr err = {};
	struct received_in trace;

	(void)addr_list_parse(v, a, &list);
	for (size_t i = 0; i < list.n; i++)
		if (!(list.addr[i].facts & ADDR_BAD))
			assert(list.addr[i].local.n > 0 && list.addr[i].domain.n > 0);
	if (addr_spec_parse(v, true, a, &spec))
		assert(addr_spec_parse(spec.address, true, a, &spec));
	(void)mime_type_parse(v, a, &type);
	(void)text_decode(v, a);
	(void)received_parse(v, &trace);
	if (date_parse(v, &d, &err)) {
		struct date back;

		date_of_unix(date_unix(&d), d.zone, &back);
		assert(date_unix(&back) == date_unix(&d));
	}
	(void)date_guess(v, &d);
}

static void
scan(struct str in, const struct header *h)
{
	for (size_t cut = 0; cut <= in.n && cut < 64; cut++) {
		struct header_scan s = {};
		size_t used = header_scan_feed(&s, str_sub(in, 0, cut));

		used += header_scan_feed(&s, str_skip(in, used));
		header_scan_end(&s);
		assert(used <= in.n && s.size == used);
		assert(s.junk == h->junk);
		if (!s.junk)
			assert(s.fields == h->n && used == h->body_at);
	}
}

static void
notify(struct str in, struct arena *a)
{
	struct dsn_rcpt r = { .addr = in, .orcpt = in, .status = in, .reply = in,
			      .remote_mta = in };
	struct dsn d = { .reporting_mta = in, .from = STR("a@b"), .to = STR("c@d"),
			 .message_id = STR("x@y"), .boundary = STR("=_b"), .envid = in,
			 .rcpt = &r, .nrcpt = 1, .now_s = 1, .original = STR("A: b\r\n\r\n") };
	struct buf b;
	struct header h;

	buf_init(&b, 1 << 20);
	if (dsn_format(&b, &d, a)) {
		assert(header_parse(buf_str(&b), a, 0, &h));
		assert(h.n == 8 && !h.junk);
	}
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_from(p, n);
	struct arena a;
	struct msg m;
	struct addr_list from;

	arena_init(&a, 64 << 20);
	if (msg_parse(in, &a, &m)) {
		(void)msg_from(&m, &a, &from);
		for (size_t i = 0; i < m.header.n; i++) {
			assert(field_name_valid(m.header.field[i].name));
			one_value(m.header.field[i].value, &a);
			(void)field_unfold(&m.header.field[i], &a);
		}
		scan(in, &m.header);
	}
	one_value(in, &a);
	(void)mime_parse(in, &a);
	if (n < 2048)
		notify(in, &a);
	arena_done(&a);
	return 0;
}
