/* SPDX-License-Identifier: ISC */
/*
 * report_fuzz: any bytes as an aggregate report: bounded, and what was read is written and read
 * again with the same records.
 */
#include <stdlib.h>

#include "trust/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct buf xml, again;
	struct report r, r2;
	const char *why;
	size_t line;

	arena_init(&a, 64 << 20);
	buf_init(&xml, REPORT_UNPACKED_MAX + (1 << 20));
	buf_init(&again, REPORT_UNPACKED_MAX);
	if (report_unpack(str_from(p, n), &xml, &a, &why) &&
	    report_read(buf_str(&xml), &a, &r, &why, &line) && report_write(&r, &again)) {
		if (!report_read(buf_str(&again), &a, &r2, &why, &line) || r2.mended ||
		    r2.nrow != r.nrow || r2.messages != r.messages)
			abort();
	}
	buf_done(&again);
	buf_done(&xml);
	arena_done(&a);
	return 0;
}
