/* SPDX-License-Identifier: ISC */
/*
 * retry: the table of classes.
 *
 * RFC 5321 4.5.4.1 asks for 30 minutes between attempts and for giving up after 4-5 days; we begin
 * sooner (greylisting) and end there.
 */
#include "queue/retry.h"
#include "base/num.h"

enum { OWN_MS = 60'000, SLOW_MS = 30 * 60'000 };

static const int64_t least_ms[CLASSES] = {
	[CLASS_AUTH] = SLOW_MS,
	[CLASS_QUOTA] = SLOW_MS,
};

static int64_t
jitter(const struct limits *lim, int64_t ms, uint32_t random)
{
	int64_t span = ms * (int64_t)lim->retry_jitter / 100;

	/* -span .. +span */
	return ms - span + (int64_t)((uint64_t)random * (uint64_t)(2 * span + 1) >> 32);
}

int64_t
retry_wait_ms(const struct limits *lim, enum out_class class, unsigned attempts, uint32_t random)
{
	uint64_t step = attempts > 0 ? attempts - 1 : 0;
	int64_t ms;

	if (class == CLASS_OWN)
		return jitter(lim, OWN_MS, random);
	if (lim->nretry == 0)
		ms = SLOW_MS;
	else
		ms = lim->retry_ms[MIN(step, lim->nretry - 1)];
	/* A schedule that is shorter everywhere (tests, impatient sites) is meant so. */
	if (lim->nretry > 0 && lim->retry_ms[lim->nretry - 1] >= least_ms[class])
		ms = MAX(ms, least_ms[class]);
	return jitter(lim, ms, random);
}
