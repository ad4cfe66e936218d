/* SPDX-License-Identifier: ISC */
/*
 * access_fuzz: any bytes as an access map; what is taken can be looked up, and no sender is ever
 * granted relay.
 */
#include <assert.h>
#include <stdint.h>

#include "table/access_key.h"
#include "table/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct lines l = lines_of((struct str){ (const char *)p, n });
	struct str line;
	struct buf room;
	unsigned number;

	l.whole = true;
	buf_init(&room, 8192);
	while (lines_next(&l, &line, &number)) {
		struct access_line one;
		struct access_level level;
		struct perr err = {};
		const char *notice;

		if (!access_line_parse(line, &room, &one, &notice, &err)) {
			assert(err.what != NULL);
			continue;
		}
		assert(one.act != ACC_NONE);
		assert(one.act != ACC_RELAY || (one.tag != ACC_FROM && one.form != ACCESS_USER));
		assert(one.act != ACC_RELAY || one.form != ACCESS_NET || one.net.bits >= 7);
		assert(one.act != ACC_ERROR || (one.text.n > 4 && one.text.p[3] == ' '));
		assert(one.act != ACC_LEVEL || access_level_parse(one.text, &level));
	}
	buf_done(&room);
	return 0;
}
