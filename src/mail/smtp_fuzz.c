/* SPDX-License-Identifier: ISC */
/*
 * smtp_fuzz: any octets as a command line, and as the arguments of every command.
 */
#include <assert.h>
#include <stdint.h>

#include "mail/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
every_argument(struct str args, struct arena *a)
{
	struct smtp_rules r = { .arena = a, .ext = 0xffff, .utf8 = true };
	struct mail_args m;
	struct rcpt_args rc;
	struct hello_args h;
	struct perr err = {};
	struct str x, y;
	struct cur c = cur_of(args);
	uint64_t size;
	bool last;

	if (!smtp_mail_parse(args, &r, &m, &err))
		assert(err.what != NULL && err.code >= 5'000'000);
	if (!smtp_rcpt_parse(args, &r, &rc, &err))
		assert(err.what != NULL && err.code >= 5'000'000);
	(void)smtp_hello_parse(args, &h, &err);
	(void)smtp_bdat_parse(args, &size, &last, &err);
	(void)smtp_auth_parse(args, &x, &y, &err);
	while (take_xclient(&c, a, &x, &y))
		assert(x.n > 0);
}

/* What is encoded decodes to itself. */
static void
xtext(struct str in, struct arena *a)
{
	struct buf b;
	struct str out;

	buf_init(&b, 1 << 20);
	assert(xtext_encode(&b, in));
	assert(xtext_decode(buf_str(&b), a, &out) && str_eq(in, out));
	buf_reset(&b);
	if (utf8_xtext_encode(&b, in))
		assert(utf8_xtext_decode(buf_str(&b), a, &out) && str_eq(in, out));
	(void)utf8_xtext_decode(in, a, &out);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_from(p, n);
	struct smtp_cmd cmd = smtp_cmd_parse(in);
	struct arena a;

	arena_init(&a, 4 << 20);
	assert(cmd.word.n <= n && cmd.args.n <= n);
	every_argument(cmd.args, &a);
	every_argument(in, &a);
	if (n < 4096)
		xtext(in, &a);
	arena_done(&a);
	return 0;
}
