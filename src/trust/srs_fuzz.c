/* SPDX-License-Identifier: ISC */
/*
 * srs_fuzz: any octets as an address, there and back in both layouts.  What was minted leads back
 * to what it was made from; nobody else's text is taken for ours.
 */
#include <assert.h>
#include <stdint.h>

#include "trust/batv.h"
#include "trust/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(struct str in, bool classic, struct arena *a)
{
	struct srs_conf c = { .domain = STR("fwd.example"), .secret = { STR("a secret") },
		.nsecret = 1, .classic = classic, .now_s = 1577836860 };
	struct str there, back, again;
	const char *why = NULL;

	if (srs_reverse(&c, in, a, &back, &why) == SRS_ERROR)
		assert(why != NULL);
	if (srs_forward(&c, in, a, &there, &why) != SRS_OK)
		return;
	assert(srs_reverse(&c, there, a, &back, &why) == SRS_OK);
	/* An SRS1 of others is shortened to its first hop: forward again gives the same. */
	if (srs_forward(&c, back, a, &again, &why) == SRS_OK)
		assert(str_eq(there, again));
	else
		assert(str_iends(back, STR("@fwd.example")));
}

static void
check_tag(struct str in, struct arena *a)
{
	struct batv_conf c = { .secret = { STR("a secret") }, .number = { 7 }, .nsecret = 1,
		.now_s = 1577836860 };
	struct str there, back;
	const char *why = NULL;

	(void)batv_untag(&c, in, a, &back, &why);
	(void)batv_strip(in, a);
	if (batv_tag(&c, in, a, &there, &why) != BATV_OK)
		return;
	assert(batv_untag(&c, there, a, &back, &why) == BATV_OK);
	assert(str_eq(batv_strip(there, a), back));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	check(str_from(p, n), true, &a);
	check(str_from(p, n), false, &a);
	check_tag(str_from(p, n), &a);
	arena_done(&a);
	return 0;
}
