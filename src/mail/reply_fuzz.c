/* SPDX-License-Identifier: ISC */
/*
 * reply_fuzz: any octets as what a server says; and as the text of a reply of ours, which must
 * stay one well-formed reply.
 */
#include <assert.h>
#include <stdint.h>

#include "mail/reply.h"
#include "mail/reply_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
read_back(struct str text, struct arena *a)
{
	struct reply r = REPLY_TEXT(550, 5, 7, 1, text);
	struct reply_in in = {};
	enum reply_more more = REPLY_MORE;
	struct buf b;
	struct str rest;

	buf_init(&b, 1 << 20);
	if (reply_format(&b, &r, false)) {
		for (rest = buf_str(&b); rest.n > 0 && more != REPLY_BROKEN;) {
			struct str line = str_split(&rest, '\n');

			assert(line.n < REPLY_LINE_MAX && line.p[line.n - 1] == '\r');
			assert(more == REPLY_MORE);
			line.n--;
			more = reply_read_line(&in, line, a);
		}
		/* More lines than our own reader takes: no reply of the server has so many. */
		assert(more == REPLY_DONE || in.nline == REPLY_READ_LINES);
		assert(in.code == 550 && in.c == 5 && in.s == 7 && in.d == 1);
	}
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = str_from(p, n), text;
	struct reply_in r = {};
	struct ehlo e;
	struct arena a;

	arena_init(&a, 8 << 20);
	while (rest.n > 0)
		if (reply_read_line(&r, str_split(&rest, '\n'), &a) != REPLY_MORE)
			break;
	ehlo_parse(&r, &e);
	text = reply_read_text(&r, &a, 500);
	assert(text.n <= 500);
	for (size_t i = 0; i < text.n; i++)
		assert((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
	if (n < 20'000)
		read_back(str_from(p, n), &a);
	arena_done(&a);
	return 0;
}
