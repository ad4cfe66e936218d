/* SPDX-License-Identifier: ISC */
/*
 * path_fuzz: any octets as an envelope address.  What parses must be its own canonical text, and
 * parse to the same path again.
 */
#include <assert.h>
#include <stdint.h>

#include "mail/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(struct str in, struct path_rules *rules)
{
	struct cur c = cur_of(in);
	struct path one, two;
	struct perr err = {};
	struct str text, low;

	if (!take_path(&c, rules, &one, &err)) {
		assert(err.what != NULL && err.code != 0 && c.p == c.start);
		return;
	}
	if (one.null || one.domain.n == 0)
		return;
	text = path_text(&one, rules->arena);
	assert(one.local.n > 0 && text.n <= PATH_MAX_LEN);
	for (size_t i = 0; i < text.n; i++)
		assert((unsigned char)text.p[i] >= ' ' && text.p[i] != 0x7f);
	assert(path_parse(text, rules, &two, &err) && path_eq(&one, &two));
	assert(str_eq(path_text(&two, rules->arena), text));
	(void)path_local_plain(&one, rules->arena);
	(void)domain_to_ascii(one.domain, rules->arena, &low);
	(void)domain_to_utf8(one.domain, rules->arena, &low);
	assert(domain_eq(one.domain, two.domain));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct path_rules rules = { .arena = &a, .null = true, .postmaster = true };

	arena_init(&a, 1 << 16);
	check(str_from(p, n), &rules);
	rules.utf8 = true;
	check(str_from(p, n), &rules);
	arena_done(&a);
	return 0;
}
