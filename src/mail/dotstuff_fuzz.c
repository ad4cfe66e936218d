/* SPDX-License-Identifier: ISC */
/*
 * dotstuff_fuzz: the first octet says how the rest is cut; every cut must give the same message,
 * and a message without faults must come back from the encoder.
 */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/num.h"
#include "mail/dotstuff.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct taken {
	struct buf text;
	unsigned faults;
	size_t rest;
	bool ended;
};

static struct taken
decode(struct str in, size_t step)
{
	struct taken t = {};
	struct dot_in d;
	enum dot got = DOT_MORE;

	buf_init(&t.text, 1 << 21);
	dot_in_init(&d, 100);
	for (size_t at = 0; at < in.n && !t.ended; at += step) {
		struct str chunk = str_sub(in, at, step), run;

		while ((got = dot_in_next(&d, &chunk, &run)) == DOT_RUN)
			assert(buf_put(&t.text, run) && run.n > 0);
		t.ended = got == DOT_END;
		t.rest = chunk.n + (in.n - MIN(in.n, at + step));
	}
	t.faults = d.faults;
	assert(d.size == t.text.n);
	return t;
}

static void
there_and_back(struct str text)
{
	struct dot_out o = {};
	struct buf wire;
	struct str rest = text, run;
	struct taken t;

	buf_init(&wire, 1 << 22);
	while (dot_out_next(&o, &rest, &run))
		assert(buf_put(&wire, run));
	assert(buf_put(&wire, dot_out_end(&o)));
	t = decode(buf_str(&wire), 4096);
	assert(t.ended && t.rest == 0 && str_starts(buf_str(&t.text), text));
	buf_done(&t.text);
	buf_done(&wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_from(p, n);
	size_t step = n > 0 ? (size_t)p[0] % 7 + 1 : 1;
	struct taken one, two;

	in = str_skip(in, 1);
	one = decode(in, in.n + 1);
	two = decode(in, step);
	assert(str_eq(buf_str(&one.text), buf_str(&two.text)));
	assert(one.faults == two.faults && one.ended == two.ended);
	assert(!one.ended || one.rest == two.rest);
	if (one.ended && (one.faults & ~(unsigned)DOT_LONG_LINE) == 0)
		there_and_back(buf_str(&one.text));
	buf_done(&one.text);
	buf_done(&two.text);
	return 0;
}
